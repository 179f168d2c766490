// Package rules is rulegate's rule language: it compiles rules and evaluates them
// against requests. LANGUAGE.md is its reference.
//
// The package does no I/O, has no clock and knows no proxy. A rule that needs a
// database returns a Call, and is evaluated again with the Reply.
package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// Env is the part of the policy that compiling a rule depends on. Where a func is
// nil, everything counts as configured.
type Env struct {
	AESKey   []byte                     // 16, 24 or 32 bytes; nil: none configured
	CanSign  bool                       // webhooks can carry tokens
	Database func(db, col string) error // returns why a query cannot read a collection
	Webhook  func(host string) error    // returns why a webhook may not go to host[:port]
}

// Rule is a compiled rule.
type Rule struct {
	kind, name, message, place string
	clause                     clause

	reads, writes   roots
	headers         []string // that a force may set, in lower case
	queries         []*query
	calls, response bool
}

// clause evaluates one kind of rule.
type clause interface{ run(*run) result }

// Compile compiles the rule at a place of a policy. It returns the rule, or all
// its faults.
func Compile(spec value.Value, place string, env *Env) (*Rule, Faults) {
	c := &compiler{env: env}
	r := c.rule(spec, place)
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	r.Fetch()
	return r, nil
}

// Kind returns the rule's kind, such as "match".
func (r *Rule) Kind() string { return r.kind }

// Name returns the rule's `name`, which may be empty.
func (r *Rule) Name() string { return r.name }

// Uses reports whether the rule may read args.<root> or change it.
func (r *Rule) Uses(root string) bool { return r.reads.has(root) || r.writes.has(root) }

// Changes reports whether the rule may change args.<root>.
func (r *Rule) Changes(root string) bool { return r.writes.has(root) }

// ForcedHeaders lists the request headers that a force may set, in lower case.
func (r *Rule) ForcedHeaders() []string { return r.headers }

// Calls reports whether the rule has a query or a webhook.
func (r *Rule) Calls() bool { return r.calls }

// HasResponse reports whether the rule may change the response.
func (r *Rule) HasResponse() bool { return r.response }

// Table is a table or collection that a query reads.
type Table struct{ DB, Col string }

// Tables lists the tables that the rule's queries read.
func (r *Rule) Tables() []Table {
	tables := make([]Table, len(r.queries))
	for i, q := range r.queries {
		tables[i] = Table{q.db, q.col}
	}
	return tables
}

type compiler struct {
	env    *Env
	faults Faults
	scope  scope // of the clause that is being compiled
}

// kinds lists the fields of each rule beside rule, name and error, in the order of
// the language's table. A star marks a field that the rule needs.
var kinds = map[string][]string{
	"allow":         {},
	"authenticated": {},
	"deny":          {},
	"match":         {"type*", "eval*", "f1*", "f2*"},
	"and":           {"clauses*"},
	"or":            {"clauses*"},
	"query":         {"db*", "col*", "find", "clause", "store", "cache"},
	"webhook":       {"url*", "store", "claims", "body", "cache"},
	"force":         {"field*", "value*", "clause"},
	"remove":        {"fields*", "clause"},
	"encrypt":       {"fields*", "algorithm", "clause"},
	"decrypt":       {"fields*", "algorithm", "clause"},
	"hash":          {"fields*", "algorithm", "encoding", "clause"},
	"filter":        {"field*", "clause*", "onUnknown"},
}

func (c *compiler) rule(spec value.Value, place string) *Rule {
	r := &Rule{place: place, clause: deny{}}
	if spec.Kind() != value.Object {
		c.faults.add(place, "%s", noRule(spec))
		return r
	}
	kind, ok := spec.Key("rule").Text()
	fields, known := kinds[kind]
	switch {
	case spec.Key("rule").Kind() == value.Missing:
		c.faults.add(place, "%s", namelessRule(spec))
		return r
	case !ok:
		c.faults.add(Join(place, "rule"), "want the name of a rule, found %s", found(spec.Key("rule")))
		return r
	case !known:
		c.faults.add(Join(place, "rule"), "%s", unknownRule(kind))
		return r
	}
	r.kind = kind
	c.fields(spec, place, kind, fields)
	r.name = c.optionalText(spec, place, "name")
	r.message = c.optionalText(spec, place, "error")
	if cl := c.clause(r, spec, place); cl != nil {
		r.clause = cl
	}
	return r
}

// fields reports the fields that the rule may not have and those that it lacks.
func (c *compiler) fields(spec value.Value, place, kind string, fields []string) {
	spec.Each(func(key string, _ value.Value) bool {
		if key != "rule" && key != "name" && key != "error" && !slices.Contains(fields, key) && !slices.Contains(fields, key+"*") {
			c.faults = append(c.faults, Fault{Place: Join(place, key), Message: unknownField(kind, key, fields), AtKey: true})
		}
		return true
	})
	for _, f := range fields {
		if name, required := strings.CutSuffix(f, "*"); required && spec.Key(name).Kind() == value.Missing {
			c.faults.add(place, "a rule %s needs %s", kind, name)
		}
	}
}

func (c *compiler) clause(r *Rule, spec value.Value, place string) clause {
	switch r.kind {
	case "allow":
		return allow{}
	case "deny":
		return deny{}
	case "authenticated":
		return authenticated{}
	case "match":
		return c.match(r, spec, place)
	case "and":
		return &and{c.clauses(r, spec, place)}
	case "or":
		return &or{c.clauses(r, spec, place)}
	case "query", "webhook":
		if c.scope.item {
			c.faults.add(Join(place, "rule"), "no %s inside a filter: it would be asked for each element", r.kind)
			return nil
		}
		if r.kind == "webhook" {
			return c.webhook(r, spec, place)
		}
		return c.query(r, spec, place)
	case "force":
		return c.force(r, spec, place)
	case "remove":
		return c.remove(r, spec, place)
	case "encrypt", "decrypt":
		return c.encrypt(r, spec, place)
	case "hash":
		return c.hash(r, spec, place)
	case "filter":
		return c.filter(r, spec, place)
	}
	return nil // no such rule, which is reported
}

func (c *compiler) clauses(r *Rule, spec value.Value, place string) []*Rule {
	list, at := spec.Key("clauses"), Join(place, "clauses")
	if list.Kind() == value.Missing {
		return nil // reported as missing
	}
	if list.Kind() != value.Array || list.Len() == 0 {
		c.faults.add(at, "want an array of rules that is not empty, found %s", found(list))
		return nil
	}
	var rules []*Rule
	list.Each(func(_ string, x value.Value) bool {
		in := c.rule(x, Elem(at, len(rules)))
		r.adopt(in)
		rules = append(rules, in)
		return true
	})
	return rules
}

// guard compiles the `clause` of a rule, nil when it has none.
func (c *compiler) guard(r *Rule, spec value.Value, place string) *Rule {
	s := spec.Key("clause")
	if s.Kind() == value.Missing {
		return nil
	}
	in := c.rule(s, Join(place, "clause"))
	r.adopt(in)
	return in
}

// adopt adds the roots and calls of an inner rule.
func (r *Rule) adopt(in *Rule) {
	r.reads.merge(in.reads)
	r.writes.merge(in.writes)
	r.headers = append(r.headers, in.headers...)
	r.queries = append(r.queries, in.queries...)
	r.calls = r.calls || in.calls
	r.response = r.response || in.response
}

// text reads a field that must be a string and not empty.
func (c *compiler) text(spec value.Value, place, field string) string {
	v := spec.Key(field)
	s, ok := v.Text()
	switch {
	case v.Kind() == value.Missing:
	case !ok:
		c.faults.add(Join(place, field), "want string, found %s", found(v))
	case s == "":
		c.faults.add(Join(place, field), "must not be empty")
	}
	return s
}

func (c *compiler) optionalText(spec value.Value, place, field string) string {
	v := spec.Key(field)
	s, ok := v.Text()
	if v.Kind() != value.Missing && !ok {
		c.faults.add(Join(place, field), "want string, found %s", found(v))
	}
	return s
}

// oneOf reads a field that must be one of some words. It returns the first word
// where the field is left out, and "" where it has another value.
func (c *compiler) oneOf(spec value.Value, place, field string, words ...string) string {
	v := spec.Key(field)
	s, _ := v.Text()
	switch {
	case v.Kind() == value.Missing:
		return words[0]
	case !slices.Contains(words, s):
		c.faults.add(Join(place, field), "want one of %s, found %s", strings.Join(words, ", "), v)
		return ""
	}
	return s
}

// argsPath reads a field that must be a path in args, def where it is left out.
func (c *compiler) argsPath(spec value.Value, place, field, def string) *path {
	s := def
	if v := spec.Key(field); v.Kind() != value.Missing {
		s = c.text(spec, place, field)
		if s == "" {
			return nil // reported
		}
	}
	p, err := c.scope.pathIn(inArgs, s)
	if err != nil {
		c.faults.add(Join(place, field), "%v", err)
		return nil
	}
	return p
}

const maxCache = 24 * time.Hour

// cache reads the greatest age of a reply.
func (c *compiler) cache(spec value.Value, place string) time.Duration {
	v := spec.Key("cache")
	if v.Kind() == value.Missing {
		return 0
	}
	s, _ := v.Text()
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > maxCache {
		c.faults.add(Join(place, "cache"), "want a duration such as 5s, up to %v, found %s", maxCache, v)
	}
	return d
}
