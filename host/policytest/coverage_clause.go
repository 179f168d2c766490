package policytest

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

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
