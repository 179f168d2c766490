package policytest

import (
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/value"
)

// Single returns the request of a document that has the form of a file with one test,
// as flags of a command line make it. Its files are relative to the folder of the
// process, and its test wants nothing.
//
// Errors: rules.Faults, with places in the document.
func Single(doc value.Value, p *policy.Policy, f *policyfile.File) (*simulate.Request, error) {
	made, err := f.ParseOther("command line.json", []byte(doc.String()))
	if err != nil {
		return nil, err
	}
	faults := schema.CheckShape(made.Doc, model())
	if len(faults) > 0 {
		return nil, rules.Faults(faults)
	}
	r := newReader(&Suite{Policy: p, PolicyFile: f, PolicyPath: f.Path, file: made}, true)
	r.read()
	if len(r.faults) > 0 {
		return nil, r.faults
	}
	c := r.Cases[0]
	c.request.Companion = c.answers
	return &c.request, nil
}
