package compare

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/value"
)

// trial is one request with the decisions of both policies.
type trial struct {
	c       *Case
	results [2]*simulate.Result
	way     string // by which clauses, and with which outcomes
}

// decide decides the request at hand. ok is false for one that cannot be sent, or
// that the rules see differently than it was meant.
func (x *explorer) decide() (t *trial, ok bool) {
	for _, r := range x.meeting.resources {
		if r != nil && r.Auth.Reads() {
			x.reads(x.token)
		}
	}
	c := x.current()
	r, ok := x.encode(c)
	if !ok {
		x.keepOrder()
		return nil, false
	}
	t = &trial{c: c}
	for i, s := range x.space.sides {
		tr := &tracer{explorer: x, side: s}
		r.Tracer = tr
		answers := &companion{explorer: x, side: s, trial: t}
		r.Companion = answers
		result, err := x.engine.simulators[i].Decide(r)
		if err != nil || tr.misread {
			x.space.notes.text("some requests could not be made as the rules would see them")
			x.keepOrder()
			return nil, false
		}
		t.results[i] = result
		t.way += string(tr.way) + "|"
	}
	if t.results[0].Upstream != nil {
		for _, p := range x.shown {
			x.reads(x.componentOf(p))
		}
	}
	return t, true
}

// keepOrder records all components that have another choice than the first as read:
// the request could not be decided because of them.
func (x *explorer) keepOrder() {
	for _, c := range x.stack {
		x.reads(c)
	}
}

// asMeant reports whether a rule of a side saw the values that were chosen.
func (x *explorer) asMeant(s *side, r *rules.Rule, args value.Value) bool {
	onResponse := s.resource.Response == r
	for _, c := range x.order {
		k := x.chosen(c)
		for i, slot := range c.slots {
			if slot == x.space.now || slot.domain == replied {
				continue
			}
			keys := slot.keys()
			root := keys[0]
			switch {
			case len(keys) == 3 && keys[1] == "headers" && slices.Contains(s.resource.Reserved, httpfield.Fold(keys[2])):
				continue // only the policy sets it
			case root == rules.RootParams && x.isArray():
				continue
			case (root == rules.RootRes || root == rules.RootResponse) != onResponse:
				continue // the rule on the response sees the request as it was sent on
			}
			if s.uses(root) && !seen(args, slot, k.values[i]) {
				return false
			}
		}
	}
	return true
}

// seen reports whether a value is at a place of args, or may still come there.
func seen(args value.Value, slot *place, want value.Value) bool {
	at := args
	for _, key := range slot.keys() {
		if at.Kind() == value.Pending {
			return true
		}
		at = at.Key(key)
	}
	if at.Kind() == value.Pending || want.Kind() == value.Missing {
		return at.Kind() == value.Pending || at.Kind() == value.Missing
	}
	return value.Equal(at, want)
}

func (s *side) uses(root string) bool {
	r := s.resource
	return r != nil && (r.Rule.Uses(root) || r.Response != nil && r.Response.Uses(root))
}

// companion answers the calls of a trial.
type companion struct {
	explorer *explorer
	side     *side
	trial    *trial
}

func (c *companion) Answer(calls []rules.Call) (out []rules.Reply, _ error) {
	for _, call := range calls {
		k := c.explorer.replyTo(&call)
		c.explorer.reads(k)
		reply := *c.explorer.chosen(k).reply
		if known := slices.ContainsFunc(c.trial.c.Replies, func(r Reply) bool { return r.of == k }); !known {
			c.trial.c.Replies = append(c.trial.c.Replies, Reply{call, reply, k})
			c.trial.c.Cost += c.explorer.chosen(k).cost
		}
		reply.ID = call.ID
		out = append(out, reply)
	}
	c.explorer.calls = true
	return out, nil
}

// replyTo returns the component that is the reply to a call. The same question has
// the same reply, whichever policy asks it.
func (x *explorer) replyTo(call *rules.Call) *component {
	key := call.Kind.String() + " " + call.URL
	if call.Kind == rules.Query {
		key = call.DB + " " + call.Col + " " + call.Find.String()
	}
	if c := x.replies[key]; c != nil {
		return c
	}
	c := &component{}
	if call.Kind == rules.Query {
		c.choices = x.rows(call)
	} else {
		c.choices = x.hooks(call)
	}
	if x.replies == nil {
		x.replies = map[string]*component{}
	}
	x.replies[key] = c
	return c
}

// stores lists the places at which the replies to a call are stored.
func (x *explorer) stores(call *rules.Call) (out []*place) {
	x.eachUnit(func(u *unit) {
		if u.store == nil {
			return
		}
		id := u.rule.CallID()
		same := call.ID == id || strings.HasSuffix(call.ID, "/"+id)
		if call.Kind == rules.Query {
			same = u.rule.Table() == rules.Table{DB: call.DB, Col: call.Col}
		}
		if same {
			out = append(out, u.store)
		}
	})
	return out
}

// rows are the replies to a query: no row, rows for each way in which rules read
// them, and a failure. The rows fit the conditions of the query.
func (x *explorer) rows(call *rules.Call) (out []combination) {
	where, err := query.Parse(call.Find)
	seen := map[string]bool{}
	add := func(v value.Value, cost int) {
		if v.Kind() != value.Array || !all(v, object.has) {
			return
		}
		if err == nil && call.Find.Kind() != value.Missing {
			var ok bool
			if v, ok = fitting(v, call.Find, where); !ok {
				return
			}
		}
		if !seen[v.String()] {
			seen[v.String()] = true
			out = append(out, combination{reply: &rules.Reply{Rows: v}, cost: cost})
		}
	}
	add(value.Arr(), 2)
	add(value.Arr(value.Obj()), 4)
	for _, p := range x.stores(call) {
		for _, v := range x.space.valuesOf(p) {
			add(v.value, v.cost)
		}
	}
	if len(out) < 2 {
		x.space.notes.text(call.Col + ": no row is known that fits the conditions of a query")
		out = append(out, combination{reply: &rules.Reply{Rows: value.Arr(value.Obj())}, cost: unusual})
	}
	return append(out, combination{reply: &rules.Reply{Err: "timeout"}, cost: unusual})
}

// fitting returns rows with the columns that the conditions want to have a value. ok
// is false if a row does not fit the conditions.
func fitting(rows, find value.Value, where query.Expr) (value.Value, bool) {
	var out []value.Value
	for _, row := range rows.Elements() {
		find.Each(func(column string, want value.Value) bool {
			if !strings.ContainsAny(column, "$.") && want.Kind() != value.Object && row.Key(column).Kind() == value.Missing {
				row = row.With(column, want)
			}
			return true
		})
		if !query.Match(where, query.OfJSON(row)) {
			return rows, false
		}
		out = append(out, row)
	}
	return value.Arr(out...), true
}

// hooks are the replies to a webhook.
func (x *explorer) hooks(call *rules.Call) (out []combination) {
	add := func(status int, body string, cost int) {
		out = append(out, combination{reply: &rules.Reply{Status: status, Body: body}, cost: cost})
	}
	add(200, "", 3)
	add(403, "", 4)
	for _, p := range x.stores(call) {
		for _, v := range x.space.valuesOf(p) {
			if v.value.Kind() != value.Missing {
				add(200, v.value.String(), 3+v.cost)
			}
		}
	}
	return append(out, combination{reply: &rules.Reply{Err: "timeout"}, cost: unusual})
}
