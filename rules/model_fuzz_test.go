package rules

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

// modelMaker makes values and rules of the fuzzer's bytes.
type modelMaker struct {
	data []byte
}

func (m *modelMaker) next(n int) int {
	if len(m.data) == 0 {
		return 0
	}
	b := m.data[0]
	m.data = m.data[1:]
	return int(b) % n
}

func (m *modelMaker) key() string { return []string{"a", "b", "c"}[m.next(3)] }

func (m *modelMaker) value(depth int) any {
	switch k := m.next(8); {
	case k < 3 && depth > 0:
		o := object{}
		for range m.next(4) {
			o[m.key()] = m.value(depth - 1)
		}
		return o
	case k < 5 && depth > 0:
		list := array{}
		for range m.next(4) {
			list = append(list, m.value(depth-1))
		}
		return list
	case k == 5:
		return nil
	case k == 6:
		return float64(m.next(2))
	}
	return []string{"x", "y"}[m.next(2)]
}

func (m *modelMaker) path(root string) string {
	for range 1 + m.next(2) {
		root += "." + m.key()
	}
	return root
}

// place is where a rule stands.
type place struct {
	depth      int
	item       bool
	tests      bool // no actions
	edits      bool // nothing but actions of an each
	inResponse bool
}

func (m *modelMaker) operand(p place) any {
	switch {
	case m.next(4) == 0:
		return []any{"x", "y", nil, 0.0, 1.0}[m.next(5)]
	case p.item && m.next(3) == 0:
		return "item"
	case p.item && m.next(2) == 0:
		return m.path("item")
	}
	return m.path("args.p")
}

func (m *modelMaker) rules(p place) array {
	p.depth--
	var out array
	for range 1 + m.next(3) {
		out = append(out, m.rule(p))
	}
	return out
}

func (m *modelMaker) rule(p place) object {
	if p.edits || !p.tests && p.depth > 0 && m.next(3) == 0 {
		return m.action(p)
	}
	inner := p
	inner.depth--
	if p.depth > 0 {
		switch m.next(8) {
		case 0:
			return object{"rule": "and", "clauses": m.rules(p)}
		case 1:
			return object{"rule": "or", "clauses": m.rules(p)}
		case 2:
			return object{"rule": "not", "clause": m.rule(inner)}
		case 3, 4:
			inner.item, inner.tests = true, true
			field := m.path("args.p")
			if p.item && m.next(2) == 0 {
				field = []string{"item", "item.a"}[m.next(2)]
			}
			return object{"rule": []string{"some", "every"}[m.next(2)], "field": field, "clause": m.rule(inner)}
		}
	}
	switch m.next(8) {
	case 0:
		return object{"rule": "allow"}
	case 1:
		return object{"rule": "deny"}
	case 2:
		if !p.tests && !p.item && p.depth > 0 {
			return object{"rule": "use", "of": []string{"one", "two"}[m.next(2)]}
		}
	}
	if m.next(2) == 0 {
		return object{"rule": "match", "type": "any", "eval": []string{"==", "!="}[m.next(2)], "f1": m.operand(p), "f2": m.operand(p)}
	}
	return object{"rule": "match", "type": "string", "eval": []string{"==", "!="}[m.next(2)], "f1": m.path("args.p"), "f2": "x"}
}

func (m *modelMaker) action(p place) object {
	root := "args.p"
	switch {
	case p.edits:
		root = "item"
	case m.next(2) == 0 && !p.item:
		root = "res"
	}
	inner := p
	inner.depth--
	inner.inResponse = root == "res" || p.edits && p.inResponse
	out := object{"field": m.path(root), "inResponse": inner.inResponse}
	kind := m.next(5)
	if p.depth <= 0 {
		kind %= 3
	}
	switch kind {
	case 0:
		out["rule"], out["value"] = "force", m.operand(p)
	case 1:
		out["rule"], out["fields"] = "remove", array{out["field"]}
		delete(out, "field")
	case 2:
		out["rule"], out["keys"] = "keep", array{m.key()}
		if root == "item" && m.next(2) == 0 {
			out["field"] = "item"
		}
	case 3:
		inner.item, inner.tests, inner.edits = true, true, false
		out["rule"], out["clause"] = "filter", m.rule(inner)
		if m.next(2) == 0 {
			out["onUnknown"] = "drop"
		}
		return out
	case 4:
		inner.item, inner.edits = true, true
		out["rule"], out["clauses"] = "each", m.rules(inner)
		if m.next(3) == 0 {
			out["members"] = true
		}
	}
	if kind > 0 && m.next(3) == 0 {
		out["optional"] = true
	}
	if kind < 3 && p.depth > 0 && m.next(2) == 0 {
		guard := p
		guard.depth, guard.edits = p.depth-1, false
		guard.tests = p.tests || p.edits
		out["clause"] = m.rule(guard)
	}
	return out
}

// withoutNotes returns the rule as the compiler takes it.
func withoutNotes(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, x := range v {
			if k != "inResponse" {
				out[k] = withoutNotes(x)
			}
		}
		return out
	case array:
		out := array{}
		for _, x := range v {
			out = append(out, withoutNotes(x))
		}
		return out
	}
	return v
}

func toValue(t *testing.T, v any) value.Value {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(text))
}

func toJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(text, err)
	}
	return v
}

func sameJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// checkModel evaluates a random rule by the evaluator and by the model.
func checkModel(t *testing.T, data []byte) {
	m := &modelMaker{data: data}
	defined := map[string]object{"one": m.rule(place{depth: 1, tests: true}), "two": m.action(place{depth: 1})}
	rule := m.rule(place{depth: 4})
	p := object{}
	for _, k := range []string{"a", "b", "c"} {
		if m.next(4) > 0 {
			p[k] = m.value(3)
		}
	}
	args, doc := object{"p": p}, m.value(4)

	env := testEnv()
	env.Define = func(name string) (value.Value, string, bool) {
		d, ok := defined[name]
		return toValue(t, withoutNotes(d)), "define." + name, ok
	}
	spec := toValue(t, withoutNotes(rule))
	r, faults := Compile(spec, "rule", env)
	if faults != nil {
		t.Fatalf("%v\n%v", spec, faults)
	}
	before := toValue(t, args)
	v := r.Eval(&Input{Args: before, Now: testNow}, nil)
	want := &model{args: deepCopy(args).(object), defined: defined}
	outcome := want.eval(rule)
	if v.Outcome != outcome {
		t.Fatalf("%v\n%v\ngot %v (%s: %s), want %v", spec, before, v.Outcome, v.Where(), v.Reason, outcome)
	}
	if outcome != Yes {
		return
	}
	if got := toJSON(t, v.Args.String()); !sameJSON(got, want.args) {
		t.Fatalf("%v\n%v\ngot %v, want %v", spec, before, v.Args, toValue(t, want.args))
	}
	text := toValue(t, doc)
	got, err := ApplyResponse(text.String(), v.Response, 64, 0)
	out, pass := doc, true
	for _, f := range want.response {
		if pass && doc != nil {
			out, pass = f(out)
		}
	}
	switch {
	case (err == nil) != pass:
		t.Fatalf("%v\n%v\n%v\nresponse: %v, want pass %v", spec, before, text, err, pass)
	case err == nil && !sameJSON(toJSON(t, got), out):
		t.Fatalf("%v\n%v\n%v\nresponse %s, want %v", spec, before, text, got, toValue(t, out))
	}
}

func FuzzModel(f *testing.F) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		data := make([]byte, 30+random.IntN(200))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(checkModel)
}
