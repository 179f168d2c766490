package main

import (
	"fmt"
	"io"
	"os"

	"github.com/goccy/go-yaml"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
)

// policyFile is a policy that was loaded without a fault.
type policyFile struct {
	doc    rules.Value // as it is in the file, variables and all
	policy *policy.Policy
}

func (f *policyFile) readFile(path string) ([]byte, error) { return os.ReadFile(path) }

// loadFile loads a policy with this process's environment. Its warnings go to
// stderr.
func loadFile(path string, stderr io.Writer) (*policyFile, error) {
	return loadFileWith(path, policy.Options{Getenv: os.LookupEnv}, stderr)
}

func loadFileWith(path string, o policy.Options, stderr io.Writer) (*policyFile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text, err := yaml.YAMLToJSON(data)
	if err != nil {
		return nil, err
	}
	f := &policyFile{}
	if f.doc, err = rules.Parse(string(text), policy.MaxDepth); err != nil {
		return nil, err
	}
	o.ReadFile = f.readFile
	p, warnings, err := policy.Load(f.doc, o)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		fmt.Fprintf(stderr, "%s: warning: %v\n", path, w)
	}
	f.policy = p
	return f, nil
}

