package policytest

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// JUnit reports in the XML of JUnit, which CI servers read.
type JUnit struct {
	Out io.Writer
	// Detail is the text about a failed test.
	Detail func(s *Suite, r *Result) string

	suites []junitSuite
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string       `xml:"name,attr"`
	Classname string       `xml:"classname,attr"`
	File      string       `xml:"file,attr"`
	Line      int          `xml:"line,attr,omitempty"`
	Time      string       `xml:"time,attr"`
	Failure   *junitDetail `xml:"failure"`
	Error     *junitDetail `xml:"error"`
	Skipped   *junitDetail `xml:"skipped"`
}

type junitDetail struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// Begin implements Reporter.
func (j *JUnit) Begin(s *Suite) { j.suites = append(j.suites, junitSuite{Name: s.Path}) }

// Test implements Reporter.
func (j *JUnit) Test(s *Suite, r *Result) {
	suite := &j.suites[len(j.suites)-1]
	c := junitCase{Name: printable(r.Case.Name), Classname: s.Path, File: s.Path, Line: r.Case.Line, Time: seconds(r.Elapsed)}
	suite.Tests++
	switch {
	case r.Outcome == Skip:
		suite.Skipped++
		c.Skipped = &junitDetail{Message: printable(r.Err.Error())}
	case r.Outcome != Fail:
	case r.Err != nil:
		suite.Errors++
		c.Error = &junitDetail{Message: printable(r.Err.Error()), Text: printable(j.Detail(s, r))}
	default:
		suite.Failures++
		first, _, _ := strings.Cut(r.Differences[0].String(), "\n")
		c.Failure = &junitDetail{Message: printable(first), Text: printable(j.Detail(s, r))}
	}
	suite.Cases = append(suite.Cases, c)
}

// Failed implements Reporter.
func (j *JUnit) Failed(path string, err error) {
	first, _, _ := strings.Cut(err.Error(), "\n")
	j.suites = append(j.suites, junitSuite{
		Name: path, Tests: 1, Errors: 1, Time: seconds(0),
		Cases: []junitCase{{Name: path, Classname: path, File: path, Time: seconds(0), Error: &junitDetail{Message: printable(first), Text: printable(err.Error())}}},
	})
}

// End implements Reporter.
func (j *JUnit) End(_ *Suite, _ bool, elapsed time.Duration) {
	j.suites[len(j.suites)-1].Time = seconds(elapsed)
}

// Close implements Reporter.
func (j *JUnit) Close(Summary) error {
	all := junitSuites{Suites: j.suites}
	for _, s := range j.suites {
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(j.Out, "%s%s\n", xml.Header, text)
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// printable replaces the characters that XML does not have.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == 0xfffe || r == 0xffff {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}
