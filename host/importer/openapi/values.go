package openapi

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/rules"
	"go.yaml.in/yaml/v4"
)

func size(eval, path string, n uint64) *yaml.Node {
	return match("number", eval, "utils.length("+path+")", importer.Int(int(min(n, math.MaxInt32)))) // nothing is as long
}

// text returns the clauses for length and pattern.
func (v *validator) text(s *openapi3.Schema, path string) (out []*yaml.Node) {
	if s.MinLength > 0 || s.MaxLength != nil {
		pattern := fmt.Sprintf("^(.|\\n){%d,", s.MinLength)
		large := s.MinLength > 255
		if s.MaxLength != nil {
			pattern += strconv.FormatUint(*s.MaxLength, 10)
			large = large || *s.MaxLength > 255
		}
		if large { // lengths are of characters there, and of bytes here
			if s.MinLength > 0 {
				out = append(out, size(">=", path, s.MinLength))
				v.note("minLength counts bytes")
			}
			if s.MaxLength != nil {
				out = append(out, size("<=", path, *s.MaxLength))
				v.note("maxLength counts bytes")
			}
		} else {
			out = append(out, match("string", "matches", path, importer.Text(pattern+"}$")))
		}
	}
	if s.Pattern != "" {
		if rules.CheckPattern(s.Pattern) != nil {
			return v.cannot("the pattern %s, which matches does not take", s.Pattern)
		}
		out = append(out, match("string", "matches", path, importer.Text(s.Pattern)))
	}
	return out
}

// bounds returns the clauses for a range, whose ends are excluded by a flag (OpenAPI 3.0)
// or are numbers of their own (3.1).
func bounds(s *openapi3.Schema, path string) (out []*yaml.Node) {
	add := func(eval string, n *float64) {
		if n != nil {
			text := strconv.FormatFloat(*n, 'f', -1, 64)
			tag := "!!int"
			if strings.Contains(text, ".") {
				tag = "!!float"
			}
			out = append(out, match("number", eval, path, &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}))
		}
	}
	add(map[bool]string{true: ">", false: ">="}[s.ExclusiveMin.IsTrue()], s.Min)
	add(">", s.ExclusiveMin.Value)
	add(map[bool]string{true: "<", false: "<="}[s.ExclusiveMax.IsTrue()], s.Max)
	add("<", s.ExclusiveMax.Value)
	return out
}

// integer returns the clause for a number without a fraction. A date of Unix seconds drops
// what is less than a nanosecond. So of a number of nanoseconds it keeps the whole part,
// which is another one for a number with a fraction if almost 1 is added. Numbers that are
// no nanoseconds of the years 0 to 9999, which is far beyond 64 bits, are unknown.
func integer(path string) *yaml.Node {
	nanoseconds := "utils.mul(" + path + ", 0.000000001)"
	n := match("date", "==", "utils.date("+nanoseconds+")", importer.Text("utils.date(utils.add("+nanoseconds+", 0.000000000999999999999999999))"))
	importer.Set(n, "name", importer.Text("integer"))
	return n
}

// enum returns the clause for one of some values.
func enum(values []any, path string) *yaml.Node {
	list := importer.List()
	for _, x := range values {
		var n yaml.Node
		if err := n.Encode(x); err != nil {
			return ruleOf("deny")
		}
		f2 := &n
		if s, ok := x.(string); ok {
			f2 = literal(s)
		}
		list.Content = append(list.Content, match("any", "==", path, f2))
	}
	return ruleOf("or", "clauses", list)
}

// always returns the clauses of the schemas true and false.
func always(yes bool) []*yaml.Node {
	if yes {
		return nil
	}
	return []*yaml.Node{ruleOf("deny")}
}

// unsayable returns the first keyword that decides and that no rule can say.
func unsayable(s *openapi3.Schema) string {
	for _, k := range []struct {
		word string
		is   bool
	}{
		{"not", s.Not != nil}, {"oneOf", len(s.OneOf) > 0}, {"discriminator", s.Discriminator != nil},
		{"if", s.If != nil}, {"prefixItems", len(s.PrefixItems) > 0}, {"contains", s.Contains != nil},
		{"patternProperties", len(s.PatternProperties) > 0}, {"propertyNames", s.PropertyNames != nil},
		{"dependentSchemas", len(s.DependentSchemas) > 0}, {"dependentRequired", len(s.DependentRequired) > 0},
		{"unevaluatedItems", s.UnevaluatedItems.Has != nil || s.UnevaluatedItems.Schema != nil},
		{"unevaluatedProperties", s.UnevaluatedProperties.Has != nil || s.UnevaluatedProperties.Schema != nil},
		{"$dynamicRef", s.DynamicRef != ""},
	} {
		if k.is {
			return k.word
		}
	}
	return ""
}

// leftOut notes the keywords that narrow a value and have no clause.
func (v *validator) leftOut(s *openapi3.Schema) {
	for _, k := range []struct {
		word string
		is   bool
	}{
		{"format", s.Format != ""},
		{"multipleOf", s.MultipleOf != nil}, {"uniqueItems", s.UniqueItems},
		{"the schema of additionalProperties", s.AdditionalProperties.Schema != nil},
		{"a keyword of a schema without type", s.Type == nil && (s.Min != nil || s.Max != nil || s.MinLength > 0 || s.MaxLength != nil ||
			s.Pattern != "" || s.MinItems > 0 || s.MaxItems != nil || s.Items != nil || s.ExclusiveMin.IsSet() || s.ExclusiveMax.IsSet())},
	} {
		if k.is {
			v.note(k.word + " is not checked")
		}
	}
}
