package assist

import (
	"errors"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
)

// Severity says how bad a diagnostic is.
type Severity string

const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Diagnostic is a fault or a warning, with fixes to apply.
type Diagnostic struct {
	Path     string   `json:"path"`
	Range    Range    `json:"range"`
	Severity Severity `json:"severity"`
	Code     string   `json:"code"` // of a warning, or fault
	Message  string   `json:"message"`
	Fixes    []Fix    `json:"fixes,omitempty"`
}

// Fix is a change that takes a diagnostic away.
type Fix struct {
	Title string `json:"title"`
	Edits []Edit `json:"edits"` // of the diagnostic's file
}

// Diagnose checks a file, and those that it includes. Variables that are not set are
// accepted: an editor has no secrets. Paths lists the files that were read, also those
// without diagnostics.
func Diagnose(files policyfile.Files, path string, getenv func(string) (string, bool)) (found []Diagnostic, paths []string) {
	data, err := files.Read(path, maxText)
	if err != nil {
		return []Diagnostic{{Path: path, Range: first, Severity: Error, Code: policyfile.FaultCode, Message: err.Error()}}, []string{path}
	}
	d := Document{path, string(data)}
	var all []policyfile.Finding
	paths = []string{path}
	switch d.Kind() {
	case Policy:
		var f *policyfile.File
		var warnings []policy.Warning
		if _, f, warnings, err = policyfile.LoadFrom(files, path, policy.Options{Getenv: getenv, AllowUnset: true}); f != nil {
			paths = append(paths, f.Parts()...)
		}
		if err == nil {
			all = f.Findings(warnings)
		}
	case Tests:
		_, err = policytest.Load(path, policytest.Options{Files: files, Record: true})
	case Claims:
		err = checkClaims(path, data)
	}
	var faults *policyfile.Error
	switch {
	case errors.As(err, &faults):
		all = append(all, faults.Findings()...)
	case err != nil:
		found = append(found, Diagnostic{Path: path, Range: first, Severity: Error, Code: policyfile.FaultCode, Message: err.Error()})
	}
	texts := map[string][]string{path: strings.Split(d.Text, "\n")}
	for _, x := range all {
		lines, ok := texts[x.File]
		if !ok {
			data, _ := files.Read(x.File, maxText)
			lines = strings.Split(string(data), "\n")
			texts[x.File] = lines
		}
		found = append(found, diagnostic(x, lines, texts[path]))
		if !slices.Contains(paths, x.File) {
			paths = append(paths, x.File)
		}
	}
	return found, paths
}

// first is the beginning of a file.
var first = Range{Position{1, 1}, Position{1, 2}}

func checkClaims(path string, data []byte) error {
	f, err := policyfile.ParseOther(path, data)
	if err != nil {
		return err
	}
	_, err = compare.Statements(f.Doc)
	var faults rules.Faults
	if errors.As(err, &faults) {
		return f.Faults(faults)
	}
	return err
}

// diagnostic is a finding in a file with these lines; main are those of the policy's main
// file.
func diagnostic(x policyfile.Finding, lines, main []string) Diagnostic {
	d := Diagnostic{Path: x.File, Severity: Warning, Code: x.Code, Message: x.Message, Range: tokenAt(lines, Position{x.Line, x.Column})}
	if x.Code == policyfile.FaultCode {
		d.Severity = Error
	}
	if x.Place != "" {
		d.Message = x.Place + ": " + x.Message
	}
	d.Fixes = fixes(x, lines, main, d.Range)
	return d
}

// tokenAt returns the range of the key or the value that begins at a position: to the end
// of a text in quotes, else to what ends a plain one.
func tokenAt(lines []string, at Position) Range {
	r := Range{at, Position{at.Line, at.Column + 1}}
	if at.Line < 1 || at.Line > len(lines) {
		return first
	}
	line := []rune(strings.TrimSuffix(lines[at.Line-1], "\r"))
	if at.Column-1 >= len(line) {
		return r
	}
	r.End.Column = at.Column + length(line[at.Column-1:])
	return r
}

// length returns the length of the scalar at the start of a line.
func length(line []rune) int {
	if quote := line[0]; quote == '"' || quote == '\'' {
		for i := 1; i < len(line); i++ {
			switch {
			case line[i] == '\\' && quote == '"':
				i++
			case line[i] == quote:
				return i + 1
			}
		}
		return len(line)
	}
	if line[0] == '{' || line[0] == '[' {
		return 1
	}
	i := 1
	for ; i < len(line); i++ {
		ends := line[i] == ',' || line[i] == '}' || line[i] == ']' || line[i] == ' ' && i+1 < len(line) && line[i+1] == '#'
		if ends || line[i] == ':' && (i+1 == len(line) || line[i+1] == ' ') {
			break
		}
	}
	return len([]rune(strings.TrimRight(string(line[:i]), " ")))
}
