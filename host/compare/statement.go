package compare

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// Statement is a statement about all requests of a policy to some paths.
type Statement struct {
	Name    string
	For     string   // a path, as in routes
	Methods []string // nil: all
	Host    string   // as in routes; "": all

	// One of these is set.
	Allowed value.Value // a rule that is yes for every request that is allowed
	Never   value.Value // a rule that is yes for no request that is allowed
	// Masked are places of the response whose values no client gets. Unless is a rule;
	// where it is yes, a client may get them. Missing: it never may.
	Masked []string
	Unless value.Value

	// Place is the place of the rule in the file with the statements.
	Place string
}

// rule is the rule of the statement.
func (s *Statement) rule() value.Value {
	for _, v := range []value.Value{s.Allowed, s.Never, s.Unless} {
		if v.Kind() != value.Missing {
			return v
		}
	}
	return value.Obj(value.Member{Key: "rule", Value: value.Str("deny")})
}

// Proof is the result of a statement.
type Proof struct {
	Statement *Statement
	Counter   *Case    // the smallest request that breaks the statement; nil: none does
	Resource  string   // that decides the counterexample
	Shown     []string // the places of the response that the client gets
	Requests  int
	Pairs     int // resources of the policy that decide requests to the paths
	Sampled   bool
	Notes     []string
	Calls     bool
}

// Proved reports whether the statement holds for all requests.
func (p *Proof) Proved() bool {
	return p.Counter == nil && !p.Sampled && len(p.Notes) == 0 && !p.Calls && p.Pairs > 0
}

// Prove looks for a request that breaks a statement about a policy.
//
// Errors: rules.Faults of the statement, with places in its file.
func Prove(p *Policy, s *Statement, o Options) (*Proof, error) {
	template, err := route.ParseTemplate(s.For)
	if err != nil {
		above, _, _ := cutLast(s.Place)
		return nil, rules.Faults{{Place: rules.Join(above, "for"), Message: err.Error()}}
	}
	stated, err := statedPolicy(p, s, template)
	if err != nil {
		return nil, err
	}
	policies := [2]*policy.Policy{p.Policy, stated}
	e := newEngine(policies)
	out := &Proof{Statement: s}
	var open []*explorer
	for _, m := range meetings(policies) {
		if m.resources[0] == nil || m.resources[1] == nil {
			continue
		}
		m.targets = slices.DeleteFunc(m.targets, func(t *target) bool { return !fits(template, t.segments) })
		if len(m.targets) > 0 {
			x := newExplorer(e, m, s.Masked...)
			x.only = template
			open = append(open, x)
		}
	}
	out.Pairs = len(open)
	left, random := cmp.Or(o.Max, DefaultMax), rand.New(rand.NewPCG(o.Seed, 0))
	for i, x := range open {
		if o.Progress != nil {
			o.Progress(i, len(open))
		}
		found := func(t *trial) {
			shown, broken := s.broken(t)
			if broken && (out.Counter == nil || t.c.smaller(out.Counter)) {
				out.Counter, out.Shown, out.Resource = t.c, shown, x.names()[0]
			}
		}
		n, sampled := x.exploreShare(left/(len(open)-i), random, found)
		left -= n
		out.Requests += n
		out.Sampled = out.Sampled || sampled
		out.Calls = out.Calls || x.calls
		for _, note := range x.space.notes.list {
			out.Notes = appendNew(out.Notes, note)
		}
	}
	return out, nil
}

// broken reports whether a request breaks the statement, and the response that the client gets
// of the masked places.
func (s *Statement) broken(t *trial) (shown []string, broken bool) {
	allowed, holds := t.results[0].Upstream != nil, t.results[1].Upstream != nil
	switch {
	case len(s.Masked) > 0:
		if t.results[0].Outcome != decide.Yes || holds {
			return nil, false
		}
		sent := t.c.Response.Key(rules.RootRes)
		got, err := value.Parse(t.results[0].Client.Body, policyDepth)
		if err != nil {
			return nil, false
		}
		for _, place := range s.Masked {
			if shows(sent, got, keysOf(place)) {
				shown = append(shown, place)
			}
		}
		return shown, len(shown) > 0
	case s.Never.Kind() != value.Missing:
		return nil, allowed && holds
	}
	return nil, allowed && !holds
}

// keysOf are the keys of a place such as res.items.price, below res.
func keysOf(place string) []string { return strings.Split(strings.TrimPrefix(place, "res."), ".") }

// shows reports whether a response still has a value that the upstream sent. An
// array on the way means each of its elements.
func shows(sent, got value.Value, keys []string) bool {
	if sent.Kind() == value.Array && got.Kind() == value.Array {
		for i, x := range sent.Elements() {
			if shows(x, got.At(i), keys) {
				return true
			}
		}
		return false
	}
	if len(keys) == 0 {
		return sent.Kind() != value.Missing && sent.Kind() == got.Kind() && value.Equal(sent, got)
	}
	if sent.Kind() != value.Object || got.Kind() != value.Object {
		return false
	}
	return shows(sent.Key(keys[0]), got.Key(keys[0]), keys[1:])
}
