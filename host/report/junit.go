package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// The elements of a report in the XML of JUnit, which CI servers read.
type (
	JUnitReport struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []JUnitSuite `xml:"testsuite"`
	}
	JUnitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr,omitempty"` // seconds
		Cases    []JUnitCase `xml:"testcase"`
	}
	// JUnitCase passed if it has no Failure, no Error and no Skipped.
	JUnitCase struct {
		Name      string       `xml:"name,attr"`
		Classname string       `xml:"classname,attr"`
		File      string       `xml:"file,attr"`
		Line      int          `xml:"line,attr,omitempty"`
		Time      string       `xml:"time,attr,omitempty"` // seconds
		Failure   *JUnitDetail `xml:"failure"`
		Error     *JUnitDetail `xml:"error"`
		Skipped   *JUnitDetail `xml:"skipped"`
		Output    string       `xml:"system-out,omitempty"`
	}
	JUnitDetail struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// Add adds a case to the suite and counts it.
func (s *JUnitSuite) Add(c JUnitCase) {
	s.Tests++
	switch {
	case c.Error != nil:
		s.Errors++
	case c.Failure != nil:
		s.Failures++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

// WriteJUnit writes suites.
func WriteJUnit(w io.Writer, suites []JUnitSuite) error {
	all := JUnitReport{Suites: suites}
	for _, s := range suites {
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

// JUnit writes cases as the XML of JUnit: a case fails if it has an Error. Its other
// findings are output of it.
func JUnit(w io.Writer, cases []Case) error {
	var suites []JUnitSuite
	for _, c := range cases {
		suite := Printable(c.Suite)
		if n := len(suites); n == 0 || suites[n-1].Name != suite {
			suites = append(suites, JUnitSuite{Name: suite})
		}
		suites[len(suites)-1].Add(junitCase(c))
	}
	return WriteJUnit(w, suites)
}

func junitCase(c Case) JUnitCase {
	suite := Printable(c.Suite)
	out := JUnitCase{Name: Printable(c.Name), Classname: suite, File: suite}
	var failed, said []string
	for _, f := range c.Findings {
		at := f.File
		if f.Line > 0 {
			at = fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
		}
		line := fmt.Sprintf("%s: %s [%s]", at, f.Message, f.Code)
		if f.Detail != "" {
			line += "\n" + f.Detail
		}
		if f.Level != Error {
			said = append(said, line)
			continue
		}
		if out.Failure == nil {
			out.Line, out.Failure = f.Line, &JUnitDetail{Message: Printable(f.Message)}
		}
		failed = append(failed, line)
	}
	if out.Failure != nil {
		out.Failure.Text = Printable(strings.Join(failed, "\n"))
	}
	out.Output = Printable(strings.Join(said, "\n"))
	return out
}
