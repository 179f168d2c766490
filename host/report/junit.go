package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	Classname string        `xml:"classname,attr"`
	File      string        `xml:"file,attr"`
	Line      int           `xml:"line,attr,omitempty"`
	Failures  *junitFailure `xml:"failure"`
	Output    string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes cases as the XML of JUnit: a case fails if it has an Error. Its other
// findings are output of it.
func JUnit(w io.Writer, cases []Case) error {
	var out junitSuites
	for _, c := range cases {
		if n := len(out.Suites); n == 0 || out.Suites[n-1].Name != printable(c.Suite) {
			out.Suites = append(out.Suites, junitSuite{Name: printable(c.Suite)})
		}
		s := &out.Suites[len(out.Suites)-1]
		jc := junitCase{Name: printable(c.Name), Classname: printable(c.Suite), File: printable(c.Suite)}
		var failed, said []string
		for _, f := range c.Findings {
			line := fmt.Sprintf("%s:%d:%d: %s [%s]", f.File, f.Line, f.Column, f.Message, f.Code)
			if f.Detail != "" {
				line += "\n" + f.Detail
			}
			if f.Level == Error {
				if len(failed) == 0 {
					jc.Line = f.Line
					jc.Failures = &junitFailure{Message: printable(f.Message)}
				}
				failed = append(failed, line)
			} else {
				said = append(said, line)
			}
		}
		if jc.Failures != nil {
			jc.Failures.Text = printable(strings.Join(failed, "\n"))
			s.Failures++
			out.Failures++
		}
		jc.Output = printable(strings.Join(said, "\n"))
		s.Tests++
		out.Tests++
		s.Cases = append(s.Cases, jc)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// printable replaces the characters that XML cannot have.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xfffe || r == 0xffff {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
