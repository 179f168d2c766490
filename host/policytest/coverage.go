package policytest

import (
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
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
