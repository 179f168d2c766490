package cli

import (
	"fmt"
	"io"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// loadedFile is a policy without faults, and the file that it came from.
type loadedFile struct {
	*policyfile.File
	policy *policy.Policy
}

// loadFile loads a policy and prints its warnings to stderr. If o does not say
// otherwise, variables come from the environment of this process.
func loadFile(path string, o policy.Options, stderr io.Writer) (*loadedFile, error) {
	p, f, warnings, err := policyfile.Load(path, o)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		fmt.Fprintln(stderr, f.Warning(w))
	}
	return &loadedFile{f, p}, nil
}

// moduleDoc returns the policy document for the module. It contains the name of
// this host as gateway if the file names none: the module cannot ask for it.
func (f *loadedFile) moduleDoc() value.Value {
	if f.policy.Gateway == "" || f.Doc.Key("gateway").Kind() != value.Missing {
		return f.Doc
	}
	return f.Doc.With("gateway", value.Str(f.policy.Gateway))
}
