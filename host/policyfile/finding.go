package policyfile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
)

// FaultCode is the code of faults: only warnings have codes of their own.
const FaultCode = "fault"

// Finding is a fault or a warning with its position.
type Finding struct {
	Code           string // of a warning, or FaultCode
	Place, Message string
	File           string
	Line, Column   int    // 1-based; the column in characters
	Text           string // the finding with its line and a caret, as Error.Error writes it
}

// Findings returns the faults, in the order of the file.
func (e *Error) Findings() []Finding {
	out := make([]Finding, len(e.Faults))
	for i, fault := range e.Faults {
		out[i] = e.file.finding(FaultCode, fault, "")
	}
	return out
}

// Findings returns warnings about the policy of the file. The questions that an import
// has left, in the file and in those that it includes, come first.
func (f *File) Findings(warnings []policy.Warning) []Finding {
	out := f.todos()
	for _, w := range warnings {
		out = append(out, f.warning(w))
	}
	return out
}

// Warning formats a warning like the faults of an Error.
func (f *File) Warning(w policy.Warning) string { return f.warning(w).Text }

func (f *File) warning(w policy.Warning) Finding {
	return f.finding(string(w.Code), f.locate(rules.Fault{Place: w.Place, Message: w.Message}), "warning: ")
}

// finding describes a fault, which is a warning if the label says so.
func (f *File) finding(code string, fault Fault, label string) Finding {
	in := f
	if fault.in != nil {
		in = fault.in
	}
	out := Finding{Code: code, Place: fault.Place, Message: fault.Message, File: in.Name(), Line: fault.Line, Column: fault.Column}
	if label != "" {
		fault.Message = fmt.Sprintf("%s [%s]", fault.Message, code)
	}
	var b strings.Builder
	f.write(&b, fault, label)
	out.Text = b.String()
	return out
}

// todo finds a question that an import has left in the file.
var todo = regexp.MustCompile(`^\s*# TODO: (.+)$`)

func (f *File) todos() (out []Finding) {
	for i, line := range f.lines {
		if m := todo.FindStringSubmatchIndex(line); m != nil {
			column := utf8.RuneCountInString(line[:m[2]]) - len("# TODO: ") + 1
			at := Fault{Message: "an import has left a question; decide, then remove the line", Line: i + 1, Column: column}
			out = append(out, f.finding("todo", at, "warning: "))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(f.parts)) { // of the candidate too, and of the files that it includes
		out = append(out, f.parts[path].todos()...)
	}
	return out
}
