package lsp

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/rulegate/rulegate/host/assist"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/tliron/glsp"
	protocol "github.com/tliron/glsp/protocol_3_16"
)

// testCommand runs tests. Its argument is a selection.
const testCommand = "rulegate.test"

// selection says which tests run: those of a file with tests, or of a policy; only those
// whose request a resource covers, or only those of a name.
type selection struct {
	URI   protocol.DocumentUri `json:"uri"`
	First int                  `json:"first,omitempty"` // the lines of the resource; 0: all
	Last  int                  `json:"last,omitempty"`
	Test  string               `json:"test,omitempty"`
}

// codeLens offers to run tests: above a policy, each of its resources, and each test.
func (s *Server) codeLens(_ *glsp.Context, p *protocol.CodeLensParams) ([]protocol.CodeLens, error) {
	d, l, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	lenses := []protocol.CodeLens{}
	for _, x := range d.Lenses() {
		chosen := selection{URI: p.TextDocument.URI, Test: x.Test}
		if x.Last > 0 {
			chosen.First, chosen.Last = x.Range.Start.Line, x.Last
		}
		lenses = append(lenses, protocol.CodeLens{
			Range:   l.span(x.Range),
			Command: &protocol.Command{Title: x.Title, Command: testCommand, Arguments: []any{chosen}},
		})
	}
	return lenses, nil
}

// execute runs the tests of a selection. Those that fail are diagnostics of their file.
func (s *Server) execute(call *glsp.Context, p *protocol.ExecuteCommandParams) (any, error) {
	if p.Command != testCommand || len(p.Arguments) != 1 {
		return nil, fmt.Errorf("want the command %s with one argument", testCommand)
	}
	data, err := json.Marshal(p.Arguments[0])
	if err != nil {
		return nil, err
	}
	var chosen selection
	if err := json.Unmarshal(data, &chosen); err != nil {
		return nil, fmt.Errorf("the argument of %s: %w", testCommand, err)
	}
	r := s.runTests(chosen)
	s.checker.setFailed(r.failed)
	s.checker.change()
	kind := protocol.MessageTypeInfo
	if !r.ok() {
		kind = protocol.MessageTypeError
	}
	call.Notify(protocol.ServerWindowShowMessage, protocol.ShowMessageParams{Type: kind, Message: r.summary()})
	return r.summary(), nil
}

// testRun is the outcome of a selection.
type testRun struct {
	passed, all int
	broken      []string // why a file could not be read
	files       int
	failed      map[string][]assist.Diagnostic
}

func (r *testRun) ok() bool { return r.passed == r.all && r.all > 0 && len(r.broken) == 0 }

func (r *testRun) summary() string {
	switch {
	case len(r.broken) > 0:
		return strings.Join(r.broken, "\n")
	case r.files == 0:
		return "no tests: write them in a file beside the policy whose name ends in _test.yaml"
	case r.all == 0:
		return "no test asks for this"
	case r.passed == r.all:
		return fmt.Sprintf("%d of %d tests passed", r.passed, r.all)
	}
	return fmt.Sprintf("%d of %d tests failed", r.all-r.passed, r.all)
}

func (s *Server) runTests(chosen selection) *testRun {
	r := &testRun{failed: map[string][]assist.Diagnostic{}}
	path := pathOf(chosen.URI)
	files, main := []string{path}, ""
	if !policytest.IsTest(path) {
		main = s.open.main(path)
		files = s.testsBeside(main)
	}
	for _, file := range files {
		suite, err := policytest.Load(file, policytest.Options{Files: s.open})
		if err != nil {
			r.broken = append(r.broken, err.Error())
			continue
		}
		if main != "" && filepath.Clean(suite.PolicyPath) != main {
			continue
		}
		r.files++
		runner := policytest.NewNative(suite.Policy, 0)
		for _, c := range suite.Cases {
			if name, _, _ := strings.Cut(c.Name, "/"); chosen.Test != "" && chosen.Test != c.Name && chosen.Test != name {
				continue
			}
			result := suite.Run(runner, c)
			if chosen.Last > 0 && !covers(suite, &result, path, chosen) {
				continue
			}
			r.add(suite, &result)
		}
	}
	return r
}

// covers reports whether the resource that covers a request is in the lines that are
// chosen.
func covers(s *policytest.Suite, x *policytest.Result, path string, chosen selection) bool {
	if x.Got == nil || x.Got.Resource == nil {
		return false
	}
	file, line, _ := s.PolicyFile.Locate(x.Got.Resource.Place)
	return filepath.Clean(file) == path && line >= chosen.First && line <= chosen.Last
}

// testsBeside lists the files with tests in the folder of a policy.
func (s *Server) testsBeside(policy string) (files []string) {
	names, _ := s.open.Glob(filepath.Join(filepath.Dir(policy), "*")) // the pattern is good
	for _, name := range names {
		if policytest.IsTest(name) {
			files = append(files, name)
		}
	}
	return files
}

func (r *testRun) add(s *policytest.Suite, x *policytest.Result) {
	r.all++
	if x.Outcome == policytest.Pass {
		r.passed++
		return
	}
	text := (&policytest.Text{}).Detail(s, x)
	if _, rest, ok := strings.Cut(text, "\n"); ok {
		text = rest // without the position
	}
	at := assist.Position{Line: x.Case.Line, Column: x.Case.Column}
	r.failed[s.Path] = append(r.failed[s.Path], assist.Diagnostic{
		Path: s.Path, Range: assist.Range{Start: at, End: assist.Position{Line: at.Line, Column: at.Column + 1}},
		Severity: assist.Error, Code: "test", Message: x.Case.Name + ": " + text,
	})
}
