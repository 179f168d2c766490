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
	"github.com/rulegate/rulegate/rules"
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

type yamlReader struct {
	f       *File
	faults  []Fault
	anchors map[string]ast.Node // as they are at this point of the file
	aliased int                 // values that aliases have repeated
	inAlias int                 // aliases that are being followed
	stopped bool                // the file is too large to go on
}

func (y *yamlReader) fault(at position, place, format string, args ...any) {
	y.faults = append(y.faults, Fault{Place: place, Message: fmt.Sprintf(format, args...), Line: at.line, Column: at.column})
}

// at is a token's position, inside the file.
func (f *File) at(t *token.Token) position {
	p := position{max(t.Position.Line, 1), max(t.Position.Column, 1)}
	p.line = min(p.line, len(f.lines))
	p.column = min(p.column, utf8.RuneCountInString(f.lines[p.line-1])+1)
	return p
}

func (y *yamlReader) file(tree *ast.File) {
	var body ast.Node
	for _, d := range tree.Docs {
		switch d.Body.(type) {
		case nil:
			continue
		case *ast.DirectiveNode:
			y.fault(y.f.at(d.Body.GetToken()), "", "directives are not taken: the file is YAML 1.2")
			return
		}
		if body != nil {
			y.fault(y.f.at(first(d.Body)), "", "a second document; a policy file is one")
			return
		}
		body = d.Body
	}
	if body == nil {
		y.fault(position{1, 1}, "", "empty; want an object")
		return
	}
	y.f.Doc = y.value(body, "", position{}, 0)
	if len(y.faults) > 0 {
		return
	}
	y.f.mark("", first(body), position{})
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

func (f *File) mark(place string, t *token.Token, key position) {
	f.marks[place] = mark{key: key, value: f.at(t)}
}

// value is what a node says; key is where its key stands.
func (y *yamlReader) value(n ast.Node, place string, key position, depth int) rules.Value {
	if y.stopped {
		return rules.NullValue
	}
	if n == nil {
		return rules.NullValue
	}
	at := y.f.at(first(n))
	if _, follows := n.(*ast.AliasNode); !follows {
		y.f.marks[place] = mark{key: key, value: at}
	}
	if y.inAlias > 0 {
		y.aliased++
	}
	switch {
	case depth > policy.MaxDepth:
		y.fault(at, place, "nested deeper than %d", policy.MaxDepth)
		y.stopped = true
		return rules.NullValue
	case y.aliased > maxAliased:
		y.fault(at, place, "aliases repeat more than %d values", maxAliased)
		y.stopped = true
		return rules.NullValue
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return y.mapping(n.Values, place, depth)
	case *ast.MappingValueNode:
		return y.mapping([]*ast.MappingValueNode{n}, place, depth)
	case *ast.SequenceNode:
		elems := make([]rules.Value, len(n.Values))
		for i, x := range n.Values {
			elems[i] = y.value(x, rules.Elem(place, i), position{}, depth+1)
		}
		return rules.Arr(elems...)
	case *ast.AnchorNode:
		v := y.value(n.Value, place, key, depth)
		y.anchors[n.Name.GetToken().Value] = n.Value
		return v
	case *ast.AliasNode:
		return y.alias(n, place, key, depth)
	case *ast.TagNode:
		y.fault(at, place, "tags are not taken; put a text in quotes")
		return rules.NullValue
	}
	return y.scalar(n, place, at)
}

func (y *yamlReader) alias(n *ast.AliasNode, place string, key position, depth int) rules.Value {
	at := y.f.at(n.GetToken())
	target, ok := y.anchors[n.Value.GetToken().Value]
	if !ok {
		y.fault(at, place, "no anchor of this name before it")
		return rules.NullValue
	}
	y.inAlias++
	v := y.value(target, place, key, depth)
	y.inAlias--
	y.f.marks[place] = mark{key: key, value: at}
	return v
}

func (y *yamlReader) mapping(values []*ast.MappingValueNode, place string, depth int) rules.Value {
	members := make([]rules.Member, 0, len(values))
	seen := map[string]int{}
	for _, kv := range values {
		name, at, ok := y.key(kv, place)
		sub := rules.Join(place, name)
		v := y.value(kv.Value, sub, at, depth+1)
		switch line := seen[name]; {
		case !ok:
		case line > 0:
			y.fault(at, sub, "the key is there already, on line %d", line)
		default:
			seen[name] = at.line
			members = append(members, rules.Member{Key: name, Value: v})
		}
	}
	return rules.Obj(members...)
}

// key is a mapping's key, which has to be a string, as in JSON.
func (y *yamlReader) key(kv *ast.MappingValueNode, place string) (name string, at position, ok bool) {
	at = y.f.at(first(kv.Key))
	name = first(kv.Key).Value
	switch k := kv.Key.(type) {
	case *ast.MergeKeyNode:
		y.fault(at, place, "merge keys (<<) are not taken; write the keys, or use an alias for a whole value")
		return name, at, false
	case *ast.StringNode:
		if k.Token.Type != token.StringType {
			break
		}
		if v, fault := plain(k.Value); fault != "" || v.Kind() != rules.String {
			y.fault(at, place, "want a string as key; put it in quotes")
			return name, at, false
		}
	default:
		y.fault(at, place, "want a string as key; put it in quotes")
		return name, at, false
	}
	name = kv.Key.(*ast.StringNode).Value
	if !utf8.ValidString(name) {
		y.fault(at, place, "a key that is not UTF-8")
		return name, at, false
	}
	return name, at, true
}

func (y *yamlReader) scalar(n ast.Node, place string, at position) rules.Value {
	t := n.GetToken()
	end, text, isPlain := t, t.Value, true
	switch n := n.(type) {
	case *ast.StringNode:
		text, isPlain = n.Value, t.Type == token.StringType
	case *ast.LiteralNode:
		text, isPlain = n.Value.Value, false
		end = n.Value.GetToken()
	case *ast.NullNode:
		if t.Type == token.ImplicitNullType {
			return rules.NullValue
		}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
	default:
		y.fault(at, place, "not a value")
		return rules.NullValue
	}
	if isSecret(place) {
		y.f.hide(text, at, y.f.after(end))
	}
	if !isPlain {
		if !utf8.ValidString(text) {
			y.fault(at, place, "an escape that is not UTF-8")
		}
		return rules.Str(text)
	}
	v, fault := plain(text)
	if fault != "" {
		y.fault(at, place, "%s", fault)
		return rules.NullValue
	}
	return v
}
