package envoy

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	hostcompanion "github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
	_ "modernc.org/sqlite" // seeds the databases
)

// environ is what every policy may name: the public halves of the test's keys,
// and what the case itself sets.
func (c *Case) environ() map[string]string {
	env := map[string]string{}
	for _, l := range append(slices.Clone(keyEnv()), c.Env...) {
		name, value, _ := strings.Cut(l, "=")
		env[name] = value
	}
	return env
}

// read loads a policy's text, as the command does.
func (c *Case) read(text string) (value.Value, *policy.Policy, error) {
	doc, err := c.parse(text)
	if err != nil {
		return doc, nil, err
	}
	p, _, err := policy.Load(doc, policy.Options{Getenv: c.getenv, ReadFile: os.ReadFile})
	return doc, p, err
}

func (c *Case) parse(text string) (value.Value, error) {
	f, err := policyfile.Parse("policy.yaml", []byte(text))
	if err != nil {
		return value.Value{}, err
	}
	return f.Doc, nil
}

func (c *Case) getenv(name string) (string, bool) {
	v, ok := c.environ()[name]
	return v, ok
}

func (c *Case) load(t testing.TB, text string) (*policy.Policy, value.Value) {
	t.Helper()
	doc, p, err := c.read(text)
	if err != nil {
		t.Fatalf("policy.yaml: %v", err)
	}
	return p, doc
}

// seeded is the real companion on a database of its own.
func seeded(t testing.TB, c *Case, p *policy.Policy) http.Handler {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seeded.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(c.Seed); err != nil {
		t.Fatalf("seed.sql: %v", err)
	}
	cfg := hostcompanion.Config{Project: p.Project, Keys: wire.DeriveKeys(p.Companion.Secrets...), Log: slog.New(slog.DiscardHandler)}
	for _, d := range p.Databases {
		cfg.Databases = append(cfg.Databases, hostcompanion.Source{Name: d.Name, Type: d.Type, Conn: file, Collections: d.Queried})
	}
	real, err := hostcompanion.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { real.Close(context.Background()) })
	return real
}

// companion is the one that stands by for a case's policy.
func (c *Case) companion(t testing.TB, p *policy.Policy) *companion {
	co := &companion{project: p.Project, keys: wire.DeriveKeys(p.Companion.Secrets...)}
	if c.Seed != "" {
		co.real = seeded(t, c, p)
	}
	return co
}

// report fails the test with what a runner saw that the case does not want.
func report(t *testing.T, r *Request, w *Want, s *Seen, co *companion) {
	t.Helper()
	batches, faults := co.asked()
	s.Batches = batches
	for _, f := range append(faults, r.check(w, s)...) {
		t.Error(f)
	}
}

// hostOnly marks a fault that only the command sees: the module is not told
// which hosts the companion may call.
const hostOnly = "command only: "

// moduleFaults are those that the module sees too.
func (c *Case) moduleFaults() (faults []string) {
	for _, f := range c.Faults {
		if !strings.HasPrefix(f, hostOnly) {
			faults = append(faults, f)
		}
	}
	return faults
}

// checkFaults compares the faults of a policy that must not load with those of
// the case, and sees its twin load.
func checkFaults(t *testing.T, c *Case) {
	t.Helper()
	_, _, err := c.read(c.Policy)
	var faults rules.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("policy.yaml: want faults, found %v", err)
	}
	var got, wantPlaces, gotPlaces []string
	for i, f := range faults {
		mark := ""
		if i < len(c.Faults) && strings.HasPrefix(c.Faults[i], hostOnly) {
			mark = hostOnly
		}
		got = append(got, mark+f.Error())
		gotPlaces = append(gotPlaces, f.Place)
	}
	for _, l := range c.Faults {
		place, _, placed := strings.Cut(strings.TrimPrefix(l, hostOnly)+" ", ": ")
		if !placed {
			place = "" // of the whole file
		}
		wantPlaces = append(wantPlaces, place)
	}
	switch {
	case !slices.Equal(gotPlaces, wantPlaces):
		t.Errorf("faults at\n%s\nwant them at\n%s", strings.Join(got, "\n"), strings.Join(wantPlaces, "\n"))
	case *update:
		rewriteFaults(t, c, got)
	case !slices.Equal(got, c.Faults):
		t.Errorf("faults:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.Faults, "\n"))
	}
	if _, _, err := c.read(c.Loads); err != nil {
		t.Errorf("loads.yaml: %v", err)
	}
}

// tally counts what ran, for the last lines of the test's output.
var tally struct{ native, wazero, envoy counter }

type counter struct {
	mu              sync.Mutex
	files, requests int
}

// add counts a file and its requests; a policy that must not load has none.
func (c *counter) add(of *Case) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files++
	c.requests += len(of.Requests)
}
