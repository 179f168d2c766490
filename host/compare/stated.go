package compare

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// statedPolicy makes a policy in which the rule of the statement decides all
// requests that the statement is about, with a token or without.
func statedPolicy(p *Policy, s *Statement, template route.Template) (*policy.Policy, error) {
	doc := value.Obj()
	for _, section := range []string{"project", "apiPrefix", "auth", "crypto", "companion", "limits", "define", "webhooks", "zones"} {
		doc = doc.With(section, p.Doc.Key(section))
	}
	auth := value.Obj(value.Member{Key: "optional", Value: value.Boolean(true)}, value.Member{Key: "invalid", Value: value.Str("ignore")})
	if inAPI(p, template) {
		doc = statedAPI(doc, p.Doc, auth, s.rule())
	} else {
		match := value.Obj(value.Member{Key: "path", Value: value.Str(s.For)})
		if s.Host != "" {
			match = match.With("host", value.Str(s.Host))
		}
		if len(s.Methods) > 0 {
			match = match.With("methods", list(s.Methods))
		}
		doc = doc.With("databases", connections(p.Doc.Key("databases"))).With("routes", value.Arr(value.Obj(
			value.Member{Key: "match", Value: match}, value.Member{Key: "auth", Value: auth}, value.Member{Key: "rule", Value: s.rule()})))
	}
	stated, _, err := policy.Load(doc, p.Options)
	var faults rules.Faults
	if errors.As(err, &faults) {
		return nil, relocated(faults, s)
	}
	return stated, err
}

// entryRule is the beginning of the place of a rule in a policy.
var entryRule = regexp.MustCompile(`^.*?\.(rule|rules\.[a-z]+)\b`)

// relocated gives faults their places in the file with the statements.
func relocated(faults rules.Faults, s *Statement) (out rules.Faults) {
	above, _, _ := cutLast(s.Place)
	for _, f := range faults {
		switch inside := entryRule.ReplaceAllString(f.Place, ""); {
		case inside != f.Place:
			f.Place = s.Place + inside
		case strings.HasSuffix(f.Place, ".match.path"):
			f.Place = rules.Join(above, "for")
		case strings.Contains(f.Place, ".match."):
			_, key, _ := cutLast(f.Place)
			f.Place = rules.Join(above, key)
		default:
			f.Place = above
		}
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// cutLast cuts a place before its last key.
func cutLast(place string) (above, key string, ok bool) {
	i := strings.LastIndexByte(place, '.')
	if i < 0 {
		return "", place, false
	}
	return place[:i], place[i+1:], true
}

func list(texts []string) value.Value {
	var out []value.Value
	for _, s := range texts {
		out = append(out, value.Str(s))
	}
	return value.Arr(out...)
}

// inAPI reports whether a section of the API decides on some of the paths.
func inAPI(p *Policy, t route.Template) bool {
	return slices.ContainsFunc(p.Patterns(), func(o route.Pattern) bool {
		if !o.API {
			return false
		}
		both := paths([]route.Pattern{{Path: t}, {Path: o.Path}})
		return slices.ContainsFunc(both, func(at *target) bool { return fits(t, at.segments) && fits(o.Path, at.segments) })
	})
}

// statedAPI adds the sections of the API, with one rule in the place of all others.
func statedAPI(doc, from, auth, rule value.Value) value.Value {
	entry := func(v value.Value) value.Value { return v.With("auth", auth).Without("response") }
	operations := func(v value.Value) value.Value {
		return entry(v).With("rules", mapMembers(v.Key("rules"), func(value.Value) value.Value { return rule }))
	}
	var files []value.Value
	services, events, databases := value.Obj(), value.Obj(), connections(from.Key("databases"))
	for _, d := range documents(from) {
		d.Key("services").Each(func(name string, s value.Value) bool {
			endpoints := services.Key(name).Key("endpoints").Members()
			endpoints = append(endpoints, mapMembers(s.Key("endpoints"), func(e value.Value) value.Value { return entry(e).With("rule", rule) }).Members()...)
			services = services.With(name, value.Obj(value.Member{Key: "endpoints", Value: value.Obj(endpoints...)}))
			return true
		})
		one := func(e value.Value) value.Value { return entry(e).With("rule", rule) }
		if d.Key("events").Kind() == value.Object {
			events = value.Obj(append(events.Members(), mapMembers(d.Key("events"), one).Members()...)...)
		}
		d.Key("databases").Each(func(name string, db value.Value) bool {
			if queries := db.Key("queries"); queries.Kind() == value.Object {
				all := append(databases.Key(name).Key("queries").Members(), mapMembers(queries, one).Members()...)
				databases = databases.With(name, databases.Key(name).With("queries", value.Obj(all...)))
			}
			if collections := db.Key("collections"); collections.Kind() == value.Object {
				all := append(databases.Key(name).Key("collections").Members(), mapMembers(collections, operations).Members()...)
				databases = databases.With(name, databases.Key(name).With("collections", value.Obj(all...)))
			}
			return true
		})
		for _, f := range d.Key("files").Elements() {
			files = append(files, operations(f))
		}
	}
	if services.Len() > 0 {
		doc = doc.With("services", services)
	}
	if events.Len() > 0 {
		doc = doc.With("events", events)
	}
	if len(files) > 0 {
		doc = doc.With("files", value.Arr(files...))
	}
	return doc.With("databases", databases)
}

// documents are the files of a policy.
func documents(doc value.Value) []value.Value {
	out := []value.Value{doc}
	add := func(include value.Value) {
		for _, f := range include.Elements() {
			out = append(out, f.Key("policy"))
		}
	}
	add(doc.Key("include"))
	doc.Key("teams").Each(func(_ string, t value.Value) bool {
		add(t.Key("include"))
		return true
	})
	return out
}

// connections are databases without rules.
func connections(databases value.Value) value.Value {
	return mapMembers(databases, func(d value.Value) value.Value { return d.Without("collections").Without("queries") })
}

// mapMembers changes the values of an object.
func mapMembers(v value.Value, f func(value.Value) value.Value) value.Value {
	if v.Kind() != value.Object {
		return v
	}
	members := v.Members()
	for i := range members {
		members[i].Value = f(members[i].Value)
	}
	return value.Obj(members...)
}
