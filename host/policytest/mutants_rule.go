package policytest

import (
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

var allow = value.Obj(value.Member{Key: "rule", Value: value.Str("allow")})

var deny = value.Obj(value.Member{Key: "rule", Value: value.Str("deny")})

func kind(r value.Value) string {
	text, _ := r.Key("rule").Text()
	return text
}

// root reads a rule that is not inside another one.
func (m *mutator) root(r value.Value, at steps, place string) {
	m.in = place
	m.rule(r, at, place, false)
}

// rule breaks a rule, and the rules in it. With dropped, there is a mutant without the
// rule already.
func (m *mutator) rule(r value.Value, at steps, place string, dropped bool) {
	if r.Kind() != value.Object {
		return
	}
	switch k := kind(r); k {
	case "match":
		m.match(r, at, place)
	case "and", "or":
		m.junction(r, k, at, place)
	case "not":
		m.add(at, place, "`not` dropped", r.Key("clause"))
	case "query":
		m.find(r.Key("find"), at.with("find"), rules.Join(place, "find"))
	case "force", "remove", "encrypt", "decrypt", "hash", "keep", "filter", "each":
		m.action(r, k, at, place, dropped)
	}
	if c := r.Key("clause"); c.Kind() == value.Object {
		m.rule(c, at.with("clause"), rules.Join(place, "clause"), false)
	}
	for i, c := range r.Key("clauses").Elements() {
		m.rule(c, at.with("clauses", i), rules.Elem(rules.Join(place, "clauses"), i), r.Key("clauses").Len() > 1)
	}
}

// junction drops each clause of an `and` or an `or`, and makes one of the other.
func (m *mutator) junction(r value.Value, k string, at steps, place string) {
	clauses := r.Key("clauses").Elements()
	if len(clauses) < 2 {
		return
	}
	for i := range clauses {
		m.add(at.with("clauses", i), rules.Elem(rules.Join(place, "clauses"), i), "clause dropped", value.Value{})
	}
	other := map[string]string{"and": "or", "or": "and"}[k]
	m.add(at.with("rule"), place, "`"+other+"` for `"+k+"`", value.Str(other))
}

// turned are the evals that say the opposite.
var turned = map[string]string{
	"==": "!=", "!=": "==", "in": "notIn", "notIn": "in", "<": ">=", ">=": "<", "<=": ">", ">": "<=",
}

func (m *mutator) match(r value.Value, at steps, place string) {
	eval, _ := r.Key("eval").Text()
	if to := turned[eval]; to != "" {
		m.add(at.with("eval"), place, "`"+to+"` for `"+eval+"`", value.Str(to))
	} else {
		not := value.Obj(value.Member{Key: "rule", Value: value.Str("not")}, value.Member{Key: "clause", Value: r})
		m.add(at, place, "the opposite of `"+eval+"`", not)
	}
	if eval == "<" || eval == "<=" || eval == ">" || eval == ">=" || eval == "==" {
		for _, f := range []string{"f1", "f2"} {
			m.bound(r.Key(f), at.with(f), rules.Join(place, f))
		}
	}
	if eval == "in" || eval == "notIn" {
		m.shorter(r.Key("f2"), at.with("f2"), rules.Join(place, "f2"))
	}
}

// bound moves an integer that is written in the policy by one, up and down.
func (m *mutator) bound(v value.Value, at steps, place string) {
	text, _ := v.Number()
	n, err := strconv.ParseInt(text, 10, 53)
	if err != nil {
		return
	}
	for _, to := range []int64{n + 1, n - 1} {
		m.add(at, place, strconv.FormatInt(to, 10)+" for "+text, value.Int(to))
	}
}

// shorter leaves out each element of a list that is written in the policy.
func (m *mutator) shorter(list value.Value, at steps, place string) {
	if list.Kind() != value.Array || list.Len() < 2 {
		return
	}
	for i, x := range list.Elements() {
		m.add(at.with(i), rules.Elem(place, i), x.String()+" left out of the list", value.Value{})
	}
}

// find drops each condition of a query, and breaks the values in them.
func (m *mutator) find(doc value.Value, at steps, place string) {
	doc.Each(func(key string, v value.Value) bool {
		in, to := at.with(key), rules.Join(place, key)
		m.add(in, to, "condition dropped", value.Value{})
		switch key {
		case "$and", "$or", "$nor":
			for i, d := range v.Elements() {
				m.find(d, in.with(i), rules.Elem(to, i))
			}
			return true
		}
		v.Each(func(op string, x value.Value) bool {
			switch op {
			case "$lt", "$lte", "$gt", "$gte":
				m.bound(x, in.with(op), rules.Join(to, op))
			case "$in", "$nin":
				m.shorter(x, in.with(op), rules.Join(to, op))
			}
			return true
		})
		return true
	})
}

// action drops an action, and makes its guard always no, and always yes.
func (m *mutator) action(r value.Value, k string, at steps, place string, dropped bool) {
	if !dropped {
		what := "action dropped"
		if isMask(r) {
			what = "mask dropped"
		}
		m.add(at, place, what, allow)
	}
	guard := r.Key("clause")
	if guard.Kind() == value.Object {
		m.add(at.with("clause"), rules.Join(place, "clause"), "guard always no", deny)
		m.add(at.with("clause"), rules.Join(place, "clause"), "guard always yes", allow)
	}
	m.shorter(r.Key("fields"), at.with("fields"), rules.Join(place, "fields"))
	if k == "keep" {
		m.shorter(r.Key("keys"), at.with("keys"), rules.Join(place, "keys"))
	}
}

// isMask reports whether an action changes the response.
func isMask(r value.Value) bool {
	for _, v := range append(r.Key("fields").Elements(), r.Key("fields"), r.Key("field")) {
		if text, ok := v.Text(); ok && strings.HasPrefix(text, "res.") {
			return true
		}
	}
	return false
}
