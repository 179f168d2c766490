package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/spelling"
	"github.com/rulegate/rulegate/rules/value"
)

// wantOneOf lists the words that a field may have, and names the nearest to the
// one that it has.
func wantOneOf(word string, words []string) string {
	text := "want one of " + strings.Join(words, ", ")
	if near := spelling.Nearest(word, words); near != "" {
		text += "; did you mean " + near + "?"
	}
	return text
}

// noRule is the message about a value where a rule must be.
func noRule(v value.Value) string {
	text := "want a rule, found " + found(v)
	kind, _ := v.Text()
	switch {
	case kinds[kind] != nil:
		text += "; write {rule: " + kind + "}"
	case v.Kind() == value.Array:
		text += "; to join rules, write {rule: and, clauses: […]}, or the same with or"
	}
	return text
}

// namelessRule is the message about an object without the member rule.
func namelessRule(v value.Value) string {
	text := "want a rule with its name, such as {rule: allow}"
	v.Each(func(key string, _ value.Value) bool {
		switch {
		case kinds[key] != nil:
			text = "want a rule with its name: write {rule: " + key + "} with the fields beside it"
			return false
		case spelling.Nearest(key, []string{"rule"}) != "":
			text = lightfmt.Sprintf("want a rule with its name, such as {rule: allow}, found %q; did you mean rule?", key)
			return false
		}
		return true
	})
	return text
}

// noList is the message about the f2 of in or notIn.
func noList(eval string, f2 value.Value) string {
	text := eval + " wants an array or a reference to one, found " + found(f2)
	if f2.Kind() == value.String || f2.Kind() == value.Number {
		text += "; write [" + f2.String() + "]"
	}
	return text
}

func unknownRule(kind string) string {
	return lightfmt.Sprintf("unknown rule %q: %s", kind, wantOneOf(kind, slices.Sorted(maps.Keys(kinds))))
}

// unknownField is the message about a field that a rule may not have.
func unknownField(kind, field string, fields []string) string {
	text := lightfmt.Sprintf("a rule %s has no field %q", kind, field)
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = strings.TrimSuffix(f, "*")
	}
	switch near := spelling.Nearest(field, names); {
	case near != "":
		text += "; did you mean " + near + "?"
	case kind == "query":
		text += "; the conditions on rows go under find"
	}
	return text
}

func unknownType(name string) string {
	var names []string
	for _, t := range operandTypes {
		names = append(names, t.name)
	}
	return lightfmt.Sprintf("unknown type %q: %s", name, wantOneOf(name, names))
}

// otherEvals are spellings of other languages.
var otherEvals = map[string]string{"=": "==", "===": "==", "eq": "==", "equals": "==", "<>": "!=", "!==": "!=", "ne": "!=", "=~": "matches", "regex": "matches", "regexp": "matches"}

// unknownEval is the message about an eval that a type does not have; typ is ""
// where the type is not known.
func unknownEval(name, typ string) string {
	var has, elsewhere, all []string
	for _, t := range operandTypes {
		names := t.evalNames()
		if t.name == typ {
			has = names
		} else if slices.Contains(names, name) {
			elsewhere = append(elsewhere, t.name)
		}
		for _, e := range names {
			if !slices.Contains(all, e) {
				all = append(all, e)
			}
		}
	}
	near := otherEvals[name]
	if near == "" {
		near = spelling.Nearest(name, all)
	}
	text := lightfmt.Sprintf("unknown eval %q: type %s has %s", name, typ, strings.Join(has, " "))
	if typ == "" {
		text = lightfmt.Sprintf("unknown eval %q: want one of %s", name, strings.Join(all, " "))
	}
	switch {
	case len(elsewhere) > 0:
		return text + "; it is an eval of type " + strings.Join(elsewhere, ", ")
	case typ == "" && near != "" || slices.Contains(has, near):
		return text + "; did you mean " + near + "?"
	}
	return text
}

// knownEval reports whether any type has an eval.
func knownEval(name string) bool {
	return slices.ContainsFunc(operandTypes[:], func(t *operandType) bool { return slices.Contains(t.evalNames(), name) })
}

// writtenText is the message about a text that is written where a type takes
// only references and values of its own.
func writtenText(text, typ string) string {
	switch v := value.Num(text); {
	case typ == "bool" && (text == "true" || text == "false"), typ == "number" && v.Kind() == value.Number:
		return lightfmt.Sprintf("%q is a text: write %s without quotes", text, text)
	}
	return lightfmt.Sprintf("%v; to compare texts, use type: string", wantReference(text))
}
