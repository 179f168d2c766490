package rules

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// This file is a second evaluator of some rules, written from LANGUAGE.md: slow,
// obvious, on Go's own maps and slices. TestModel compares the two.

type (
	object = map[string]any
	array  = []any
)

// model evaluates rules against args.
type model struct {
	args     object
	item     any // in the clauses of some, every, filter and each
	defined  map[string]object
	response []func(doc any) (any, bool) // false: the response must not go out
}

func deepCopy(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, x := range v {
			out[k] = deepCopy(x)
		}
		return out
	case array:
		out := array{}
		for _, x := range v {
			out = append(out, deepCopy(x))
		}
		return out
	}
	return v
}

// resolve returns the value of an operand; ok is false for a missing one.
func (m *model) resolve(operand any) (v any, ok bool) {
	text, isText := operand.(string)
	switch {
	case isText && strings.HasPrefix(text, "args."):
		v = m.args
	case isText && (text == "item" || strings.HasPrefix(text, "item.")):
		v = m.item
	default:
		return operand, true
	}
	for _, key := range strings.Split(text, ".")[1:] {
		o, isObject := v.(object)
		if !isObject {
			return nil, false
		}
		if v, ok = o[key]; !ok {
			return nil, false
		}
	}
	return v, true
}

func not3(o Outcome) Outcome {
	switch o {
	case Yes:
		return No
	case No:
		return Yes
	}
	return Unknown
}

func (m *model) eval(rule object) Outcome {
	switch rule["rule"] {
	case "allow":
		return Yes
	case "deny":
		return No
	case "match":
		return m.match(rule)
	case "and":
		for _, c := range rule["clauses"].(array) {
			if o := m.eval(c.(object)); o != Yes {
				return o
			}
		}
		return Yes
	case "or":
		last := No
		for _, c := range rule["clauses"].(array) {
			before, kept := deepCopy(m.args).(object), len(m.response)
			o := m.eval(c.(object))
			if o == Yes {
				return Yes
			}
			m.args, m.response = before, m.response[:kept]
			if o == Unknown {
				last = Unknown
			}
		}
		return last
	case "not":
		before, kept := deepCopy(m.args).(object), len(m.response)
		o := m.eval(rule["clause"].(object))
		m.args, m.response = before, m.response[:kept]
		return not3(o)
	case "some":
		return not3(m.every(rule, not3))
	case "every":
		return m.every(rule, func(o Outcome) Outcome { return o })
	case "use":
		return m.eval(m.defined[rule["of"].(string)])
	}
	return m.action(rule)
}

func (m *model) match(rule object) Outcome {
	a, ok1 := m.resolve(rule["f1"])
	b, ok2 := m.resolve(rule["f2"])
	if !ok1 || !ok2 {
		return Unknown
	}
	if rule["type"] == "string" {
		_, isText1 := a.(string)
		_, isText2 := b.(string)
		if !isText1 || !isText2 {
			return Unknown
		}
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if (string(x) == string(y)) == (rule["eval"] == "==") {
		return Yes
	}
	return No
}

// every asks about all elements: unknown if any is, else no if any is, else yes.
func (m *model) every(rule object, of func(Outcome) Outcome) Outcome {
	v, ok := m.resolve(rule["field"])
	list, isArray := v.(array)
	if !ok || !isArray {
		return Unknown
	}
	outer := m.item
	defer func() { m.item = outer }()
	var all []Outcome
	for _, x := range list {
		m.item = x
		all = append(all, of(m.eval(rule["clause"].(object))))
	}
	// Of some, `of` turns yes into no: a yes of one element decides, though another
	// is unknown.
	if rule["rule"] == "some" && slices.Contains(all, No) {
		return No
	}
	switch {
	case slices.Contains(all, Unknown):
		return Unknown
	case slices.Contains(all, No):
		return No
	}
	return Yes
}

// action evaluates an action, with its guard.
func (m *model) action(rule object) Outcome {
	if guard, ok := rule["clause"].(object); ok && rule["rule"] != "filter" {
		before, kept := deepCopy(m.args).(object), len(m.response)
		o := m.eval(guard)
		m.response = m.response[:kept]
		switch o {
		case No:
			m.args = before
			return Yes
		case Unknown:
			return Unknown
		}
	}
	value, ok := m.resolve(rule["value"])
	if !ok {
		return Unknown
	}
	paths := array{rule["field"]}
	if f, ok := rule["fields"].(array); ok {
		paths = f
	}
	for _, p := range paths {
		keys := strings.Split(p.(string), ".")
		edit := func(m *model, old any, there bool) (now any, keep, ok bool) {
			return m.edit(rule, value, old, there)
		}
		optional := rule["optional"] == true
		creates := rule["rule"] == "force"
		switch keys[0] {
		case "args":
			now, ok := m.at(m.args, keys[1:], creates, optional, false, edit)
			if !ok {
				return Unknown
			}
			m.args = now.(object)
		case "item":
			now, ok := m.at(m.item, keys[1:], creates, optional, rule["inResponse"] == true, edit)
			if !ok {
				return Unknown
			}
			m.item = now
		case "res":
			args := deepCopy(m.args).(object)
			m.response = append(m.response, func(doc any) (any, bool) {
				later := &model{args: args, defined: m.defined}
				return later.at(doc, keys[1:], creates, optional, true, edit)
			})
		}
	}
	return Yes
}

type editor func(m *model, old any, there bool) (now any, keep, ok bool)

// at edits the value at keys below v. Of the response it goes into each element of
// an array on the way.
func (m *model) at(v any, keys []string, creates, optional, fanOut bool, edit editor) (any, bool) {
	if len(keys) == 0 {
		if optional && v == nil {
			return v, true
		}
		now, _, ok := edit(m, v, true)
		return now, ok
	}
	if list, ok := v.(array); ok && fanOut {
		out := array{}
		for _, x := range list {
			now, ok := m.at(x, keys, creates, optional, fanOut, edit)
			if !ok {
				return nil, false
			}
			out = append(out, now)
		}
		return out, true
	}
	if optional && v == nil {
		return v, true
	}
	o, isObject := v.(object)
	if !isObject {
		return nil, false
	}
	o = maps.Clone(o)
	old, there := o[keys[0]]
	if len(keys) > 1 {
		switch {
		case !there && creates:
			old = object{}
		case !there && optional:
			return o, true
		case !there:
			return nil, false
		}
		now, ok := m.at(old, keys[1:], creates, optional, fanOut, edit)
		o[keys[0]] = now
		return o, ok
	}
	if optional && old == nil {
		return o, true
	}
	now, keep, ok := edit(m, old, there)
	if keep {
		o[keys[0]] = now
	} else {
		delete(o, keys[0])
	}
	return o, ok
}

// edit is the change that an action makes to the value at the end of its path.
func (m *model) edit(rule object, value, old any, there bool) (now any, keep, ok bool) {
	switch rule["rule"] {
	case "force":
		return value, true, true
	case "remove":
		return nil, false, true
	case "keep":
		o, isObject := old.(object)
		if !isObject {
			return nil, true, false
		}
		out := object{}
		for k, x := range o {
			if slices.Contains(rule["keys"].(array), any(k)) {
				out[k] = x
			}
		}
		return out, true, true
	case "filter":
		return m.filter(rule, old)
	case "each":
		return m.each(rule, old)
	}
	return nil, true, false
}

func (m *model) filter(rule object, old any) (now any, keep, ok bool) {
	list, isArray := old.(array)
	if !isArray {
		return nil, true, false
	}
	outer := m.item
	defer func() { m.item = outer }()
	out := array{}
	for _, x := range list {
		m.item = x
		switch m.eval(rule["clause"].(object)) {
		case Yes:
			out = append(out, x)
		case Unknown:
			if rule["onUnknown"] != "drop" {
				return nil, true, false
			}
		}
	}
	return out, true, true
}

func (m *model) each(rule object, old any) (now any, keep, ok bool) {
	outer := m.item
	defer func() { m.item = outer }()
	one := func(x any) (any, bool) {
		m.item = x
		for _, c := range rule["clauses"].(array) {
			if m.eval(c.(object)) != Yes {
				return nil, false
			}
		}
		return m.item, true
	}
	if o, isObject := old.(object); isObject && rule["members"] == true {
		out := object{}
		for k, x := range o {
			if out[k], ok = one(x); !ok {
				return nil, true, false
			}
		}
		return out, true, true
	}
	list, isArray := old.(array)
	if !isArray || rule["members"] == true {
		return nil, true, false
	}
	out := array{}
	for _, x := range list {
		now, ok := one(x)
		if !ok {
			return nil, true, false
		}
		out = append(out, now)
	}
	return out, true, true
}
