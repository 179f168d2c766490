//go:build !js

package policytest

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/report"
)

// Findings reports what failed as findings: in SARIF, or as annotations of GitHub.
type Findings struct {
	Out             io.Writer
	Format, Version string // of package report
	// Detail is the text about a failed test.
	Detail func(s *Suite, r *Result) string

	cases []report.Case
}

// findingCodes explain the codes of findings.
var findingCodes = map[string]string{
	"test/failed":           "The policy decides a request in another way than a test wants.",
	"test/error":            "The request of a test could not be decided.",
	"test/unreadable":       "A file with tests, or its policy, could not be read, so its tests did not run.",
	"test/mutant":           "The policy can be broken here, and no test fails: a protection that nobody would miss.",
	policyfile.FaultCode:    "A file with tests, or its policy, has a fault, so its tests did not run.",
	"test/mutants-left-out": "There are more mutants than --mutants allows.",
}

// Begin implements Reporter.
func (f *Findings) Begin(*Suite) {}

// Test implements Reporter.
func (f *Findings) Test(s *Suite, r *Result) {
	if r.Outcome != Fail {
		return
	}
	found := report.Finding{Code: "test/failed", Level: report.Error, File: s.Path, Line: r.Case.Line, Column: r.Case.Column}
	message := ""
	if r.Err != nil {
		found.Code, message = "test/error", r.Err.Error()
	} else {
		message = r.Differences[0].String()
	}
	first, _, _ := strings.Cut(message, "\n")
	found.Message, found.Detail = r.Case.Name+": "+first, f.Detail(s, r)
	f.add(found)
}

// Failed implements Reporter.
func (f *Findings) Failed(path string, err error) {
	var faults *policyfile.Error
	if !errors.As(err, &faults) {
		first, rest, _ := strings.Cut(err.Error(), "\n")
		f.add(report.Finding{Code: "test/unreadable", Level: report.Error, Message: first, Detail: rest, File: path})
		return
	}
	for _, fault := range faults.Findings() {
		message := fault.Message
		if fault.Place != "" {
			message = fault.Place + ": " + message
		}
		f.add(report.Finding{Code: fault.Code, Level: report.Error, Message: message, File: fault.File, Line: fault.Line, Column: fault.Column})
	}
}

// Mutants adds the mutants that no test notices.
func (f *Findings) Mutants(m *Mutation) {
	for _, s := range m.Survivors {
		file, line, column := m.suite.PolicyFile.Locate(s.Place)
		f.add(report.Finding{Code: "test/mutant", Level: report.Error, Message: s.Place + ": " + s.Broken + ", and no test fails", File: file, Line: line, Column: column})
	}
	if m.LeftOut > 0 {
		f.add(report.Finding{Code: "test/mutants-left-out", Level: report.Note, Message: m.Describe(), File: m.Path})
	}
}

func (f *Findings) add(found report.Finding) {
	f.cases = append(f.cases, report.Case{Suite: found.File, Name: found.Code, Findings: []report.Finding{found}})
}

// End implements Reporter.
func (f *Findings) End(*Suite, bool, time.Duration) {}

// Close implements Reporter.
func (f *Findings) Close(Summary) error {
	return report.Write(f.Out, f.Format, f.Version, f.cases, findingCodes)
}
