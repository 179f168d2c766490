package policytest

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Coverage counts how the clauses of one policy came out in tests.
type Coverage struct {
	Path string // of the policy

	file   *policyfile.File
	policy *policy.Policy
	counts map[string]*Counts // by the place of the clause
	asked  map[string]int     // by the name of the resource
}

// Counts are the outcomes of one clause.
type Counts struct{ Yes, No, Unknown int }

// All is the number of evaluations.
func (c Counts) All() int { return c.Yes + c.No + c.Unknown }

// NewCoverage returns the coverage of the suite's policy, without a count.
func NewCoverage(s *Suite) *Coverage {
	return &Coverage{Path: s.PolicyPath, file: s.PolicyFile, policy: s.Policy, counts: map[string]*Counts{}, asked: map[string]int{}}
}

// Add counts the clauses that decided a request.
func (c *Coverage) Add(r *simulate.Result) {
	if r.Resource != nil {
		c.asked[r.Resource.Name]++
	}
}

// Tracer returns a tracer for one request.
func (c *Coverage) Tracer() rules.Tracer { return &counter{coverage: c} }

// counter counts the clauses of the evaluations of one request. An evaluation that waits
// is made again, so it does not count.
type counter struct {
	coverage *Coverage
	running  bool
	pending  []outcome
}

type outcome struct {
	place string
	was   rules.Outcome
}

// Begin implements rules.Tracer.
func (c *counter) Begin(*rules.Rule, *rules.Input) { c.running, c.pending = true, c.pending[:0] }

// Enter implements rules.Tracer.
func (c *counter) Enter(*rules.Rule, rules.Moment) {}

// Exit implements rules.Tracer.
func (c *counter) Exit(r *rules.Rule, _ rules.Moment, v *rules.Verdict) {
	o := outcome{r.Place(), v.Outcome}
	if c.running {
		c.pending = append(c.pending, o)
		return
	}
	c.coverage.count(o) // of an action on the response, which runs after the evaluation
}

// Asked implements rules.Tracer.
func (c *counter) Asked(*rules.Call, *rules.Reply) {}

// End implements rules.Tracer.
func (c *counter) End(_ *rules.Rule, v *rules.Verdict) {
	c.running = false
	if v.Outcome == rules.Waiting {
		return
	}
	for _, o := range c.pending {
		c.coverage.count(o)
	}
}

func (c *Coverage) count(o outcome) {
	n := c.counts[o.place]
	if n == nil {
		n = &Counts{}
		c.counts[o.place] = n
	}
	switch o.was {
	case rules.Yes:
		n.Yes++
	case rules.No:
		n.No++
	case rules.Unknown:
		n.Unknown++
	}
}

// Clause is a clause with its counts.
type Clause struct {
	Counts
	Place, File  string
	Line, Column int
	Kind, Name   string
	Text         string // the other fields of the clause, as they are in the file, but for clauses in it
	// CanYes and CanNo report which outcomes tests should show: allow is never no, an
	// action never either.
	CanYes, CanNo bool
	Clauses       []*Clause
}

// Missing names the outcomes that no test has shown.
func (c *Clause) Missing() string {
	yes, no := c.CanYes && c.Yes == 0, c.CanNo && c.No == 0
	switch {
	case c.All() == 0:
		return "never asked"
	case yes && no:
		return "never yes, never no"
	case yes:
		return "never yes"
	case no:
		return "never no"
	}
	return ""
}

// goals returns the outcomes that tests should show, and how many they have shown.
func (c *Clause) goals() (hit, all int) {
	for _, g := range []struct {
		can bool
		n   int
	}{{c.CanYes, c.Yes}, {c.CanNo, c.No}} {
		if g.can {
			all++
			if g.n > 0 {
				hit++
			}
		}
	}
	return hit, all
}

// Route is a resource of the policy with its counts.
type Route struct {
	Name     string
	Asked    int // requests that it covered
	Rule     *Clause
	Response *Clause // nil: there is no rule on the response
}

// Whole reports whether tests have shown every outcome.
func (r *Route) Whole() bool {
	whole := r.Asked > 0
	for _, c := range []*Clause{r.Rule, r.Response} {
		each(c, func(c *Clause) { whole = whole && c.Missing() == "" })
	}
	return whole
}

func each(c *Clause, visit func(*Clause)) {
	if c == nil {
		return
	}
	visit(c)
	for _, in := range c.Clauses {
		each(in, visit)
	}
}

// Routes lists the resources of the policy, in its order.
func (c *Coverage) Routes() []*Route {
	var out []*Route
	for _, r := range c.policy.Resources() {
		route := &Route{Name: r.Name, Asked: c.asked[r.Name], Rule: c.clause(r.Rule, r.Auth.Optional())}
		if r.Response != nil {
			route.Response = c.clause(r.Response, r.Auth.Optional())
		}
		out = append(out, route)
	}
	return out
}

func (c *Coverage) clause(r *rules.Rule, optional bool) *Clause {
	out := &Clause{Place: r.Place(), Kind: r.Kind(), Name: r.Name()}
	if r.UsesName() {
		out.Kind = "use"
	}
	out.File, out.Line, out.Column = c.file.Locate(out.Place)
	out.Text = fieldsOf(c.file.Value(out.Place))
	if n := c.counts[out.Place]; n != nil {
		out.Counts = *n
	}
	for _, in := range r.Clauses() {
		out.Clauses = append(out.Clauses, c.clause(in, optional))
	}
	out.CanYes, out.CanNo = possible(out, optional)
	return out
}

// maxFields bounds the text of a clause, in bytes.
const maxFields = 200

// fieldsOf writes the fields of a clause, without its kind, its name and the clauses in it.
func fieldsOf(rule value.Value) string {
	if rule.Kind() != value.Object {
		return ""
	}
	for _, key := range []string{"rule", "name", "clause", "clauses", "error", "lint"} {
		rule = rule.Without(key)
	}
	text := strings.TrimSuffix(strings.TrimPrefix(policyfile.Flow(rule), "{"), "}")
	if len(text) > maxFields {
		text = strings.ToValidUTF8(text[:maxFields], "") + "…"
	}
	return text
}

// possible returns the outcomes that a clause can have where all its operands are there.
func possible(c *Clause, optional bool) (yes, no bool) {
	can := func(no bool) func(*Clause) bool {
		return func(in *Clause) bool { return no && in.CanNo || !no && in.CanYes }
	}
	every := func(f func(*Clause) bool) bool {
		return !slices.ContainsFunc(c.Clauses, func(in *Clause) bool { return !f(in) })
	}
	switch c.Kind {
	case "allow":
		return true, false
	case "deny":
		return false, true
	case "authenticated":
		return true, optional
	case "and":
		return every(can(false)), slices.ContainsFunc(c.Clauses, can(true))
	case "or":
		return slices.ContainsFunc(c.Clauses, can(false)), every(can(true))
	case "not":
		return c.Clauses[0].CanNo, c.Clauses[0].CanYes
	case "use":
		return c.Clauses[0].CanYes, c.Clauses[0].CanNo
	case "query":
		if len(c.Clauses) == 1 {
			return c.Clauses[0].CanYes, c.Clauses[0].CanNo
		}
	case "force", "remove", "encrypt", "decrypt", "hash", "filter", "keep", "each":
		return true, false
	}
	return true, true
}

// Totals counts outcomes and resources.
type Totals struct {
	Hit, All      int // outcomes of clauses
	Asked, Routes int
}

// Percent is the share of the outcomes that tests have shown.
func (t Totals) Percent() float64 {
	if t.All == 0 {
		return 100
	}
	return 100 * float64(t.Hit) / float64(t.All)
}

// Totals counts each clause once, named ones too, which many rules may use.
func (c *Coverage) Totals() (t Totals) {
	seen := map[string]bool{}
	for _, r := range c.Routes() {
		t.Routes++
		if r.Asked > 0 {
			t.Asked++
		}
		for _, top := range []*Clause{r.Rule, r.Response} {
			each(top, func(in *Clause) {
				if !seen[in.Place] {
					seen[in.Place] = true
					hit, all := in.goals()
					t.Hit, t.All = t.Hit+hit, t.All+all
				}
			})
		}
	}
	return t
}
