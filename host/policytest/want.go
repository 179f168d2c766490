package policytest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// want is the outcome that a case must have. Its zero fields are not compared.
type want struct {
	place  string
	status string // allow, deny or a number; "": not compared

	refusal message // error, in place of a body
	reason  string
	clause  string
	route   string

	upstream *upstreamWant
	client   message
	calls    *callsWant
}

// message is the expected content of a message.
type message struct {
	headers []headerWant
	json    value.Value // Missing: not compared
	body    *string
	form    [][2]string
	hasForm bool
}

type upstreamWant struct {
	method, path string
	query        [][2]string
	hasQuery     bool
	message
}

// headerWant is the expected values of a header; none: it must be absent.
type headerWant struct {
	name   string
	values []string
}

// callsWant are the expected calls.
type callsWant struct {
	exact bool // no others may be made
	calls []callWant
}

type callWant struct {
	target  string
	not     bool // the call must not be made
	times   int  // 0: at least once
	find    value.Value
	json    value.Value
	claims  value.Value
	headers value.Value
}

// want reads the expectations of a case.
func (r *reader) want(m member, c *Case) *want {
	w := &want{place: m.place}
	if m.value.Kind() != value.Object {
		w.status = r.status(m, c)
		return w
	}
	if m.value.Len() == 0 {
		r.fault(m.place, "asserts nothing")
	}
	at := func(name string) member { return member{m.value.Key(name), rules.Join(m.place, name)} }
	if s := at("status"); s.value.Kind() != value.Missing {
		w.status = r.status(s, c)
	}
	if text, ok := at("error").value.Text(); ok {
		w.refusal.json = value.Obj(value.Member{Key: "error", Value: value.Str(text)})
	}
	w.reason, _ = at("reason").value.Text()
	w.clause = r.known(at("clause"), "clause", r.names.clauses, func(name string) bool { return r.names.places[name] })
	w.route = r.known(at("route"), "route or other resource", r.names.resources, nil)
	if u := at("upstream"); u.value.Kind() != value.Missing {
		w.upstream = r.upstream(u)
	}
	w.client = r.message(m, "form")
	if calls := at("calls"); calls.value.Kind() != value.Missing {
		w.calls = r.calls(calls)
	}
	r.contradictions(w, m, c)
	return w
}

// contradictions adds faults for expectations that no result can fulfil.
func (r *reader) contradictions(w *want, m member, c *Case) {
	passes := w.status == "allow"
	if n, err := strconv.Atoi(w.status); err == nil && n < 400 {
		passes = true
	}
	for _, name := range []string{"error", "reason", "clause"} {
		if passes && m.value.Key(name).Kind() != value.Missing {
			r.atKey(rules.Join(m.place, name), "only a refusal has it, and status is %s", w.status)
		}
	}
	if w.status == "deny" && w.upstream != nil && c.request.Response == nil {
		r.atKey(rules.Join(m.place, "upstream"), "the upstream gets nothing of a request that is refused")
	}
	for _, name := range []string{"headers", "json", "body"} {
		if passes && c.request.Response == nil && m.value.Key(name).Kind() != value.Missing {
			r.atKey(rules.Join(m.place, name), "the client gets the upstream's response: give `response`, or compare `upstream`")
		}
	}
}

// status reads allow, deny or a number.
func (r *reader) status(m member, c *Case) string {
	if text, ok := m.value.Text(); ok {
		return text
	}
	n := integer(m.value, 0)
	if n < 400 && c.request.Response == nil {
		r.fault(m.place, "a status below 400 is the upstream's: give `response`, or want `allow`")
	}
	return strconv.Itoa(n)
}

// known reads a name that the policy must have.
func (r *reader) known(m member, what string, names []string, also func(string) bool) string {
	name, ok := m.value.Text()
	if ok && !slices.Contains(names, name) && (also == nil || !also(name)) {
		r.fault(m.place, "%s has no %s of this name%s", r.PolicyPath, what, other(name, names))
	}
	return name
}

func (r *reader) upstream(m member) *upstreamWant {
	u := &upstreamWant{message: r.message(m, "")}
	if m.value.Len() == 0 {
		r.fault(m.place, "asserts nothing")
	}
	u.method, _ = m.value.Key("method").Text()
	u.path, _ = m.value.Key("path").Text()
	if strings.Contains(u.path, "?") {
		r.fault(rules.Join(m.place, "path"), "want the path without the query, and `query` beside it")
	}
	if q := m.value.Key("query"); q.Kind() != value.Missing {
		u.query, u.hasQuery = r.pairs(member{q, rules.Join(m.place, "query")}), true
	}
	return u
}

// message reads the expected content of a message. without names a member that it does
// not have.
func (r *reader) message(m member, without string) (w message) {
	m.value.Key("headers").Each(func(name string, v value.Value) bool {
		h := headerWant{name: strings.ToLower(name)}
		switch v.Kind() {
		case value.Null:
		case value.Array:
			for i, x := range v.Elements() {
				text, ok := x.Text()
				if !ok {
					r.fault(rules.Elem(rules.Join(rules.Join(m.place, "headers"), name), i), "want a string, found %s", x.Kind())
				}
				h.values = append(h.values, text)
			}
		case value.String:
			text, _ := v.Text()
			h.values = []string{text}
		default:
			r.fault(rules.Join(rules.Join(m.place, "headers"), name), "want a string, an array or null, found %s", v.Kind())
		}
		w.headers = append(w.headers, h)
		return true
	})
	kind := ""
	for _, name := range []string{"json", "form", "body"} {
		v := m.value.Key(name)
		at := rules.Join(m.place, name)
		switch {
		case v.Kind() == value.Missing || name == without:
		case kind != "":
			r.atKey(at, "there is `%s` already; want one of the two", kind)
		case name == "json":
			kind, w.json = name, v
		case name == "form":
			kind, w.form, w.hasForm = name, r.pairs(member{v, at}), true
		default:
			text, _ := v.Text()
			kind, w.body = name, &text
		}
	}
	return w
}

func (r *reader) calls(m member) *callsWant {
	w := &callsWant{exact: m.value.Kind() == value.Array}
	if w.exact {
		for i, v := range m.value.Elements() {
			target, _ := v.Text()
			r.callTarget(target, rules.Elem(m.place, i))
			w.calls = append(w.calls, callWant{target: target})
		}
		return w
	}
	if m.value.Len() == 0 {
		r.fault(m.place, "asserts nothing; [] wants no call at all")
	}
	m.value.Each(func(target string, v value.Value) bool {
		at := rules.Join(m.place, target)
		r.callTarget(target, at)
		c := callWant{target: target, not: v.Kind() == value.Bool && !v.IsTrue()}
		if v.Kind() == value.Object {
			if v.Len() == 0 {
				r.fault(at, "asserts nothing; want true")
			}
			c.find, c.json, c.claims, c.headers = v.Key("find"), v.Key("json"), v.Key("claims"), v.Key("headers")
			c.times = integer(v.Key("times"), 0)
		}
		w.calls = append(w.calls, c)
		return true
	})
	return w
}

// callTarget checks that a rule of the policy calls the target.
func (r *reader) callTarget(target, place string) {
	names := append(r.names.tableNames(), r.names.webhooks...)
	if !slices.Contains(names, target) {
		r.atKey(place, "no rule of %s makes this call%s", r.PolicyPath, other(target, names))
	}
}

// callsTo lists the calls to a target.
func callsTo(target string, result *simulate.Result) (calls []*simulate.Call) {
	for i := range result.Calls {
		if simulate.Target(&result.Calls[i].Call) == target {
			calls = append(calls, &result.Calls[i])
		}
	}
	return calls
}
