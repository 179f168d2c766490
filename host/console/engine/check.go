package engine

import (
	"errors"
	"os"

	"github.com/rulegate/rulegate/host/assist"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/rules/value"
)

// loaded is a policy of the question, with stand-ins for variables and files that are
// not there.
type loaded struct {
	*policyfile.StandIn
	file *policyfile.File
}

// load loads a policy. It is nil, without an error, for a policy with faults: see
// diagnose.
//
// Errors: the file cannot be read.
func (q *Question) load(path string) (*loaded, error) {
	f, err := policyfile.Open(q.Files, path)
	var p *policyfile.StandIn
	if err == nil {
		p, err = f.LoadStandIn()
	}
	var faults *policyfile.Error
	switch {
	case errors.As(err, &faults):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if f.Doc.Key("gateway").Kind() == value.Missing {
		p.Gateway = "gateway" // as in tests; the default is the name of this host
	}
	return &loaded{p, f}, nil
}

// diagnose lists the faults and warnings of a file. Those of the policy that a file with
// tests names are left out: they are the policy's.
func (q *Question) diagnose(path string) []assist.Diagnostic {
	found, _ := assist.Diagnose(q.Files, path, os.LookupEnv)
	out := []assist.Diagnostic{}
	for _, d := range found {
		if policytest.IsTest(path) && d.Path != path {
			continue
		}
		if out = append(out, d); len(out) == maxDiagnostics {
			break
		}
	}
	return out
}

// maxDiagnostics bounds an answer.
const maxDiagnostics = 500
