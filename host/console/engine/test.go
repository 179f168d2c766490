package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/assist"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
)

// tested is the answer of test.
type tested struct {
	// Diagnostics are those of the file with tests, or of its policy.
	Diagnostics []assist.Diagnostic `json:"diagnostics,omitempty"`
	// Error says why the tests cannot run.
	Error   string            `json:"why,omitempty"`
	Results []json.RawMessage `json:"results"` // as the lines of rulegate test --format json
	Passed  int               `json:"passed"`
	Failed  int               `json:"failed"`
	Percent float64           `json:"percent"` // of the outcomes of clauses that tests have shown
	Clauses []covered         `json:"clauses"` // of the policy, in its order
	Stopped bool              `json:"stopped,omitempty"`
}

// covered is a clause of the policy with its counts.
type covered struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Kind    string `json:"kind"`
	Yes     int    `json:"yes"`
	No      int    `json:"no"`
	Unknown int    `json:"unknown"`
	Missing string `json:"missing,omitempty"` // what no test has shown
}

// testTime is how long tests may run. The page ends the worker after two seconds.
const testTime = 1500 * time.Millisecond

// collector is a Reporter that keeps the lines of the JSON format.
type collector struct {
	policytest.JSON
	lines strings.Builder
	err   error
}

// Failed implements policytest.Reporter.
func (c *collector) Failed(_ string, err error) { c.err = err }

// runTests runs a file with tests.
func runTests(q *Question) (any, error) {
	out := &tested{Results: []json.RawMessage{}, Clauses: []covered{}}
	c := &collector{}
	c.JSON.Out = &c.lines
	var coverage *policytest.Coverage
	ctx, cancel := context.WithTimeout(context.Background(), testTime)
	defer cancel()
	s := policytest.Session{
		Files: []string{q.Tests}, In: q.Files, Reporter: c,
		NewRunner: func(s *policytest.Suite) (policytest.Runner, error) {
			coverage = policytest.NewCoverage(s)
			n := policytest.NewNative(s.Policy, 0)
			n.Coverage = coverage
			return n, nil
		},
	}
	_, _, sum := s.Run(ctx)
	var faults *policyfile.Error
	switch {
	case errors.As(c.err, &faults):
		out.Diagnostics = q.diagnose(q.Tests)
		out.Error = c.err.Error()
		return out, nil
	case c.err != nil:
		return nil, c.err
	}
	out.Passed, out.Failed, out.Stopped = sum.Passed, sum.Failed, ctx.Err() != nil
	for line := range strings.Lines(c.lines.String()) {
		out.Results = append(out.Results, json.RawMessage(strings.TrimSpace(line)))
	}
	out.Percent = coverage.Totals().Percent()
	for _, r := range coverage.Routes() {
		out.add(r.Rule)
		out.add(r.Response)
	}
	return out, nil
}

func (t *tested) add(c *policytest.Clause) {
	if c == nil {
		return
	}
	t.Clauses = append(t.Clauses, covered{c.File, c.Line, c.Column, c.Kind, c.Yes, c.No, c.Unknown, c.Missing()})
	for _, in := range c.Clauses {
		t.add(in)
	}
}
