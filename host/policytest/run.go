package policytest

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
)

// Outcome is the outcome of a case.
type Outcome string

const (
	Pass     Outcome = "pass"
	Fail     Outcome = "fail"
	Skip     Outcome = "skip"
	Recorded Outcome = "recorded" // its result is to be written into the file
)

// Result is the result of a case. The zero Result is no pass.
type Result struct {
	Case        *Case
	Outcome     Outcome
	Differences []Difference     // Fail
	Err         error            // Fail: the request could not be decided at all; Skip: why
	Got         *simulate.Result // nil if there is an Err
	Elapsed     time.Duration

	runner Runner // that decided
}

// Runner decides the requests of the cases of one suite.
type Runner interface {
	// Decide decides a request. A *SkipError means that the runner cannot say what the
	// case says.
	Decide(c *Case) (*simulate.Result, error)
	// Traced decides a request again, without the module, and tells the tracer. An error
	// means that this would be another request here.
	Traced(c *Case, t rules.Tracer) (*simulate.Result, error)
	// Reasons reports whether refusals have a reason.
	Reasons() bool
	Close() error
}

// SkipError says why a case does not run here.
type SkipError struct{ Reason string }

func (e *SkipError) Error() string { return e.Reason }

// errLive skips a case that says how a call fails: a real companion answers.
var errLive = &SkipError{"a call of it fails or is late, which real databases and webhooks are not asked to"}

// fails reports whether the case, or its file, has a call that fails or comes late.
func (c *Case) fails() bool {
	for _, t := range c.answers.Tables {
		if t.Failure != (simulate.Failure{}) {
			return true
		}
	}
	for _, w := range c.answers.Webhooks {
		if w.Failure != (simulate.Failure{}) {
			return true
		}
	}
	if t := c.answers.Tokens[c.request.Token]; t != nil && t.Failure != (simulate.Failure{}) {
		return true
	}
	return false
}

// Native runs the cases without the module.
type Native struct {
	// Companion answers the calls instead of the data of the tests; nil: these do.
	Companion simulate.Companion
	// Coverage counts the clauses that decide; nil: nobody does.
	Coverage *Coverage

	simulator *simulate.Simulator
	seed      uint64
}

// NewNative returns a runner for a policy, which may be another one than the suite's. seed
// decides the nonces.
func NewNative(p *policy.Policy, seed uint64) *Native {
	return &Native{simulator: simulate.New(p, simulate.Options{}), seed: seed}
}

// Decide implements Runner.
func (n *Native) Decide(c *Case) (*simulate.Result, error) {
	if n.Companion != nil && c.fails() {
		return nil, errLive
	}
	if n.Coverage == nil {
		return n.Traced(c, nil)
	}
	got, err := n.Traced(c, n.Coverage.Tracer())
	if err == nil {
		n.Coverage.Add(got)
	}
	return got, err
}

// Traced implements Runner.
func (n *Native) Traced(c *Case, t rules.Tracer) (*simulate.Result, error) {
	q := c.request
	q.Seed, q.Tracer, q.Companion = n.seed, t, c.answers
	if n.Companion != nil {
		q.Companion = n.Companion
	}
	return n.simulator.Decide(&q)
}

// Reasons implements Runner.
func (n *Native) Reasons() bool { return true }

// Close implements Runner.
func (n *Native) Close() error { return nil }

// Run runs one case.
func (s *Suite) Run(r Runner, c *Case) (out Result) {
	start := time.Now()
	out = Result{Case: c, Outcome: Fail, runner: r}
	defer func() { out.Elapsed = time.Since(start) }()
	got, err := r.Decide(c)
	if skip, ok := err.(*SkipError); ok {
		out.Outcome, out.Err = Skip, skip
		return out
	}
	if err != nil {
		out.Err = err
		return out
	}
	out.Got = got
	if c.want == nil {
		out.Outcome = Recorded
		return out
	}
	out.Differences = c.check(got)
	if !r.Reasons() {
		out.Differences = slices.DeleteFunc(out.Differences, func(d Difference) bool { return d.What == "reason" })
	}
	if len(out.Differences) == 0 {
		out.Outcome = Pass
	}
	return out
}

// Selected returns the cases whose name matches, all for nil, in the order that the seed
// tells: 0 is that of the file.
func (s *Suite) Selected(name *regexp.Regexp, seed uint64) (cases []*Case) {
	for _, c := range s.Cases {
		if name == nil || name.MatchString(c.Name) {
			cases = append(cases, c)
		}
	}
	if seed != 0 {
		order := rand.New(rand.NewPCG(seed, seed))
		order.Shuffle(len(cases), func(i, j int) { cases[i], cases[j] = cases[j], cases[i] })
	}
	return cases
}

// Position writes the place of a case as compilers do.
func (s *Suite) Position(c *Case) string { return fmt.Sprintf("%s:%d:%d", s.Path, c.Line, c.Column) }
