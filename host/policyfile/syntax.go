package policyfile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/policy"
	"go.yaml.in/yaml/v4"
)

// syntax converts the parser's error: the first in the file, and the only one.
func (f *File) syntax(err error) *Fault {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		return &Fault{Message: "not readable as YAML: " + err.Error(), Line: 1, Column: 1}
	}
	s := &syntaxError{
		f:       f,
		message: e.Message,
		at:      f.inside(position{e.Mark.Line, e.Mark.Column}),
		opened:  f.inside(position{e.ContextMark.Line, e.ContextMark.Column}),
		context: e.ContextMsg,
	}
	message := s.explain()
	return &Fault{Message: message, Line: s.at.line, Column: s.at.column}
}

// syntaxError is an error of the parser and its place in the file.
type syntaxError struct {
	f       *File
	message string   // the parser's
	at      position // of the character that the parser refuses
	context string   // the construct around it, such as a quoted text; may be ""
	opened  position // start of that construct
}

// Texts of the parser, go.yaml.in/yaml/v4: it has no codes for them.
const (
	noToken      = "found character that cannot start any token"
	noColonHere  = "mapping values are not allowed in this context"
	noDashHere   = "block sequence entries are not allowed in this context"
	wantColon    = "could not find expected ':'"
	wantKey      = "did not find expected key"
	wantDash     = "did not find expected '-' indicator"
	wantContent  = "did not find expected node content"
	wantBracket  = "did not find expected ',' or ']'"
	wantBrace    = "did not find expected ',' or '}'"
	wantLineEnd  = "did not find expected comment or line break"
	endOfFile    = "found unexpected end of stream"
	badCharacter = "found invalid Unicode character escape code"
	aTab         = "found a tab character"
	badEscape    = "found unknown escape character"
	noAnchor     = "unknown anchor"
	noName       = "did not find expected alphabetic or numeric character"
	tooDeep      = "exceeded max depth"
	quotedText   = "while scanning a quoted scalar"
)

// explain returns a message that names the change to make, and moves s.at to the
// place of the change.
func (s *syntaxError) explain() string {
	if message := s.habit(); message != "" {
		return message
	}
	switch {
	case s.message == noToken:
		return fmt.Sprintf("put the text in quotes: %q cannot begin one", s.char())
	case s.message == noColonHere:
		return s.colon()
	case s.message == noDashHere:
		return "a list begins on a line of its own, or in brackets: [a, b]"
	case s.message == wantColon:
		s.at = s.opened
		return "want `key: value`"
	case s.message == wantKey:
		return s.indentation()
	case s.message == wantDash:
		return fmt.Sprintf("want a dash, as in line %d; or indent this line more if it belongs to the element above", s.opened.line)
	case s.message == wantContent && s.ended():
		return "the file ends here, and a value is missing: it was not written whole"
	case s.message == wantContent:
		return fmt.Sprintf("want a value, found %q; put a text in quotes", s.char())
	case strings.HasPrefix(s.message, tooDeep):
		return fmt.Sprintf("nested deeper than %d", policy.MaxDepth)
	case s.message == wantBracket, s.message == wantBrace:
		return s.bracket()
	case s.message == endOfFile && s.context == quotedText:
		s.at = s.opened
		return "this quote is never closed"
	case s.message == badCharacter:
		return "this escape is not a character; write the character itself"
	case s.message == badEscape:
		return "an unknown escape; between single quotes a backslash is only a backslash"
	case s.message == wantLineEnd:
		s.at = s.opened
		return fmt.Sprintf("put the text in quotes: %q begins a text of several lines", s.char())
	case s.message == noName:
		s.at = s.opened
		return fmt.Sprintf("put the text in quotes: %q begins a name of YAML", s.char())
	case strings.HasPrefix(s.message, noAnchor):
		return "no anchor of this name before it; put the text in quotes if it is one"
	}
	return s.message
}

// operator finds an unquoted comparison.
var operator = regexp.MustCompile(`\beval:\s*(>=|>|!=)(\s|,|}|$)`)

// slashes finds the start of a comment as in C.
var slashes = regexp.MustCompile(`(?:^|\s)(//)(?:\s|$)`)

// habit recognises the syntax of other languages.
func (s *syntaxError) habit() string {
	line := s.line(s.at.line)
	if m := operator.FindStringSubmatchIndex(line); m != nil {
		s.at.column = len([]rune(line[:m[2]])) + 1
		return fmt.Sprintf("put the operator in quotes: %q", line[m[2]:m[3]])
	}
	for _, n := range []int{s.at.line, s.opened.line, s.above()} {
		text := s.line(n)
		if m := slashes.FindStringSubmatchIndex(text); m != nil {
			s.at = position{n, utf8.RuneCountInString(text[:m[2]]) + 1}
			return "a comment begins with #"
		}
	}
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	if i := strings.IndexByte(indent, '\t'); i >= 0 || strings.HasPrefix(s.message, aTab) {
		if i >= 0 {
			s.at.column = i + 1
		}
		return "a tab; YAML is indented with spaces"
	}
	return ""
}

// colon explains a colon where no key can be.
func (s *syntaxError) colon() string {
	line := s.line(s.at.line)
	before := strings.TrimLeft(string([]rune(line)[:s.at.column-1]), " ")
	switch {
	case strings.Contains(before, ": "):
		return "a second colon in one line; put the text in quotes, or the keys in braces"
	case strings.HasPrefix(before, "- "):
		s.at.column = len([]rune(line)) - len([]rune(strings.TrimLeft(line, " "))) + 1
		return fmt.Sprintf("a list under a value: line %d has a value already; the list of a rule goes under `clauses:`", s.above())
	}
	s.at.column = len([]rune(line)) - len([]rune(strings.TrimLeft(line, " "))) + 1
	return fmt.Sprintf("a key under a value: line %d has a value already; indent this line less", s.above())
}

// indentation explains a line that does not continue the mapping around it.
func (s *syntaxError) indentation() string {
	line := s.line(s.at.line)
	switch before := strings.TrimSpace(string([]rune(line)[:s.at.column-1])); {
	case before != "":
		return fmt.Sprintf("want the end of the line, found %q; put the whole text in quotes", s.char())
	case s.char() == '-':
		return fmt.Sprintf("a list under a value: line %d has a value already; the list of a rule goes under `clauses:`", s.above())
	}
	return "the indentation is that of no line above; align this key with the keys that it belongs to"
}

// bracket explains a list or a mapping in brackets that does not go on.
func (s *syntaxError) bracket() string {
	line := []rune(s.line(s.at.line))
	if s.at.column > len(line) && strings.Join(s.f.lines[s.at.line:], "") == "" {
		s.at = s.opened
		return "this bracket is never closed"
	}
	begin := s.at.column - 1 // of the text that the parser stops in
	for begin > 0 && !strings.ContainsRune(" ,[]{}", line[begin-1]) {
		begin--
	}
	inText := begin < s.at.column-1
	if strings.ContainsRune("]}", s.char()) {
		next := s.at.column
		inText = inText && next < len(line) && !strings.ContainsRune(" ,[]{}", line[next])
	}
	if inText && strings.ContainsRune("[]{}", s.char()) {
		s.at.column = begin + 1
		return "put the text in quotes: brackets and braces end it here"
	}
	want := "',' or ']'"
	if s.message == wantBrace {
		want = "',' or '}'"
	}
	if s.char() == ':' {
		s.at.column = begin + 1
		if s.opened.line < s.at.line {
			return fmt.Sprintf("want %s before this key: the bracket in line %d, column %d is still open", want, s.opened.line, s.opened.column)
		}
		return "want " + want + " before this key; is a comma missing?"
	}
	return fmt.Sprintf("want %s to go on with the brackets of line %d, column %d", want, s.opened.line, s.opened.column)
}

// ended reports whether nothing comes at the place or behind it.
func (s *syntaxError) ended() bool {
	rest := []rune(s.line(s.at.line))
	rest = rest[min(len(rest), s.at.column-1):]
	return strings.TrimSpace(string(rest)+strings.Join(s.f.lines[min(len(s.f.lines), s.at.line):], "")) == ""
}

// char is the character that the parser refuses; 0 at the end of a line.
func (s *syntaxError) char() rune {
	line := []rune(s.line(s.at.line))
	if s.at.column > len(line) {
		return 0
	}
	return line[s.at.column-1]
}

// above is the number of the next line above that is not empty or a comment.
func (s *syntaxError) above() int {
	for n := s.at.line - 1; n > 0; n-- {
		if text := strings.TrimSpace(s.line(n)); text != "" && text[0] != '#' {
			return n
		}
	}
	return 0
}

func (s *syntaxError) line(n int) string {
	if n < 1 || n > len(s.f.lines) {
		return ""
	}
	return s.f.lines[n-1]
}
