package harness

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	hostcompanion "github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
	_ "modernc.org/sqlite"
)

// Environ returns the variables that the case's policy may use: the tests' keys
// and the case's env section.
func (c *Case) Environ() map[string]string {
	env := map[string]string{}
	for _, l := range append(slices.Clone(keyEnv()), c.Env...) {
		name, value, _ := strings.Cut(l, "=")
		env[name] = value
	}
	return env
}

// ReadPolicy loads a policy's text as the command does.
func (c *Case) ReadPolicy(text string) (value.Value, *policy.Policy, error) {
	doc, err := c.ParsePolicy(text)
	if err != nil {
		return doc, nil, err
	}
	o := policy.Options{Getenv: c.getenv, ReadFile: os.ReadFile, Crypto: gocrypto.Crypto()}
	p, _, err := policy.Load(doc, o)
	if err == nil && p.Candidate != nil {
		o.Candidate = true
		if p.Candidate.Policy, _, err = policy.Load(p.Candidate.Doc(), o); err == nil {
			p.Candidate.Bound(p)
		}
	}
	return doc, p, err
}

// ParsePolicy returns the document in a policy's text.
func (c *Case) ParsePolicy(text string) (value.Value, error) {
	files := policyfile.Memory{"policy.yaml": text}
	if c.Candidate != "" {
		files["candidate.yaml"] = c.Candidate
	}
	f, err := policyfile.Open(files, "policy.yaml")
	if err != nil {
		return value.Value{}, err
	}
	return f.Doc, nil
}

func (c *Case) getenv(name string) (string, bool) {
	v, ok := c.Environ()[name]
	return v, ok
}

// Load returns the policy of a text, and its document.
func (c *Case) Load(t testing.TB, text string) (*policy.Policy, value.Value) {
	t.Helper()
	doc, p, err := c.ReadPolicy(text)
	if err != nil {
		t.Fatalf("policy.yaml: %v", err)
	}
	return p, doc
}

// seeded returns the real companion with a SQLite file that holds the case's seed.
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
	cfg := hostcompanion.Config{Project: p.Project, Keys: wire.DeriveKeys(p.Companion.Secrets...), Tokens: p.Tokens, Log: slog.New(slog.DiscardHandler)}
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

// Companion returns a companion for the case's policy.
func (c *Case) Companion(t testing.TB, p *policy.Policy) *Companion {
	co := &Companion{project: p.Project, Keys: wire.DeriveKeys(p.Companion.Secrets...), tokens: p.Tokens}
	if c.Seed != "" {
		co.real = seeded(t, c, p)
	}
	if len(p.Issuers) > 0 {
		co.issuers = introspecting(t, p)
	}
	return co
}

// CommandOnly marks a fault that only the command finds: the module gets neither
// private keys, nor the list of hosts that the companion may call.
const CommandOnly = "command only: "

// suggestion is behind a fault, and in the command alone.
var suggestion = regexp.MustCompile("[;:] did you mean .*$")

// ModuleFaults returns the faults that the module finds too, as it begins to tell them.
func (c *Case) ModuleFaults() (faults []string) {
	for _, f := range c.Faults {
		if !strings.HasPrefix(f, CommandOnly) {
			faults = append(faults, suggestion.ReplaceAllString(f, ""))
		}
	}
	return faults
}
