package policytest

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// Mutant is the policy with one thing broken.
type Mutant struct {
	Place   string // in the policy: of the part that is broken
	Broken  string // how it is broken, such as "clause dropped"
	root    string // the place of the rule that it is in
	replace steps  // where the document is changed
	by      value.Value
}

// steps lead from a document to a value in it: keys and indices.
type steps []any

func (s steps) with(more ...any) steps { return append(s[:len(s):len(s)], more...) }

// set returns a document with another value at a place; a Missing value removes a member
// or an element.
func set(doc value.Value, at steps, v value.Value) value.Value {
	if len(at) == 0 {
		return v
	}
	switch step := at[0].(type) {
	case string:
		in := set(doc.Key(step), at[1:], v)
		if in.Kind() == value.Missing {
			return doc.Without(step)
		}
		return doc.With(step, in)
	case int:
		list := append([]value.Value{}, doc.Elements()...)
		if step >= len(list) {
			return doc
		}
		in := set(list[step], at[1:], v)
		if in.Kind() == value.Missing {
			list = append(list[:step], list[step+1:]...)
		} else {
			list[step] = in
		}
		return value.Arr(list...)
	}
	return doc
}

// Mutants lists the mutants of a policy's document, in its order. The files that it
// includes are in it.
func Mutants(doc value.Value) []*Mutant {
	m := &mutator{}
	m.document(doc, nil, "")
	m.parts(doc.Key("include"), steps{"include"})
	doc.Key("teams").Each(func(name string, team value.Value) bool {
		at := steps{"teams", name}
		if r := team.Key("require"); r.Kind() == value.Object {
			m.root(r, at.with("require"), rules.Join(rules.Join("teams", name), "require"))
		}
		m.parts(team.Key("include"), at.with("include"))
		return true
	})
	return m.found
}

// mutator collects mutants.
type mutator struct {
	found []*Mutant
	in    string // the place of the rule that is being read
}

func (m *mutator) add(at steps, place, broken string, by value.Value) {
	m.found = append(m.found, &Mutant{Place: place, Broken: broken, root: m.in, replace: at, by: by})
}

func (m *mutator) parts(list value.Value, at steps) {
	for i, part := range list.Elements() {
		if file, ok := part.Key("file").Text(); ok {
			m.document(part.Key("policy"), at.with(i, "policy"), rules.Join("", file))
		}
	}
}

// document reads the rules of one file.
func (m *mutator) document(doc value.Value, at steps, place string) {
	doc.Key("define").Each(func(name string, r value.Value) bool {
		m.root(r, at.with("define", name), rules.Join(rules.Join(place, "define"), name))
		return true
	})
	for i, r := range doc.Key("routes").Elements() {
		m.resource(r, at.with("routes", i), rules.Elem(rules.Join(place, "routes"), i))
	}
	doc.Key("services").Each(func(service string, s value.Value) bool {
		s.Key("endpoints").Each(func(name string, e value.Value) bool {
			in := rules.Join(rules.Join(rules.Join(place, "services"), service), "endpoints")
			m.resource(e, at.with("services", service, "endpoints", name), rules.Join(in, name))
			return true
		})
		return true
	})
	doc.Key("events").Each(func(name string, e value.Value) bool {
		m.resource(e, at.with("events", name), rules.Join(rules.Join(place, "events"), name))
		return true
	})
	doc.Key("databases").Each(func(db string, d value.Value) bool {
		d.Key("collections").Each(func(name string, c value.Value) bool {
			in := rules.Join(rules.Join(rules.Join(place, "databases"), db), "collections")
			m.operations(c, at.with("databases", db, "collections", name), rules.Join(in, name))
			return true
		})
		d.Key("queries").Each(func(name string, q value.Value) bool {
			in := rules.Join(rules.Join(rules.Join(place, "databases"), db), "queries")
			m.resource(q, at.with("databases", db, "queries", name), rules.Join(in, name))
			return true
		})
		return true
	})
	for i, f := range doc.Key("files").Elements() {
		m.operations(f, at.with("files", i), rules.Elem(rules.Join(place, "files"), i))
	}
}

// resource reads an entry with one rule.
func (m *mutator) resource(r value.Value, at steps, place string) {
	m.opened(r.Key("rule"), at.with("rule"), rules.Join(place, "rule"))
	m.providers(r.Key("auth"), at.with("auth"), rules.Join(place, "auth"))
	m.onResponse(r.Key("response"), at.with("response"), rules.Join(place, "response"))
}

// operations reads an entry with a rule for each operation.
func (m *mutator) operations(r value.Value, at steps, place string) {
	for _, section := range []string{"rules", "response"} {
		r.Key(section).Each(func(op string, rule value.Value) bool {
			in, to := at.with(section, op), rules.Join(rules.Join(place, section), op)
			if section == "rules" {
				m.opened(rule, in, to)
			} else {
				m.onResponse(rule, in, to)
			}
			return true
		})
	}
	m.providers(r.Key("auth"), at.with("auth"), rules.Join(place, "auth"))
}

// opened reads the rule of a resource, and opens the resource.
func (m *mutator) opened(r value.Value, at steps, place string) {
	if r.Kind() != value.Object {
		return
	}
	m.in = place
	if kind(r) != "allow" {
		m.add(at, place, "opened: everybody may", allow)
	}
	m.rule(r, at, place, true)
}

// onResponse reads a rule on the response, and removes it.
func (m *mutator) onResponse(r value.Value, at steps, place string) {
	if r.Kind() != value.Object {
		return
	}
	m.in = place
	m.add(at, place, "rule on the response dropped", value.Value{})
	m.rule(r, at, place, true)
}

// providers makes the list of providers one shorter.
func (m *mutator) providers(auth value.Value, at steps, place string) {
	list := auth.Key("providers")
	if list.Len() < 2 {
		return
	}
	m.in = strings.TrimSuffix(place, ".auth") + ".rule"
	m.shorter(list, at.with("providers"), rules.Join(place, "providers"))
}
