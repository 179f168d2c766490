package compare

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// Statement is a statement about all requests of a policy to some paths.
type Statement struct {
	Name    string
	For     string   // a path, as in routes
	Methods []string // nil: all
	Host    string   // as in routes; "": all

	// One of these is set.
	Allowed value.Value // a rule that is yes for every request that is allowed
	Never   value.Value // a rule that is yes for no request that is allowed
	// Masked are places of the response whose values no client gets. Unless is a rule;
	// where it is yes, a client may get them. Missing: it never may.
	Masked []string
	Unless value.Value

	// Place is the place of the rule in the file with the statements.
	Place string
}

// rule is the rule of the statement.
func (s *Statement) rule() value.Value {
	for _, v := range []value.Value{s.Allowed, s.Never, s.Unless} {
		if v.Kind() != value.Missing {
			return v
		}
	}
	return value.Obj(value.Member{Key: "rule", Value: value.Str("deny")})
}

// Proof is the result of a statement.
type Proof struct {
	Statement *Statement
	Counter   *Case    // the smallest request that breaks the statement; nil: none does
	Resource  string   // that decides the counterexample
	Shown     []string // the places of the response that the client gets
	Requests  int
	Pairs     int // resources of the policy that decide requests to the paths
	Sampled   bool
	Notes     []string
	Calls     bool
}

// Proved reports whether the statement holds for all requests.
func (p *Proof) Proved() bool {
	return p.Counter == nil && !p.Sampled && len(p.Notes) == 0 && !p.Calls && p.Pairs > 0
}

// Prove looks for a request that breaks a statement about a policy.
//
// Errors: rules.Faults of the statement, with places in its file.
func Prove(p *Policy, s *Statement, o Options) (*Proof, error) {
	template, err := route.ParseTemplate(s.For)
	if err != nil {
		above, _, _ := cutLast(s.Place)
		return nil, rules.Faults{{Place: rules.Join(above, "for"), Message: err.Error()}}
	}
	stated, err := statedPolicy(p, s, template)
	if err != nil {
		return nil, err
	}
	policies := [2]*policy.Policy{p.Policy, stated}
	e := newEngine(policies)
	out := &Proof{Statement: s}
	var open []*explorer
	for _, m := range meetings(policies) {
		if m.resources[0] == nil || m.resources[1] == nil {
			continue
		}
		m.targets = slices.DeleteFunc(m.targets, func(t *target) bool { return !fits(template, t.segments) })
		if len(m.targets) > 0 {
			x := newExplorer(e, m, s.Masked...)
			x.only = template
			open = append(open, x)
		}
	}
	out.Pairs = len(open)
	left, random := cmp.Or(o.Max, DefaultMax), rand.New(rand.NewPCG(o.Seed, 0))
	for i, x := range open {
		if o.Progress != nil {
			o.Progress(i, len(open))
		}
		found := func(t *trial) {
			shown, broken := s.broken(t)
			if broken && (out.Counter == nil || t.c.smaller(out.Counter)) {
				out.Counter, out.Shown, out.Resource = t.c, shown, x.names()[0]
			}
		}
		n, sampled := x.exploreShare(left/(len(open)-i), random, found)
		left -= n
		out.Requests += n
		out.Sampled = out.Sampled || sampled
		out.Calls = out.Calls || x.calls
		for _, note := range x.space.notes.list {
			out.Notes = appendNew(out.Notes, note)
		}
	}
	return out, nil
}

// broken reports whether a request breaks the statement, and the response that the client gets
// of the masked places.
func (s *Statement) broken(t *trial) (shown []string, broken bool) {
	allowed, holds := t.results[0].Upstream != nil, t.results[1].Upstream != nil
	switch {
	case len(s.Masked) > 0:
		if t.results[0].Outcome != decide.Yes || holds {
			return nil, false
		}
		sent := t.c.Response.Key(rules.RootRes)
		got, err := value.Parse(t.results[0].Client.Body, policyDepth)
		if err != nil {
			return nil, false
		}
		for _, place := range s.Masked {
			if shows(sent, got, keysOf(place)) {
				shown = append(shown, place)
			}
		}
		return shown, len(shown) > 0
	case s.Never.Kind() != value.Missing:
		return nil, allowed && holds
	}
	return nil, allowed && !holds
}

// keysOf are the keys of a place such as res.items.price, below res.
func keysOf(place string) []string { return strings.Split(strings.TrimPrefix(place, "res."), ".") }

// shows reports whether a response still has a value that the upstream sent. An
// array on the way means each of its elements.
func shows(sent, got value.Value, keys []string) bool {
	if sent.Kind() == value.Array && got.Kind() == value.Array {
		for i, x := range sent.Elements() {
			if shows(x, got.At(i), keys) {
				return true
			}
		}
		return false
	}
	if len(keys) == 0 {
		return sent.Kind() != value.Missing && sent.Kind() == got.Kind() && value.Equal(sent, got)
	}
	if sent.Kind() != value.Object || got.Kind() != value.Object {
		return false
	}
	return shows(sent.Key(keys[0]), got.Key(keys[0]), keys[1:])
}

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
