//go:build !wasip1

package schema

import (
	"slices"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/args"
	"github.com/rulegate/rulegate/rules/value"
)

// JSON is the JSON Schema (draft 7, which editors know best) of a policy file.
// A file that policy.Load accepts is valid by it; Load finds more faults.
func JSON() value.Value {
	head := []value.Member{
		{Key: "$schema", Value: value.Str("http://json-schema.org/draft-07/schema#")},
		{Key: "$id", Value: value.Str("https://raw.githubusercontent.com/rulegate/rulegate/main/rules/policy/schema/schema.json")},
		{Key: "title", Value: value.Str("rulegate policy")},
	}
	return value.Obj(append(head, members(model)...)...).With("definitions", value.Obj(
		value.Member{Key: "auth", Value: schemaOf(authShape)},
		value.Member{Key: "rule", Value: ruleSchema()},
	))
}

func schemaOf(s *shape) value.Value { return value.Obj(members(s)...) }

// members returns the keywords that describe a shape.
func members(s *shape) []value.Member {
	var out []value.Member
	add := func(keyword string, v value.Value) { out = append(out, value.Member{Key: keyword, Value: v}) }
	if about := s.description(); about != "" {
		add("description", value.Str(about))
	}
	if s.or != nil {
		one := *s
		one.or, one.about, one.absent = nil, "", ""
		add("anyOf", value.Arr(schemaOf(&one), schemaOf(s.or)))
		return out
	}
	if s.paths {
		add("examples", texts(args.Paths()))
	}
	switch s.kind {
	case object:
		add("type", value.Str("object"))
		out = append(out, keysSchema(s.keys)...)
	case mapping:
		add("type", value.Str("object"))
		if s.elem != nil {
			add("additionalProperties", elemSchema(s.elem))
		}
	case list:
		add("type", value.Str("array"))
		add("items", elemSchema(s.elem))
		if s.least > 0 {
			add("minItems", value.Int(int64(s.least)))
		}
		if s.most > 0 {
			add("maxItems", value.Int(int64(s.most)))
		}
	case text:
		out = append(out, textSchema(s)...)
	case boolean:
		add("type", value.Str("boolean"))
	case integer:
		add("type", value.Str("integer"))
		add("minimum", value.Int(int64(s.least)))
		add("maximum", value.Int(int64(s.most)))
	case fraction:
		add("type", value.Str("number"))
		add("minimum", value.Int(0))
		add("maximum", value.Int(1))
	case size:
		add("anyOf", value.Arr(
			value.Obj(value.Member{Key: "type", Value: value.Str("integer")}, value.Member{Key: "minimum", Value: value.Int(int64(s.least))},
				value.Member{Key: "maximum", Value: value.Int(int64(s.most))}),
			patternSchema(`^[0-9]+(B|KiB|MiB|GiB)?$|\$\{`)))
	case duration:
		pattern := `^\+?([0-9]*\.?[0-9]*(ns|us|µs|μs|ms|s|m|h))+$|^[+-]?0$`
		if !s.written {
			pattern += `|\$\{`
		}
		patternSchema(pattern).Each(func(k string, v value.Value) bool {
			add(k, v)
			return true
		})
	}
	return out
}

// elemSchema describes a shape. Shapes that stand in many places are references.
func elemSchema(s *shape) value.Value {
	switch {
	case s.kind == rule:
		return reference("rule")
	case s == authShape:
		return reference("auth")
	}
	return schemaOf(s)
}

func reference(name string) value.Value {
	return value.Obj(value.Member{Key: "$ref", Value: value.Str("#/definitions/" + name)})
}

// keysSchema describes an object with these keys and no others.
func keysSchema(keys []key) []value.Member {
	var properties []value.Member
	var required []value.Value
	for _, k := range keys {
		properties = append(properties, value.Member{Key: k.name, Value: elemSchema(k.shape)})
		if k.need {
			required = append(required, value.Str(k.name))
		}
	}
	out := []value.Member{
		{Key: "properties", Value: value.Obj(properties...)},
		{Key: "additionalProperties", Value: value.Boolean(false)},
	}
	if len(required) > 0 {
		out = append(out, value.Member{Key: "required", Value: value.Arr(required...)})
	}
	return out
}

// textSchema describes a string. A variable may stand for one of a few words.
func textSchema(s *shape) []value.Member {
	switch {
	case len(s.words) > 0 && s.written:
		return []value.Member{{Key: "enum", Value: texts(s.words)}}
	case len(s.words) > 0:
		return []value.Member{{Key: "anyOf", Value: value.Arr(
			value.Obj(value.Member{Key: "enum", Value: texts(s.words)}), patternSchema(`\$\{`))}}
	}
	out := []value.Member{{Key: "type", Value: value.Str("string")}}
	if !s.orEmpty {
		out = append(out, value.Member{Key: "minLength", Value: value.Int(1)})
	}
	return out
}

func patternSchema(pattern string) value.Value {
	return value.Obj(value.Member{Key: "type", Value: value.Str("string")}, value.Member{Key: "pattern", Value: value.Str(pattern)})
}

func texts(list []string) value.Value {
	var out []value.Value
	for _, s := range list {
		out = append(out, value.Str(s))
	}
	return value.Arr(out...)
}

// ruleSchema describes a rule: its name, and the fields of a rule of that name.
func ruleSchema() value.Value {
	var names, about []string
	var cases []value.Value
	for _, r := range ruleShapes {
		text := rules.RuleText(r.name)
		names, about = append(names, r.name), append(about, text)
		keys := append(slices.Clone(commonFields), r.shape.keys...)
		keys[0].shape = aText(text)
		then := keysSchema(keys)
		if r.name == "match" {
			then = append(then, value.Member{Key: "allOf", Value: evalsSchema(r.shape)})
		}
		cases = append(cases, when("rule", r.name, value.Obj(then...)))
	}
	name := value.Obj(
		value.Member{Key: "enum", Value: texts(names)},
		value.Member{Key: "markdownEnumDescriptions", Value: texts(about)}) // VS Code and yaml-language-server show them
	return value.Obj(
		value.Member{Key: "description", Value: value.Str(ruleShape.about)},
		value.Member{Key: "type", Value: value.Str("object")},
		value.Member{Key: "properties", Value: value.Obj(value.Member{Key: "rule", Value: name})},
		value.Member{Key: "required", Value: texts([]string{"rule"})},
		value.Member{Key: "allOf", Value: value.Arr(cases...)},
	)
}

// evalsSchema narrows the evals of a match to those of its type.
func evalsSchema(match *shape) value.Value {
	var cases []value.Value
	for _, typeName := range match.key("type").shape.words {
		eval := schemaOf(oneOf(rules.TypeText(typeName), rules.Evals(typeName)...))
		cases = append(cases, when("type", typeName, value.Obj(
			value.Member{Key: "properties", Value: value.Obj(value.Member{Key: "eval", Value: eval})})))
	}
	return value.Arr(cases...)
}

// when is a schema for objects with a value of a key.
func when(key, is string, then value.Value) value.Value {
	condition := value.Obj(value.Member{Key: "properties", Value: value.Obj(
		value.Member{Key: key, Value: value.Obj(value.Member{Key: "const", Value: value.Str(is)})})})
	return value.Obj(value.Member{Key: "if", Value: condition}, value.Member{Key: "then", Value: then})
}
