package envoy

import (
	"net/http"
	"testing"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
)

func parsePolicy(text string) (rules.Value, error) {
	f, err := policyfile.Parse("policy.yaml", []byte(text))
	if err != nil {
		return rules.Value{}, err
	}
	return f.Doc, nil
}

func realCompanion(t testing.TB, c *Case, p *policy.Policy) http.Handler { return nil }
