package policy

import (
	"slices"

	"github.com/rulegate/rulegate/rules"
)

// Schema is the JSON Schema (draft 7, which editors know best) of a policy
// file. What Load takes is valid by it; Load finds more that is wrong.
func Schema() rules.Value {
	head := []rules.Member{
		{Key: "$schema", Value: rules.Str("http://json-schema.org/draft-07/schema#")},
		{Key: "title", Value: rules.Str("rulegate policy")},
	}
	return rules.Obj(append(head, members(model)...)...).With("definitions", rules.Obj(
		rules.Member{Key: "auth", Value: schemaOf(authShape)},
		rules.Member{Key: "rule", Value: ruleSchema()},
	))
}

func schemaOf(s *shape) rules.Value { return rules.Obj(members(s)...) }

// members are the keywords that describe a shape.
func members(s *shape) []rules.Member {
	var out []rules.Member
	add := func(keyword string, v rules.Value) { out = append(out, rules.Member{Key: keyword, Value: v}) }
	if s.about != "" {
		add("description", rules.Str(s.about))
	}
	if s.or != nil {
		one := *s
		one.or, one.about = nil, ""
		add("anyOf", rules.Arr(schemaOf(&one), schemaOf(s.or)))
		return out
	}
	switch s.kind {
	case object:
		add("type", rules.Str("object"))
		out = append(out, keysSchema(s.keys)...)
	case table:
		add("type", rules.Str("object"))
		if s.elem != nil {
			add("additionalProperties", elemSchema(s.elem))
		}
	case list:
		add("type", rules.Str("array"))
		add("items", elemSchema(s.elem))
		if s.least > 0 {
			add("minItems", rules.Int(int64(s.least)))
		}
		if s.most > 0 {
			add("maxItems", rules.Int(int64(s.most)))
		}
	case text:
		out = append(out, textSchema(s)...)
	case toggle:
		add("type", rules.Str("boolean"))
	case number:
		add("type", rules.Str("integer"))
		add("minimum", rules.Int(int64(s.least)))
		add("maximum", rules.Int(int64(s.most)))
	case size:
		add("anyOf", rules.Arr(
			rules.Obj(rules.Member{Key: "type", Value: rules.Str("integer")}, rules.Member{Key: "minimum", Value: rules.Int(int64(s.least))},
				rules.Member{Key: "maximum", Value: rules.Int(int64(s.most))}),
			patternSchema(`^[0-9]+(B|KiB|MiB|GiB)?$|\$\{`)))
	case span:
		patternSchema(`^\+?([0-9]*\.?[0-9]*(ns|us|µs|μs|ms|s|m|h))+$|^[+-]?0$|\$\{`).Each(func(k string, v rules.Value) bool {
			add(k, v)
			return true
		})
	}
	return out
}

// elemSchema refers to the shapes that stand in many places.
func elemSchema(s *shape) rules.Value {
	switch s {
	case ruleShape, responseShape:
		return reference("rule")
	case authShape:
		return reference("auth")
	}
	return schemaOf(s)
}

func reference(name string) rules.Value {
	return rules.Obj(rules.Member{Key: "$ref", Value: rules.Str("#/definitions/" + name)})
}

// keysSchema describes an object of these keys and no others.
func keysSchema(keys []key) []rules.Member {
	var properties []rules.Member
	var required []rules.Value
	for _, k := range keys {
		properties = append(properties, rules.Member{Key: k.name, Value: elemSchema(k.shape)})
		if k.need {
			required = append(required, rules.Str(k.name))
		}
	}
	out := []rules.Member{
		{Key: "properties", Value: rules.Obj(properties...)},
		{Key: "additionalProperties", Value: rules.Boolean(false)},
	}
	if len(required) > 0 {
		out = append(out, rules.Member{Key: "required", Value: rules.Arr(required...)})
	}
	return out
}

// textSchema describes a string; one of a few words may come from a variable.
func textSchema(s *shape) []rules.Member {
	if len(s.words) > 0 {
		return []rules.Member{{Key: "anyOf", Value: rules.Arr(
			rules.Obj(rules.Member{Key: "enum", Value: texts(s.words)}), patternSchema(`\$\{`))}}
	}
	out := []rules.Member{{Key: "type", Value: rules.Str("string")}}
	if !s.empty {
		out = append(out, rules.Member{Key: "minLength", Value: rules.Int(1)})
	}
	return out
}

func patternSchema(pattern string) rules.Value {
	return rules.Obj(rules.Member{Key: "type", Value: rules.Str("string")}, rules.Member{Key: "pattern", Value: rules.Str(pattern)})
}

func texts(list []string) rules.Value {
	var out []rules.Value
	for _, s := range list {
		out = append(out, rules.Str(s))
	}
	return rules.Arr(out...)
}

// ruleSchema describes a rule: its name, and what else a rule of that name has.
func ruleSchema() rules.Value {
	var names []string
	var cases []rules.Value
	for _, r := range ruleShapes {
		names = append(names, r.name)
		is := rules.Obj(rules.Member{Key: "properties", Value: rules.Obj(
			rules.Member{Key: "rule", Value: rules.Obj(rules.Member{Key: "const", Value: rules.Str(r.name)})})})
		keys := append(slices.Clone(commonFields), r.shape.keys...)
		cases = append(cases, rules.Obj(
			rules.Member{Key: "if", Value: is},
			rules.Member{Key: "then", Value: rules.Obj(keysSchema(keys)...)}))
	}
	return rules.Obj(
		rules.Member{Key: "description", Value: rules.Str(ruleShape.about)},
		rules.Member{Key: "type", Value: rules.Str("object")},
		rules.Member{Key: "properties", Value: rules.Obj(rules.Member{Key: "rule", Value: rules.Obj(rules.Member{Key: "enum", Value: texts(names)})})},
		rules.Member{Key: "required", Value: texts([]string{"rule"})},
		rules.Member{Key: "allOf", Value: rules.Arr(cases...)},
	)
}
