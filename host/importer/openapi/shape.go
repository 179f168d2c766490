package openapi

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/rules"
	"go.yaml.in/yaml/v4"
)

// Bounds of the clauses for one body.
const (
	maxDepth   = 8
	maxClauses = 1000
)

// shape returns the clauses for the JSON body of an operation. Why says why they cannot
// be said; note says what they do not check.
func shape(o *operation) (clauses []*yaml.Node, why, note string) {
	if o.RequestBody == nil || o.RequestBody.Value == nil {
		return nil, "", ""
	}
	body := o.RequestBody.Value
	media := body.Content["application/json"]
	if media == nil || media.Schema == nil {
		return nil, "", "the shape of its body is not checked: it is no JSON, or has no schema"
	}
	v := &validator{left: maxClauses}
	clauses = v.schema(media.Schema, "args.params", 0)
	if v.why != "" {
		return nil, "its body: " + v.why, ""
	}
	if !body.Required {
		clauses = []*yaml.Node{ruleOf("or", "clauses", importer.List(missing("args.params"), and(clauses)))}
	}
	return clauses, "", strings.Join(v.notes, "; ")
}

// validator writes the clauses of schemas.
type validator struct {
	left  int // clauses that may still be written
	why   string
	notes []string
}

func (v *validator) cannot(format string, args ...any) []*yaml.Node {
	if v.why == "" {
		v.why = fmt.Sprintf(format, args...)
	}
	return []*yaml.Node{ruleOf("deny")}
}

func (v *validator) note(text string) {
	if !slices.Contains(v.notes, text) {
		v.notes = append(v.notes, text)
	}
}

func exists(path string) *yaml.Node { return isBool("utils.exists("+path+")", true) }

func missing(path string) *yaml.Node { return isBool("utils.exists("+path+")", false) }

func isBool(path string, b bool) *yaml.Node {
	return match("bool", "==", path, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(b)})
}

func match(kind, eval, f1 string, f2 *yaml.Node) *yaml.Node {
	n := importer.Text(eval)
	if strings.ContainsAny(eval, "=<>") {
		n.Style = yaml.DoubleQuotedStyle
	}
	return ruleOf("match", "type", kind, "eval", n, "f1", f1, "f2", f2)
}

// literal is a text as an operand, also one that looks like a reference.
func literal(s string) *yaml.Node {
	if rules.IsReference(s, true) {
		return importer.Object(importer.Text("literal"), importer.Text(s))
	}
	return importer.Text(s)
}

// key is the path of a member; "": no path can name it.
func key(path, name string) string {
	plain := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	_, err := strconv.Atoi(name)
	switch {
	case plain && err != nil:
		return path + "." + name
	case name == "" || strings.ContainsAny(name, "'\n\r\t"):
		return ""
	}
	return path + "['" + name + "']"
}

// schema returns the clauses for the value at a path.
func (v *validator) schema(ref *openapi3.SchemaRef, path string, depth int) []*yaml.Node {
	if v.left--; v.left < 0 || depth > maxDepth {
		return v.cannot("its schema is too large, or refers to itself")
	}
	if ref == nil || ref.Value == nil {
		return nil
	}
	s := ref.Value
	if s.Always != nil {
		return always(*s.Always)
	}
	if words := unsayable(s); words != "" {
		return v.cannot("%s, which no rule can say: put the rule into %s", words, extension)
	}
	v.leftOut(s)
	var out []*yaml.Node
	for _, sub := range s.AllOf {
		if sub.Value != nil && len(sub.Value.Properties) > 0 && closed(sub.Value) && sub.Value.AdditionalProperties.Has == nil {
			open := *sub.Value
			yes := true
			open.AdditionalProperties = openapi3.AdditionalProperties{Has: &yes}
			sub = &openapi3.SchemaRef{Value: &open}
			v.note("fields that allOf does not name are let through")
		}
		out = append(out, v.schema(sub, path, depth+1)...)
	}
	if len(s.AnyOf) > 0 {
		list := importer.List()
		for _, sub := range s.AnyOf {
			list.Content = append(list.Content, and(v.schema(sub, path, depth+1)))
		}
		out = append(out, ruleOf("or", "clauses", list))
	}
	types := s.Type.Slice()
	null := s.Nullable || slices.Contains(types, "null")
	types = slices.DeleteFunc(slices.Clone(types), func(t string) bool { return t == "null" })
	var own []*yaml.Node
	switch {
	case len(types) > 1:
		return v.cannot("a value of several types")
	case len(types) == 1:
		own = v.typed(s, types[0], path, depth)
	case len(s.Properties) > 0 || len(s.Required) > 0:
		own = v.typed(s, "object", path, depth)
	}
	if len(s.Enum) > 0 {
		own = append(own, enum(s.Enum, path))
	}
	if s.Const != nil {
		own = append(own, enum([]any{s.Const}, path))
	}
	if null && len(own) > 0 {
		nothing := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
		own = []*yaml.Node{ruleOf("or", "clauses", importer.List(match("any", "==", path, nothing), and(own)))}
	}
	return append(out, own...)
}

func (v *validator) typed(s *openapi3.Schema, kind, path string, depth int) (out []*yaml.Node) {
	// A value of another type is not equal to itself: the match is unknown.
	self := func(kind string) *yaml.Node { return match(kind, "==", path, importer.Text(path)) }
	switch kind {
	case "string":
		out = append(out, self("string"))
		out = append(out, v.text(s, path)...)
	case "integer", "number":
		out = append(out, self("number"))
		if kind == "integer" {
			out = append(out, integer(path))
		}
		out = append(out, bounds(s, path)...)
	case "boolean":
		out = append(out, self("bool"))
	case "array":
		out = append(out, ruleOf("every", "field", path, "clause", and(v.schema(s.Items, "item", depth+1))))
		if s.MinItems > 0 {
			out = append(out, size(">=", path, s.MinItems))
		}
		if s.MaxItems != nil {
			out = append(out, size("<=", path, *s.MaxItems))
		}
	case "object":
		out = v.object(s, path, depth)
	default:
		return v.cannot("the type %s", kind)
	}
	return out
}

// closed reports whether a schema has no other fields than its properties.
func closed(s *openapi3.Schema) bool {
	return s.AdditionalProperties.Schema == nil && (s.AdditionalProperties.Has == nil || !*s.AdditionalProperties.Has)
}

func (v *validator) object(s *openapi3.Schema, path string, depth int) (out []*yaml.Node) {
	var names []string
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	out = append(out, exists("utils.keys("+path+")")) // unknown for what is no object
	for _, name := range names {
		at := key(path, name)
		if at == "" {
			return v.cannot("the field %q, which no path can name", name)
		}
		clauses := v.schema(s.Properties[name], at, depth+1)
		switch required := slices.Contains(s.Required, name); {
		case required:
			out = append(append(out, exists(at)), clauses...)
		case len(clauses) > 0:
			out = append(out, ruleOf("or", "clauses", importer.List(missing(at), and(clauses))))
		}
	}
	for _, name := range s.Required {
		if slices.Contains(names, name) {
			continue
		}
		at := key(path, name)
		if at == "" {
			return v.cannot("the field %q, which no path can name", name)
		}
		out = append(out, exists(at))
	}
	if s.MinProps > 0 {
		out = append(out, size(">=", path, s.MinProps))
	}
	if s.MaxProps != nil {
		out = append(out, size("<=", path, *s.MaxProps))
	}
	if closed(s) && len(names) > 0 {
		plain, any := importer.List(), importer.List()
		for _, name := range names {
			if rules.IsReference(name, true) { // such as item
				any.Content = append(any.Content, match("string", "==", "item", literal(name)))
			} else {
				plain.Content = append(plain.Content, importer.Text(name))
			}
		}
		if len(plain.Content) > 0 {
			any.Content = append(any.Content, match("string", "in", "item", plain))
		}
		clause := any.Content[0]
		if len(any.Content) > 1 {
			clause = ruleOf("or", "clauses", any)
		}
		out = append(out, ruleOf("every", "field", "utils.keys("+path+")", "clause", clause))
	}
	return out
}
