package cli

import (
	"fmt"
	"io"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/policy"
)

// loadedFile is a policy that was loaded without a fault, and its file.
type loadedFile struct {
	*policyfile.File
	policy *policy.Policy
}

// loadFile loads a policy, with this process's environment where o says
// nothing. Its warnings go to stderr.
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
