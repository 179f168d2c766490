package lint

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// trace lists the steps of a resource's rules in the order of evaluation: first
// the rule, then the rule on the response.
type trace struct {
	r        *Resource
	steps    []step
	response bool     // the rule on the response is being traced
	using    []string // names of `use` around the clause
}

// action is the kind of a step.
type action uint8

const (
	readPath  action = iota // a path is read
	readAll                 // all of args is read, as the body of a webhook
	writePath               // force, remove, keep, encrypt, decrypt, hash, filter or each changes a path
	storeRoot               // a query or webhook stores its reply
	compare                 // a match compares two operands
	write                   // a text that may be read as a reference stands in the rule
)

// step is one thing that a rule does.
type step struct {
	action   action
	place    string
	rule     string      // the kind of the rule
	spec     value.Value // the rule
	response bool        // in the rule on the response
	guard    bool        // in the `clause` of an action
	item     bool        // item may be named

	text   string      // of write: the text
	ref    reference   // of readPath, writePath and storeRoot
	typ    string      // of readPath in a match: its type, if the path is the whole operand
	f1, f2 value.Value // of compare

	withDefault bool // of readPath: the operand has utils.default
}

// reference is a path that starts at args, item or res.
type reference struct {
	text   string
	root   string
	keys   []rules.Key
	exists bool
}

// position is the place of a clause in a rule.
type position struct {
	place string
	guard bool
	item  bool
}

func (p position) at(key string) position { p.place = rules.Join(p.place, key); return p }
func (p position) elem(i int) position    { p.place = rules.Elem(p.place, i); return p }

func traceOf(r *Resource) *trace {
	t := &trace{r: r}
	t.rule(r.Rule.Spec, position{place: r.Rule.Place})
	t.response = true
	t.rule(r.Response.Spec, position{place: r.Response.Place})
	return t
}

func (t *trace) add(s step, at position) {
	s.place, s.guard, s.item, s.response = at.place, at.guard, at.item, t.response
	t.steps = append(t.steps, s)
}

// rule traces a rule and the rules inside it.
func (t *trace) rule(spec value.Value, at position) {
	if spec.Kind() != value.Object {
		return
	}
	kind, _ := spec.Key("rule").Text()
	switch kind {
	case "match":
		t.match(spec, at)
	case "and", "or":
		t.clauses(spec, at)
	case "not":
		t.rule(spec.Key("clause"), at.at("clause"))
	case "some", "every":
		t.operand(spec.Key("field"), at.at("field"), kind)
		at.item = true
		t.rule(spec.Key("clause"), at.at("clause"))
	case "use":
		t.use(spec, at)
	case "query":
		t.values(spec.Key("find"), at.at("find"), kind, true)
		t.store(spec, at, kind)
		t.rule(spec.Key("clause"), at.at("clause"))
	case "webhook":
		t.webhook(spec, at)
	case "force", "remove", "keep", "encrypt", "decrypt", "hash", "filter", "each":
		t.action(spec, at, kind)
	}
}

func (t *trace) clauses(spec value.Value, at position) {
	i := 0
	spec.Key("clauses").Each(func(_ string, c value.Value) bool {
		t.rule(c, at.at("clauses").elem(i))
		i++
		return true
	})
}

func (t *trace) match(spec value.Value, at position) {
	typ, _ := spec.Key("type").Text()
	for _, field := range [...]string{"f1", "f2"} {
		v := spec.Key(field)
		if v.Kind() != value.Array {
			t.typed(v, at.at(field), "match", typ)
			continue
		}
		i := 0
		v.Each(func(_ string, x value.Value) bool {
			t.operand(x, at.at(field).elem(i), "match")
			i++
			return true
		})
	}
	t.add(step{action: compare, rule: "match", spec: spec, f1: spec.Key("f1"), f2: spec.Key("f2")}, at)
}

// operand traces a value that may be a reference.
func (t *trace) operand(v value.Value, at position, rule string) { t.typed(v, at, rule, "") }

func (t *trace) typed(v value.Value, at position, rule, typ string) {
	text, ok := v.Text()
	if !ok {
		return
	}
	if !rules.IsReference(text, at.item) {
		t.add(step{action: write, rule: rule, text: text}, at)
		return
	}
	bare := len(text) > 4 && text[:4] == "args"
	for i, ref := range rules.References(text, at.item) {
		s := step{action: readPath, rule: rule, ref: reference{ref.Text, "args", ref.Keys, ref.Exists}}
		if bare && i == 0 {
			s.typ = typ
		}
		s.withDefault = strings.Contains(text, "utils.default(")
		t.add(s, at)
	}
}

// values traces the strings at any depth of a value. Texts tells whether texts
// that are no references are traced too.
func (t *trace) values(v value.Value, at position, rule string, texts bool) {
	switch v.Kind() {
	case value.String:
		if text, _ := v.Text(); texts || rules.IsReference(text, at.item) {
			t.operand(v, at, rule)
		}
	case value.Array:
		i := 0
		v.Each(func(_ string, x value.Value) bool {
			t.values(x, at.elem(i), rule, texts)
			i++
			return true
		})
	case value.Object:
		if _, ok := v.Key("literal").Text(); ok && v.Len() == 1 {
			return
		}
		v.Each(func(key string, x value.Value) bool {
			if key != "$regex" { // a pattern, never a reference
				t.values(x, at.at(key), rule, texts)
			}
			return true
		})
	}
}

func (t *trace) use(spec value.Value, at position) {
	name, _ := spec.Key("of").Text()
	for _, n := range t.using {
		if n == name {
			return
		}
	}
	if t.r.Define == nil || len(t.using) > 64 {
		return
	}
	named, place, ok := t.r.Define(name)
	if !ok {
		return
	}
	t.using = append(t.using, name)
	at.place = place
	t.rule(named, at)
	t.using = t.using[:len(t.using)-1]
}

func (t *trace) webhook(spec value.Value, at position) {
	body := spec.Key("body")
	if body.Kind() == value.Missing {
		t.add(step{action: readAll, rule: "webhook"}, at)
	}
	for _, field := range [...]string{"claims", "body", "headers"} {
		t.values(spec.Key(field), at.at(field), "webhook", false)
	}
	t.store(spec, at, "webhook")
}

// store traces where a query or webhook stores its reply.
func (t *trace) store(spec value.Value, at position, rule string) {
	text, ok := spec.Key("store").Text()
	if !ok {
		text = "args." + rules.RootResult
	}
	if ref, ok := target(text); ok {
		t.add(step{action: storeRoot, rule: rule, ref: ref}, at.at("store"))
	}
}

// action traces an action: first its guard, then the values that it reads, then
// its target.
func (t *trace) action(spec value.Value, at position, kind string) {
	if kind != "filter" {
		guard := at.at("clause")
		guard.guard = true
		t.rule(spec.Key("clause"), guard)
	}
	switch kind {
	case "force":
		t.operand(spec.Key("value"), at.at("value"), kind)
	case "keep":
		t.operandOrList(spec.Key("keys"), at.at("keys"), kind)
	}
	t.target(spec.Key("field"), at.at("field"), spec, kind)
	fields := spec.Key("fields")
	if fields.Kind() == value.String {
		t.operand(fields, at.at("fields"), kind)
	}
	i := 0
	fields.Each(func(_ string, f value.Value) bool {
		t.target(f, at.at("fields").elem(i), spec, kind)
		i++
		return true
	})
	switch kind {
	case "filter":
		at.item = true
		t.rule(spec.Key("clause"), at.at("clause"))
	case "each":
		at.item = true
		t.clauses(spec, at)
	}
}

func (t *trace) operandOrList(v value.Value, at position, rule string) {
	if text, ok := v.Text(); ok && rules.IsReference(text, at.item) {
		t.operand(v, at, rule)
	}
}

func (t *trace) target(v value.Value, at position, spec value.Value, kind string) {
	text, _ := v.Text()
	ref, ok := target(text)
	if !ok {
		return
	}
	if kind != "force" && kind != "remove" && ref.root == "args" {
		t.add(step{action: readPath, rule: kind, ref: ref}, at)
	}
	t.add(step{action: writePath, rule: kind, spec: spec, ref: ref}, at)
}

// target reads a path that is changed: below args, res or item.
func target(text string) (reference, bool) {
	for _, root := range [...]string{"args", "res", "item"} {
		if len(text) <= len(root) || text[:len(root)] != root {
			continue
		}
		// The grammar of the keys is the same below all roots.
		refs := rules.References("args"+text[len(root):], false)
		if len(refs) == 0 {
			return reference{}, false
		}
		return reference{text, root, refs[0].Keys, false}, true
	}
	return reference{}, false
}
