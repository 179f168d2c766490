package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// Env is the part of the policy that compiling a rule depends on. Where Database
// or Webhook is nil, everything counts as configured.
type Env struct {
	AESKey   []byte                     // 16, 24 or 32 bytes; nil: none configured
	CanSign  bool                       // webhooks can carry tokens
	Database func(db, col string) error // returns why a query cannot read a collection
	Webhook  func(host string) error    // returns why a webhook may not go to host[:port]

	// Define returns the rule of a name in `define:` and its place. nil: there
	// is none.
	Define func(name string) (spec value.Value, place string, ok bool)
	// Zone loads a time zone by its IANA name. nil: there is none but UTC.
	Zone func(name string) (*time.Location, error)

	// Written returns a text as the policy has it, "" where no variable stands in it.
	// Reasons quote that, as the value of a variable may be a secret. nil: none has.
	Written func(place string) string

	noMemory bool // for tests: every value is resolved each time
}

const (
	// maxNesting bounds rules inside each other, those behind `use` included.
	maxNesting = 64
	// maxClauses bounds the clauses of one rule. A named rule counts each time
	// it is used, as two uses of two uses double the work each time.
	maxClauses = 10_000
)

// Compile compiles the rule at a place of a policy. It returns the rule, or all
// its faults.
func Compile(spec value.Value, place string, env *Env) (*Rule, Faults) {
	c := &compiler{env: env}
	r := c.rule(spec, place)
	if len(c.faults) > 0 {
		return nil, c.faults.unique()
	}
	r.Fetch()
	r.ofClaims = r.dependsOnClaims()
	return r, nil
}

type compiler struct {
	env     *Env
	faults  Faults
	scope   scope    // of the clause that is being compiled
	using   []string // the named rules around it, the outermost first
	written string   // the text of the expression that is being read, if it has a variable
	site    string   // the place where the innermost of them is used, "" outside of all
	nesting int
	clauses int
	slots   int // of run.memory
}

// kinds lists the fields of each rule beside the common ones, in the order of the
// language's table. A star marks a field that the rule needs.
var kinds = map[string][]string{
	"allow":         {},
	"authenticated": {},
	"deny":          {},
	"match":         {"type*", "eval*", "f1*", "f2*"},
	"and":           {"clauses*"},
	"or":            {"clauses*"},
	"not":           {"clause*"},
	"some":          {"field*", "clause*"},
	"every":         {"field*", "clause*"},
	"query":         {"db*", "col*", "find", "clause", "store", "cache"},
	"webhook":       {"url*", "store", "claims", "body", "headers", "cache"},
	"force":         {"field*", "value*", "clause"},
	"remove":        {"fields*", "clause", "optional"},
	"keep":          {"field*", "keys*", "clause", "optional"},
	"encrypt":       {"fields*", "algorithm", "clause", "optional"},
	"decrypt":       {"fields*", "algorithm", "clause", "optional"},
	"hash":          {"fields*", "algorithm", "encoding", "clause", "optional"},
	"filter":        {"field*", "clause*", "onUnknown"},
	"each":          {"field*", "clauses*", "members", "optional"},
	"use":           {"of*"},
}

// Fields returns the fields that a rule of a kind may have.
func Fields(kind string) (fields []string, ok bool) {
	own, ok := kinds[kind]
	fields = append(fields, common...)
	for _, f := range own {
		fields = append(fields, strings.TrimSuffix(f, "*"))
	}
	return fields, ok
}

// common are the fields that every rule may have.
var common = []string{"rule", "name", "status", "error"}

func (c *compiler) rule(spec value.Value, place string) *Rule {
	r := &Rule{place: place, clause: deny{}}
	if spec.Kind() != value.Object {
		c.faults.add(place, "%s", noRule(spec))
		return r
	}
	if c.nesting >= maxNesting {
		c.faults.add(place, "more than %d rules inside each other", maxNesting)
		return r
	}
	if c.clauses++; c.clauses > maxClauses {
		if c.clauses == maxClauses+1 {
			c.faults.add(place, "the rule has more than %d clauses", maxClauses)
		}
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
	r.status = c.status(spec, place)
	c.nesting++
	if cl := c.clause(r, spec, place); cl != nil {
		r.clause = cl
	}
	c.nesting--
	return r
}

// fields reports the fields that the rule may not have and those that it lacks.
func (c *compiler) fields(spec value.Value, place, kind string, fields []string) {
	spec.Each(func(key string, _ value.Value) bool {
		if !slices.Contains(common, key) && !slices.Contains(fields, key) && !slices.Contains(fields, key+"*") {
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
	if err := c.scope.refuses(r.kind); err != nil {
		c.faults.add(Join(place, "rule"), "%v", err)
		return nil
	}
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
		return &and{c.inner(r, spec, place)}
	case "or":
		return &or{c.inner(r, spec, place)}
	case "not":
		return c.not(r, spec, place)
	case "some", "every":
		return c.quantifier(r, spec, place)
	case "use":
		return c.use(r, spec, place)
	case "query":
		return c.query(r, spec, place)
	case "webhook":
		return c.webhook(r, spec, place)
	case "force":
		return c.force(r, spec, place)
	case "remove":
		return c.remove(r, spec, place)
	case "keep":
		return c.keep(r, spec, place)
	case "encrypt", "decrypt":
		return c.encrypt(r, spec, place)
	case "hash":
		return c.hash(r, spec, place)
	case "filter":
		return c.filter(r, spec, place)
	case "each":
		return c.each(r, spec, place)
	}
	return nil // no such rule, which is reported
}

// inner compiles the `clauses` of a rule.
func (c *compiler) inner(r *Rule, spec value.Value, place string) []*Rule {
	list, at := spec.Key("clauses"), Join(place, "clauses")
	if list.Kind() == value.Missing {
		return nil // reported
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
	outside := c.scope
	if c.scope.only == edits {
		c.scope.only = tests
	}
	in := c.rule(s, Join(place, "clause"))
	c.scope = outside
	r.adopt(in)
	return in
}

// use compiles the named rule as if it stood in place of `use`. Its places in
// reasons are its own.
func (c *compiler) use(r *Rule, spec value.Value, place string) clause {
	name := c.text(spec, place, "of")
	if name == "" {
		return nil // reported
	}
	at := Join(place, "of")
	if i := slices.Index(c.using, name); i >= 0 {
		c.faults.add(at, "a circle: %s", strings.Join(append(c.using[i:len(c.using):len(c.using)], name), " uses "))
		return nil
	}
	var named value.Value
	var defined string
	ok := c.env.Define != nil
	if ok {
		named, defined, ok = c.env.Define(name)
	}
	if !ok {
		c.faults.add(at, "no rule %q in define", name)
		return nil
	}
	using, site := c.using, c.site
	c.using = append(using[:len(using):len(using)], name)
	c.site = c.site + place + ">"
	in := c.rule(named, defined)
	c.using, c.site = using, site
	r.adopt(in)
	r.kind = in.kind
	return in
}
