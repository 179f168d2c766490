//go:build !wasip1

package schema

import (
	"slices"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// This file is for the models of other files than the policy, such as files with tests
// of a policy. The module has none.

// Shape says which values may stand at one place of a file.
type Shape = shape

// Key is a key of an object.
type Key = key

// Need returns a key that must be there, May one that may be left out.
func Need(name string, s *Shape) Key { return need(name, s) }
func May(name string, s *Shape) Key  { return may(name, s) }

// Object, Mapping, List, Text, Boolean, Integer, Duration, OneOf, Anything and Rule return
// shapes; about describes them for the JSON Schema. The content of a rule is for
// rules.Compile to check.
func Object(about string, keys ...Key) *Shape      { return objectOf(about, keys...) }
func Mapping(about string, elem *Shape) *Shape     { return mappingOf(about, elem) }
func List(about string, elem *Shape) *Shape        { return listOf(about, elem) }
func Text(about string) *Shape                     { return aText(about) }
func Boolean(about string) *Shape                  { return aBoolean(about) }
func Integer(about string, least, most int) *Shape { return anInteger(about, least, most) }
func Anything(about string) *Shape                 { return &shape{kind: anything, about: about} }
func Rule(about string) *Shape                     { return &shape{kind: rule, about: about} }
func (s *shape) AtLeast(n int) *Shape              { return s.atLeast(n) }
func (s *shape) MayBeEmpty() *Shape                { return s.mayBeEmpty() }
func (s *shape) ByDefault(absent string) *Shape    { return s.byDefault(absent) }

func Duration(about string) *Shape {
	s := aDuration(about)
	s.written = true
	return s
}

func OneOf(about string, words ...string) *Shape {
	s := oneOf(about, words...)
	s.written = true
	return s
}

// OrElse adds a shape of another kind that may stand there too.
func (s *shape) OrElse(other *Shape) *Shape {
	last := s
	for last.or != nil {
		last = last.or
	}
	last.or = other
	return s
}

// CheckShape compares a document with a shape.
func CheckShape(doc value.Value, s *Shape) rules.Faults {
	var c checker
	c.check(doc, s, nil)
	return c.faults
}

// JSONOf is the JSON Schema of a file with this shape.
func JSONOf(title string, s *Shape) value.Value {
	head := []value.Member{
		{Key: "$schema", Value: value.Str("http://json-schema.org/draft-07/schema#")},
		{Key: "title", Value: value.Str(title)},
	}
	out := value.Obj(append(head, members(s)...)...)
	if hasRule(s) {
		out = out.With("definitions", value.Obj(value.Member{Key: "rule", Value: ruleSchema()}))
	}
	return out
}

// hasRule reports whether a rule may stand somewhere in a shape.
func hasRule(s *Shape) bool {
	return s != nil && (s.kind == rule || hasRule(s.elem) || hasRule(s.or) ||
		slices.ContainsFunc(s.keys, func(k Key) bool { return hasRule(k.shape) }))
}
