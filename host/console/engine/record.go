package engine

import (
	"errors"

	"github.com/rulegate/rulegate/host/assist"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// recorded is the answer of record.
type recorded struct {
	Text        string              `json:"text,omitempty"` // of the file with tests
	Diagnostics []assist.Diagnostic `json:"diagnostics,omitempty"`
}

// record makes a test of the request, and adds it to the file with tests.
func record(q *Question) (any, error) {
	doc, err := value.Parse(string(q.Request), policy.MaxDepth)
	if err != nil {
		return nil, err
	}
	text, err := policytest.Append(q.Files, &policytest.NewTest{Path: q.Tests, Policy: q.Policy, Name: q.Name, Doc: doc})
	var faults *policyfile.Error
	if errors.As(err, &faults) {
		return &recorded{Diagnostics: append(q.diagnose(q.Policy), q.diagnose(q.Tests)...)}, nil
	}
	if err != nil {
		return nil, err
	}
	return &recorded{Text: text}, nil
}
