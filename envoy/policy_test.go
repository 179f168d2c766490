package envoy

import (
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/wire"
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
func (c *Case) read(text string) (rules.Value, *policy.Policy, error) {
	doc, err := parsePolicy(text)
	if err != nil {
		return rules.Value{}, nil, err
	}
	env := c.environ()
	p, _, err := policy.Load(doc, policy.Options{
		Getenv:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile: os.ReadFile,
	})
	return doc, p, err
}

func (c *Case) load(t testing.TB, text string) (*policy.Policy, rules.Value) {
	t.Helper()
	doc, p, err := c.read(text)
	if err != nil {
		t.Fatalf("policy.yaml: %v", err)
	}
	return p, doc
}

// companion is the one that stands by for a case's policy.
func (c *Case) companion(t testing.TB, p *policy.Policy) *companion {
	co := &companion{project: p.Project, keys: wire.DeriveKeys(p.Companion.Secrets...)}
	if c.Seed != "" {
		co.real = realCompanion(t, c, p)
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

// checkFaults compares the faults of a policy that must not load with those of
// the case, and sees its twin load.
func checkFaults(t *testing.T, c *Case) {
	t.Helper()
	_, _, err := c.read(c.Policy)
	if err == nil {
		t.Fatal("policy.yaml: loaded, want faults")
	}
	var faults rules.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("policy.yaml: %v", err)
	}
	var got, places, wanted []string
	for _, f := range faults {
		got = append(got, f.Error())
		places = append(places, f.Place)
	}
	for _, l := range c.Faults {
		place, _, _ := strings.Cut(l, ": ")
		wanted = append(wanted, strings.TrimSuffix(place, ":"))
	}
	switch {
	case !slices.Equal(places, wanted):
		t.Errorf("faults at\n%s\nwant them at\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
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

// add counts a file with so many requests; a policy that must not load is one.
func (c *counter) add(requests int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files++
	c.requests += requests
}

var _ http.Handler = (*companion)(nil)
