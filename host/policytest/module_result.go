//go:build !js

package policytest

import (
	"net/http/httptest"
	"strings"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/value"
)

// result completes the result with the answer that the client got.
func (m *Module) result(c *Case, rec *httptest.ResponseRecorder) {
	got := m.got
	if match, err := m.suite.Policy.Find(c.request.Method, hostOf(&c.request), pathOf(&c.request)); err == nil {
		got.Resource = match.Resource
		if match.HasTypes() && !strings.Contains(m.decision, " "+match.Resource.Name+" ") {
			body, _ := value.Parse(c.request.Body, m.suite.Policy.Limits.Depth)
			name, _ := body.Key("type").Text()
			got.Resource = match.Of(name)
		}
	}
	answer := &simulate.Response{Status: rec.Code, Body: rec.Body.String(), Headers: headersOf(rec.Result().Header)}
	if got.Upstream != nil && c.request.Response == nil {
		return // the rules on the response are not tested
	}
	got.Status, got.Client = rec.Code, answer
	outcome, rest, refused := strings.Cut(m.decision, " ")
	switch {
	case refused:
		got.Outcome = decide.Outcome(outcome)
		_, rest, _ = strings.Cut(rest, " ") // the status
		if got.Resource != nil {
			rest = strings.TrimPrefix(rest, got.Resource.Name+" ")
		}
		got.Place, got.Name = m.suite.clause(rest)
	case got.Upstream == nil:
		got.Outcome = decide.Invalid // the proxy refused what no module sees, or tells no decisions
	}
}

// clause splits the place of a clause and its name.
func (s *Suite) clause(text string) (place, name string) {
	if text == "-" {
		return "", ""
	}
	for _, r := range s.Policy.Resources() {
		walk(r.Rule, func(in *rules.Rule) { matchClause(in, text, &place, &name) })
		walk(r.Response, func(in *rules.Rule) { matchClause(in, text, &place, &name) })
	}
	if place == "" {
		place = text
	}
	return place, name
}

func matchClause(r *rules.Rule, text string, place, name *string) {
	rest, ok := strings.CutPrefix(text, r.Place())
	if ok && (rest == "" || strings.HasPrefix(rest, " (") && strings.HasSuffix(rest, ")")) {
		*place, *name = r.Place(), strings.TrimSuffix(strings.TrimPrefix(rest, " ("), ")")
	}
}
