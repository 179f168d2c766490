package policytest

import (
	"strings"

	"github.com/rulegate/rulegate/host/explain"
	"github.com/rulegate/rulegate/host/trace"
	"github.com/rulegate/rulegate/rules/policy"
)

// trace decides the request of a case again, and returns how it was decided. The trace
// may be shown: it holds no token, no secret of the policy and nothing that the policy's
// `sensitive` names.
func (s *Suite) trace(r *Result) (*trace.Trace, error) {
	recorder := trace.NewRecorder(trace.Options{
		Mask: trace.PolicyMask(s.Policy, s.PolicyFile.Secrets(policy.Options{Getenv: s.Getenv})),
		Locate: func(place string) trace.Position {
			path, line, column := s.PolicyFile.Locate(place)
			return trace.Position{File: path, Line: line, Column: column}
		},
	})
	got, err := r.runner.Traced(r.Case, recorder)
	if err != nil {
		return nil, err
	}
	q := r.Case.request
	return recorder.Trace(&trace.Subject{Policy: s.Policy, Path: s.PolicyPath, Request: &q, Result: got}), nil
}

// explanation is the trace of a result as text: the clauses of the rules with their
// outcomes, operands and calls. It is "" where no rule was evaluated, or not here.
func (s *Suite) explanation(r *Result) string {
	t, err := s.trace(r)
	if err != nil {
		return ""
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
