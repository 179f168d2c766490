package policyfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// yamlReader turns the parser's tree into a value, as far as JSON can say it.
type yamlReader struct {
	f        *File
	faults   []Fault
	anchors  map[string]ast.Node // as they are at this point of the file
	aliased  int                 // values that aliases have repeated
	inAlias  int                 // aliases that are being followed
	brackets int                 // that are open
	stopped  bool                // the file is too large to go on
}

func (y *yamlReader) fault(at position, place, format string, args ...any) {
	y.faults = append(y.faults, Fault{Place: place, Message: fmt.Sprintf(format, args...), Line: at.line, Column: at.column})
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

func (f *File) mark(place string, t *token.Token, key position) {
	f.marks[place] = mark{key: key, value: f.at(t)}
}

// value is what a node says; key is where its key stands.
func (y *yamlReader) value(n ast.Node, place string, key position, depth int) value.Value {
	if y.stopped {
		return value.NullValue
	}
	if n == nil {
		return value.NullValue
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
		return value.NullValue
	case y.aliased > maxAliased:
		y.fault(at, place, "aliases repeat more than %d values", maxAliased)
		y.stopped = true
		return value.NullValue
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		defer y.inside(n.IsFlowStyle)()
		return y.mapping(n.Values, place, depth)
	case *ast.MappingValueNode:
		return y.mapping([]*ast.MappingValueNode{n}, place, depth)
	case *ast.SequenceNode:
		if !n.IsFlowStyle && y.brackets > 0 {
			y.fault(at, place, "want a list in brackets inside brackets")
			return value.NullValue
		}
		defer y.inside(n.IsFlowStyle)()
		elems := make([]value.Value, len(n.Values))
		for i, x := range n.Values {
			elems[i] = y.value(x, rules.Elem(place, i), position{}, depth+1)
		}
		return value.Arr(elems...)
	case *ast.AnchorNode:
		v := y.value(n.Value, place, key, depth)
		y.anchors[n.Name.GetToken().Value] = n.Value
		return v
	case *ast.AliasNode:
		return y.alias(n, place, key, depth)
	case *ast.TagNode:
		y.fault(at, place, "tags are not taken; put a text in quotes")
		return value.NullValue
	}
	return y.scalar(n, place, at)
}

// inside notes that brackets are open until its result is called.
func (y *yamlReader) inside(brackets bool) (leave func()) {
	if !brackets {
		return func() {}
	}
	y.brackets++
	return func() { y.brackets-- }
}

func (y *yamlReader) alias(n *ast.AliasNode, place string, key position, depth int) value.Value {
	at := y.f.at(n.GetToken())
	target, ok := y.anchors[n.Value.GetToken().Value]
	if !ok {
		y.fault(at, place, "no anchor of this name before it")
		return value.NullValue
	}
	y.inAlias++
	v := y.value(target, place, key, depth)
	y.inAlias--
	y.f.marks[place] = mark{key: key, value: at}
	return v
}

func (y *yamlReader) mapping(values []*ast.MappingValueNode, place string, depth int) value.Value {
	members := make([]value.Member, 0, len(values))
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
			members = append(members, value.Member{Key: name, Value: v})
		}
	}
	return value.Obj(members...)
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
		if v, fault := y.plain(k.Value); fault != "" || v.Kind() != value.String {
			y.fault(at, place, "want a string as key; put it in quotes")
			return name, at, false
		}
		if y.brackets > 0 && touches(kv) {
			y.fault(at, place, "want a space after the colon")
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

// touches says whether a plain key, its colon and its value are written
// together: to YAML `{a:b}` is the text `a:b` without a value (section 7.4.2),
// to the parser it is not.
func touches(kv *ast.MappingValueNode) bool {
	if kv.Start == nil || kv.Value == nil {
		return false
	}
	switch kv.Value.(type) {
	case *ast.MappingNode, *ast.SequenceNode, *ast.NullNode:
		return false
	}
	colon, value := kv.Start.Position, first(kv.Value).Position
	return kv.Start.Type == token.MappingValueType && colon.Line == value.Line && colon.Column+1 == value.Column
}

// plain reads a scalar without quotes. Inside brackets the parser takes for
// text what YAML does not (section 7.3.3).
func (y *yamlReader) plain(text string) (value.Value, string) {
	if y.brackets > 0 && strings.ContainsAny(text, ",[]{}") {
		return value.Value{}, "put it in quotes: brackets and commas end a text here"
	}
	return plain(text)
}

func (y *yamlReader) scalar(n ast.Node, place string, at position) value.Value {
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
			return value.NullValue
		}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
	default:
		y.fault(at, place, "not a value")
		return value.NullValue
	}
	if isSecret(place) {
		y.f.hide(text, at, y.f.after(end))
	}
	if !isPlain {
		if !utf8.ValidString(text) {
			y.fault(at, place, "an escape that is not UTF-8")
		}
		return value.Str(text)
	}
	v, fault := y.plain(text)
	if fault != "" {
		y.fault(at, place, "%s", fault)
		return value.NullValue
	}
	return v
}
