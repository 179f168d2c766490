package policyfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
)

// Fault is a fault with its position.
type Fault struct {
	Place, Message string
	Line, Column   int   // 1-based; the column in characters
	in             *File // nil: the file of the Error
}

// Error holds all faults of a file, in the order of the file.
type Error struct {
	file   *File
	Faults []Fault
}

// Error returns several lines: for each fault
//
//	policy.yaml:12:9: routes[3].rule.f2: want …
//	  12 |     f2: [1, 2
//	     |         ^
func (e *Error) Error() string {
	var b strings.Builder
	for i, f := range e.Faults {
		if i > 0 {
			b.WriteByte('\n')
		}
		e.file.write(&b, f, "")
	}
	return b.String()
}

// Locate returns the file that a place is in, with its line and its column: of its
// value, or of the value around it if it is missing.
func (f *File) Locate(place string) (path string, line, column int) {
	at := f.locate(rules.Fault{Place: place})
	if at.in != nil {
		f = at.in
	}
	return f.Name(), at.Line, at.Column
}

// Excerpt writes a message about a place, with its line, like the faults of an Error.
func (f *File) Excerpt(place, message string) string {
	var b strings.Builder
	f.write(&b, f.locate(rules.Fault{Place: place, Message: message}), "")
	return b.String()
}

// Faults returns faults of the file's content as an error, in the order of the file.
func (f *File) Faults(faults rules.Faults) *Error {
	e := f.error(faults)
	slices.SortStableFunc(e.Faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return e
}

// Position returns the line and the column of a place: of its value, or of the value
// around it if it is missing.
func (f *File) Position(place string) (line, column int) {
	_, line, column = f.Locate(place)
	return line, column
}

func (f *File) error(faults rules.Faults) *Error {
	e := &Error{file: f, Faults: make([]Fault, len(faults))}
	for i, fault := range faults {
		e.Faults[i] = f.locate(fault)
	}
	return e
}

// locate returns a fault with the position of its value, or of its key if the
// fault is about the key. A missing value is reported at the value around it.
func (f *File) locate(fault rules.Fault) Fault {
	if part, place := f.partAt(fault.Place); part != f {
		fault.Place = place
		out := part.locate(fault)
		out.in = part
		return out
	}
	out := Fault{Place: fault.Place, Message: fault.Message, Line: 1, Column: 1}
	place := fault.Place
	m, ok := f.marks[place]
	for !ok && place != "" {
		place = policy.Parent(place)
		m, ok = f.marks[place]
	}
	at := m.value
	if place == fault.Place && m.key.line > 0 && fault.AtKey {
		at = m.key
	}
	if ok && at.line > 0 {
		out.Line, out.Column = at.line, at.column
	}
	return out
}

func (f *File) write(b *strings.Builder, fault Fault, label string) {
	if fault.in != nil {
		f = fault.in
	}
	fmt.Fprintf(b, "%s:%d:%d: %s", f.Name(), fault.Line, fault.Column, label)
	if fault.Place != "" {
		fmt.Fprintf(b, "%s: ", fault.Place)
	}
	b.WriteString(fault.Message)
	line, caret, ok := f.excerpt(fault.Line, fault.Column)
	if !ok {
		return
	}
	number := fmt.Sprint(fault.Line)
	fmt.Fprintf(b, "\n  %s | %s\n  %*s | %s^", number, line, len(number), "", caret)
}

// width is the number of characters that an excerpt shows of a long line.
const width = 120

// excerpt returns a line without its secrets, and the white space before the caret.
func (f *File) excerpt(line, column int) (text, caret string, ok bool) {
	if line < 1 || line > len(f.lines) {
		return "", "", false
	}
	shown := f.mask(line)
	at := min(max(column-1, 0), len(shown))
	if len(shown) > width {
		from := max(0, min(at-width/2, len(shown)-width))
		shown, at = append([]rune("…"), shown[from:from+width]...), at-from+1
		if at > len(shown) {
			at = len(shown)
		}
	}
	before := []rune(strings.Repeat(" ", at))
	for i := range before {
		if shown[i] == '\t' {
			before[i] = '\t'
		}
	}
	return strings.TrimRight(string(shown), " \t"), string(before), true
}
