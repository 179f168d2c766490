// Package report writes findings about policies in the formats that CI servers and
// code hosts read: SARIF 2.1.0, the workflow commands of GitHub Actions, and the XML
// of JUnit.
package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Level says how grave a finding is.
type Level string

const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// Finding is one finding about a file.
type Finding struct {
	Code    string // of its kind, such as or-allow
	Level   Level
	Message string // without a line break
	Detail  string // more lines; may be empty
	File    string
	Line    int // 1-based; 0: the file as a whole
	Column  int
}

// Case is a check of which the findings are failures.
type Case struct {
	Suite, Name string // a file, and the part of it that was checked
	Findings    []Finding
}

// Formats are the names of the formats of this package.
var Formats = []string{"sarif", "github", "junit"}

// Findings are those of all cases.
func Findings(cases []Case) (out []Finding) {
	for _, c := range cases {
		out = append(out, c.Findings...)
	}
	return out
}

// Write writes cases in one of the Formats. About explains the codes of findings.
func Write(w io.Writer, format, version string, cases []Case, about map[string]string) error {
	switch format {
	case "sarif":
		return SARIF(w, version, Findings(cases), about)
	case "github":
		return GitHub(w, Findings(cases))
	case "junit":
		return JUnit(w, cases)
	}
	return fmt.Errorf("no format %q", format)
}

// GitHub writes findings as workflow commands, which GitHub Actions shows beside the
// lines of a pull request.
func GitHub(w io.Writer, findings []Finding) error {
	for _, f := range findings {
		command := map[Level]string{Error: "error", Warning: "warning"}[f.Level]
		if command == "" {
			command = "notice"
		}
		properties := []string{"file=" + property(uri(f.File))}
		if f.Line > 0 {
			properties = append(properties, fmt.Sprintf("line=%d", f.Line))
		}
		if f.Column > 0 {
			properties = append(properties, fmt.Sprintf("col=%d", f.Column))
		}
		properties = append(properties, "title="+property(f.Code))
		text := f.Message
		if f.Detail != "" {
			text += "\n" + f.Detail
		}
		if _, err := fmt.Fprintf(w, "::%s %s::%s\n", command, strings.Join(properties, ","), data(text)); err != nil {
			return err
		}
	}
	return nil
}

// data and property escape texts as the runner of GitHub Actions reads them.
func data(s string) string {
	s = Printable(s)
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	s = Printable(s)
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

// uri is the path of a file with slashes.
func uri(path string) string { return filepath.ToSlash(path) }
