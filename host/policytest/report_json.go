package policytest

import (
	"io"
	"time"

	"github.com/rulegate/rulegate/host/trace"
	"github.com/rulegate/rulegate/rules/decide"
)

// JSON reports a line of JSON for each test, and one with the Summary at the end.
type JSON struct {
	Out io.Writer
	err error
}

// testLine is the line about a test.
type testLine struct {
	Type        string       `json:"type"` // test
	File        string       `json:"file"`
	Line        int          `json:"line"`
	Column      int          `json:"column"`
	Name        string       `json:"name"`
	Result      Outcome      `json:"result"`
	Seconds     float64      `json:"seconds"`
	Request     string       `json:"request"`
	As          string       `json:"as"`
	Decision    *decision    `json:"decision,omitempty"`
	Differences []Difference `json:"differences,omitempty"`
	Trace       *trace.Trace `json:"trace,omitempty"` // of a failed test
	Error       string       `json:"error,omitempty"` // why there is no decision
}

// decision is the policy's decision about the request.
type decision struct {
	Outcome decide.Outcome `json:"outcome"`
	Status  int            `json:"status,omitempty"` // nothing: the upstream's, which is not given
	Route   string         `json:"route,omitempty"`
	Place   string         `json:"place,omitempty"`
	Clause  string         `json:"clause,omitempty"`
	Reason  string         `json:"reason,omitempty"`
}

// Begin implements Reporter.
func (j *JSON) Begin(*Suite) {}

// Test implements Reporter.
func (j *JSON) Test(s *Suite, r *Result) {
	c := r.Case
	line := testLine{
		Type: "test", File: s.Path, Line: c.Line, Column: c.Column, Name: c.Name, Result: r.Outcome, Seconds: r.Elapsed.Seconds(),
		Request: c.request.Method + " " + c.request.Target, As: c.As, Differences: r.Differences,
	}
	if r.Err != nil {
		line.Error = r.Err.Error()
	}
	if g := r.Got; g != nil {
		line.Decision = &decision{Outcome: g.Outcome, Status: g.Status, Place: g.Place, Clause: g.Name, Reason: g.Reason}
		if g.Resource != nil {
			line.Decision.Route = g.Resource.Name
		}
	}
	if r.Outcome == Fail && r.Err == nil {
		line.Trace, _ = s.trace(r) // without one, the line says enough
	}
	j.write(line)
}

// Failed implements Reporter.
func (j *JSON) Failed(path string, err error) {
	j.write(struct {
		Type  string `json:"type"`
		File  string `json:"file"`
		Error string `json:"error"`
	}{"fault", path, err.Error()})
}

// End implements Reporter.
func (j *JSON) End(*Suite, bool, time.Duration) {}

// Close implements Reporter.
func (j *JSON) Close(sum Summary) error {
	j.write(struct {
		Type string `json:"type"`
		Summary
		OK bool `json:"ok"`
	}{"summary", sum, sum.OK()})
	return j.err
}

func (j *JSON) write(v any) {
	if err := writeLine(j.Out, v); err != nil && j.err == nil {
		j.err = err
	}
}
