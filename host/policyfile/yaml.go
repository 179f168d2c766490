package policyfile

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/rulegate/rulegate/rules/policy"
)

// maxAliased bounds the values that aliases repeat.
const maxAliased = 100_000

func (f *File) readYAML(text string) (err error) {
	defer func() {
		if r := recover(); r != nil { // the parser's own
			f.marks = nil
			err = &Error{f, []Fault{{Message: "not readable as YAML", Line: 1, Column: 1}}}
		}
	}()
	tokens := lexer.Tokenize(text)
	if at, deep := tooDeep(tokens); deep {
		return &Error{f, []Fault{{Message: fmt.Sprintf("nested deeper than %d", policy.MaxDepth), Line: at.line, Column: at.column}}}
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return &Error{f, []Fault{f.syntax(err)}}
	}
	y := &yamlReader{f: f, anchors: map[string]ast.Node{}}
	y.file(tree)
	if len(y.faults) > 0 {
		return &Error{f, y.faults}
	}
	return nil
}

// syntax is the parser's first fault; there are no others.
func (f *File) syntax(err error) Fault {
	var s *yaml.SyntaxError
	if !errors.As(err, &s) || s.Token == nil || s.Token.Position == nil {
		return Fault{Message: "not readable as YAML", Line: 1, Column: 1}
	}
	at := f.at(s.Token)
	message := s.Message
	if at.line <= len(f.lines) && strings.Contains(f.lines[at.line-1], "\t") {
		message += " (YAML is indented with spaces)"
	}
	return Fault{Message: message, Line: at.line, Column: at.column}
}

// tooDeep looks for nesting that would take a recursive parser's stack, or its
// time: brackets inside each other, and `- - -` on one line.
func tooDeep(tokens token.Tokens) (at position, deep bool) {
	depth, line, marks := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
			if t.Position.Line != line {
				line, marks = t.Position.Line, 0
			}
			marks++
		}
		if depth > policy.MaxDepth || marks > 1000 {
			return position{t.Position.Line, t.Position.Column}, true
		}
	}
	return position{}, false
}

// after is where the token after t begins; zero when t is the last.
func (f *File) after(t *token.Token) position {
	if t.Next == nil || t.Next.Position == nil {
		return position{}
	}
	return f.at(t.Next)
}

// at is a token's position, inside the file.
func (f *File) at(t *token.Token) position {
	p := position{max(t.Position.Line, 1), max(t.Position.Column, 1)}
	p.line = min(p.line, len(f.lines))
	p.column = min(p.column, utf8.RuneCountInString(f.lines[p.line-1])+1)
	return p
}

// first is the token that a node begins with.
func first(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return first(n.Values[0])
		}
	case *ast.MappingValueNode:
		return first(n.Key)
	}
	return n.GetToken()
}
