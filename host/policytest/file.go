package policytest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/value"
)

const (
	// DefaultNow is the time of requests whose test gives none, so that a run has the
	// same result every day.
	DefaultNow = "2026-01-01T00:00:00Z"
	// Nobody is the user without a token.
	Nobody = "nobody"
	// maxCases bounds the tests of one file.
	maxCases = 20_000
)

// failures are the ways in which a call may fail.
var failures = simulate.Phrases

// Suite is a file with tests, and the policy that they test.
type Suite struct {
	Path       string
	PolicyPath string
	Policy     *policy.Policy
	PolicyFile *policyfile.File
	Cases      []*Case
	Env        map[string]string // the variables that the file gives to the policy
	Now        time.Time         // the time of the requests, where a test has no other

	file *policyfile.File
}

// Case is one request with its expectations.
type Case struct {
	Name         string // of the test, and behind a slash of the variation
	Place        string // in the file
	Line, Column int

	As       string // a user's name
	request  simulate.Request
	answers  *simulate.Answers
	want     *want // nil: nothing is expected yet, see Options.Record
	variable bool  // a variation of a test
}

// Options change how a file is read.
type Options struct {
	// Policy tests another policy than the file names.
	Policy string
	// Record accepts tests that expect nothing.
	Record bool
	// Files is where the file, its policy and its rows are; nil: on the disk.
	Files policyfile.Files
}

// Load reads a file with tests, and its policy.
//
// Errors: *policyfile.Error with all faults of the file, or of its policy; any other
// error means that a file could not be read.
func Load(path string, o Options) (*Suite, error) {
	if o.Files == nil {
		o.Files = policyfile.Disk{}
	}
	f, err := policyfile.ReadOtherFrom(o.Files, path)
	if err != nil {
		return nil, err
	}
	return load(f, o)
}

func load(f *policyfile.File, o Options) (*Suite, error) {
	if faults := schema.CheckShape(f.Doc, model()); len(faults) > 0 {
		return nil, f.Faults(faults)
	}
	s := &Suite{Path: f.Path, file: f, Env: map[string]string{}, PolicyPath: o.Policy}
	f.Doc.Key("env").Each(func(name string, v value.Value) bool {
		s.Env[name], _ = v.Text()
		return true
	})
	if s.PolicyPath == "" {
		s.PolicyPath = policyOf(f)
	}
	if err := s.loadPolicy(); err != nil {
		return nil, err
	}
	r := newReader(s, o.Record)
	r.read()
	if len(r.faults) > 0 {
		return nil, f.Faults(r.faults)
	}
	return s, nil
}

// policyOf returns the path of the policy of a file with tests.
func policyOf(f *policyfile.File) string {
	dir := filepath.Dir(f.Path)
	if name, ok := f.Doc.Key("policy").Text(); ok {
		return beside(f.Path, name)
	}
	base := filepath.Base(f.Path)
	ext := filepath.Ext(base)
	if name, ok := strings.CutSuffix(strings.TrimSuffix(base, ext), "_test"); ok {
		if path := filepath.Join(dir, name+ext); f.Files().IsFile(path) {
			return path
		}
	}
	return filepath.Join(dir, "policy.yaml")
}

// beside returns the path of a name that is relative to the folder of a file.
func beside(path, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(path), filepath.FromSlash(name))
}

// Getenv returns the variables of the policy: those of the file, then the environment's.
func (s *Suite) Getenv(name string) (string, bool) {
	if v, ok := s.Env[name]; ok {
		return v, true
	}
	return os.LookupEnv(name)
}

// loadPolicy loads the policy. A variable that is missing is a fault that tells where a
// test gives it.
func (s *Suite) loadPolicy() error {
	p, f, _, err := policyfile.LoadFrom(s.file.Files(), s.PolicyPath, policy.Options{Getenv: s.Getenv})
	if err != nil {
		var faults *policyfile.Error
		if errors.As(err, &faults) && slices.ContainsFunc(faults.Faults, func(f policyfile.Fault) bool { return strings.Contains(f.Message, "the environment has no ") }) {
			return fmt.Errorf("%w\n%s: `env: {NAME: value}` of a file with tests sets variables of its policy", err, s.Path)
		}
		return err
	}
	if p.Gateway == "" {
		p.Gateway = "gateway"
	}
	s.Policy, s.PolicyFile = p, f
	return nil
}

// reader reads the content of a file with tests.
type reader struct {
	*Suite
	names  *names
	record bool
	faults rules.Faults
	seen   map[rules.Fault]bool       // variations repeat the faults of their test
	used   map[string]bool            // the users that a test has
	tests  map[string]string          // the places of the tests, by their names
	cached map[string]*simulate.Table // by place: many tests have one table

	// Of the whole file.
	tables map[string]*simulate.Table
	hooks  map[string]*simulate.Webhook
	tokens map[string]*simulate.Token
}

func newReader(s *Suite, record bool) *reader {
	return &reader{
		Suite: s, names: namesOf(s.Policy), record: record, used: map[string]bool{}, tests: map[string]string{},
		cached: map[string]*simulate.Table{}, tables: map[string]*simulate.Table{}, hooks: map[string]*simulate.Webhook{},
		tokens: map[string]*simulate.Token{}, seen: map[rules.Fault]bool{},
	}
}

func (r *reader) fault(place, format string, args ...any) {
	r.add(rules.Fault{Place: place, Message: fmt.Sprintf(format, args...)})
}

// atKey adds a fault about a key.
func (r *reader) atKey(place, format string, args ...any) {
	r.add(rules.Fault{Place: place, Message: fmt.Sprintf(format, args...), AtKey: true})
}

func (r *reader) add(f rules.Fault) {
	if !r.seen[f] {
		r.seen[f] = true
		r.faults = append(r.faults, f)
	}
}

func (r *reader) read() {
	doc := r.file.Doc
	r.Now = r.time(member{doc.Key("now"), "now"}, mustParse(DefaultNow))
	r.who()
	r.data(doc.Key("data"), "data", r.tables)
	r.webhooks(doc.Key("webhooks"), "webhooks", r.hooks)
	i := 0
	doc.Key("tests").Each(func(_ string, test value.Value) bool {
		r.test(test, rules.Elem("tests", i))
		i++
		if len(r.Cases) > maxCases {
			r.fault("tests", "more than %d tests; make several files", maxCases)
		}
		return len(r.Cases) <= maxCases
	})
	doc.Key("who").Each(func(name string, _ value.Value) bool {
		if !r.used[name] && name != Nobody {
			r.atKey(rules.Join("who", name), "no test is `as: %s`", name)
		}
		return true
	})
}

func mustParse(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err) // a constant
	}
	return t
}

// time reads a time; absent is for a missing one.
func (r *reader) time(m member, absent time.Time) time.Time {
	text, ok := m.value.Text()
	if !ok {
		return absent
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		r.fault(m.place, "want a time in RFC 3339, such as 2026-03-01T12:00:00Z")
		return absent
	}
	return t
}

// who checks the users.
func (r *reader) who() {
	r.file.Doc.Key("who").Each(func(name string, claims value.Value) bool {
		place := rules.Join("who", name)
		switch {
		case name == Nobody:
			r.atKey(place, "%s is the user without a token", Nobody)
		case claims.Key("token").Kind() != value.Missing:
			r.token(claims, place)
		}
		return true
	})
}

// token reads a user with a token of its own, and the issuers' answer about it.
func (r *reader) token(v value.Value, place string) {
	raw, ok := v.Key("token").Text()
	if !ok {
		r.fault(rules.Join(place, "token"), "want a string, found %s", v.Key("token").Kind())
		return
	}
	if faults := schema.CheckShape(v, tokenShape()); len(faults) > 0 {
		for _, f := range faults {
			f.Place, f.Message = place+"."+f.Place, f.Message+"; or want claims, without `token`"
			r.add(f)
		}
		return
	}
	r.tokens[raw] = &simulate.Token{Claims: v.Key("active"), Failure: r.failure(v, place)}
}
