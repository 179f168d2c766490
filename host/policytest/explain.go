package policytest

import (
	"strings"

	"github.com/rulegate/rulegate/host/explain"
	"github.com/rulegate/rulegate/host/trace"
	"github.com/rulegate/rulegate/rules/policy"
)

// Trace decides the request of a case again, and returns how it was decided. The trace
// may be shown: it holds no token, no secret of the policy and nothing that the policy's
// `sensitive` names.
func (s *Suite) Trace(c *Case, seed uint64) (*trace.Trace, error) {
	r := trace.NewRecorder(trace.Options{
		Mask: trace.PolicyMask(s.Policy, s.PolicyFile.Secrets(policy.Options{Getenv: s.Getenv})),
		Locate: func(place string) trace.Position {
			path, line, column := s.PolicyFile.Locate(place)
			return trace.Position{File: path, Line: line, Column: column}
		},
	})
	n := NewNative(s.Policy, seed)
	got, err := n.decide(c, r)
	if err != nil {
		return nil, err
	}
	q := c.request
	return r.Trace(&trace.Subject{Policy: s.Policy, Path: s.PolicyPath, Request: &q, Result: got}), nil
}

// Explanation is the trace of a case as text: the clauses of the rules with their
// outcomes, operands and calls. It is "" where no rule was evaluated.
func (s *Suite) Explanation(c *Case, seed uint64) string {
	t, err := s.Trace(c, seed)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	write := func(title string, list []*trace.Evaluation) {
		for _, e := range list {
			b.WriteString(title + ":\n")
			// The only error is one of the writer, which has none.
			_ = explain.Evaluation(&b, e, "  ", explain.Options{})
		}
	}
	write("rule", t.Rule)
	if t.Response != nil {
		write("rule on the response", t.Response.Rule)
	}
	return strings.TrimRight(b.String(), "\n")
}
