//go:build !js

package policytest

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/report"
)

// JUnit reports in the XML of JUnit, which CI servers read.
type JUnit struct {
	Out io.Writer
	// Detail is the text about a failed test.
	Detail func(s *Suite, r *Result) string

	suites []report.JUnitSuite
}

// Begin implements Reporter.
func (j *JUnit) Begin(s *Suite) { j.suites = append(j.suites, report.JUnitSuite{Name: s.Path}) }

// Test implements Reporter.
func (j *JUnit) Test(s *Suite, r *Result) {
	c := report.JUnitCase{Name: report.Printable(r.Case.Name), Classname: s.Path, File: s.Path, Line: r.Case.Line, Time: seconds(r.Elapsed)}
	switch {
	case r.Outcome == Skip:
		c.Skipped = &report.JUnitDetail{Message: report.Printable(r.Err.Error())}
	case r.Outcome != Fail:
	case r.Err != nil:
		c.Error = &report.JUnitDetail{Message: report.Printable(r.Err.Error()), Text: report.Printable(j.Detail(s, r))}
	default:
		first, _, _ := strings.Cut(r.Differences[0].String(), "\n")
		c.Failure = &report.JUnitDetail{Message: report.Printable(first), Text: report.Printable(j.Detail(s, r))}
	}
	j.suites[len(j.suites)-1].Add(c)
}

// Failed implements Reporter.
func (j *JUnit) Failed(path string, err error) {
	first, _, _ := strings.Cut(err.Error(), "\n")
	j.suites = append(j.suites, report.JUnitSuite{
		Name: path, Tests: 1, Errors: 1, Time: seconds(0),
		Cases: []report.JUnitCase{{Name: path, Classname: path, File: path, Time: seconds(0), Error: &report.JUnitDetail{Message: report.Printable(first), Text: report.Printable(err.Error())}}},
	})
}

// End implements Reporter.
func (j *JUnit) End(_ *Suite, _ bool, elapsed time.Duration) {
	j.suites[len(j.suites)-1].Time = seconds(elapsed)
}

// Close implements Reporter.
func (j *JUnit) Close(Summary) error { return report.WriteJUnit(j.Out, j.suites) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
