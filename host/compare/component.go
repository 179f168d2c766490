package compare

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// component is a set of places whose values are chosen together, because some
// clause reads several of them. Clauses that read different components do not
// depend on each other.
type component struct {
	slots   []*place // chosen as a whole
	target  bool     // the target is chosen with them
	choices []combination
	bare    []combination // without a valid token: args.auth is absent then
	member  bool          // the places are below args.params
}

// combination is one choice of a component: a value for each slot, and the target.
type combination struct {
	values []value.Value
	target *target
	reply  *rules.Reply // of a call
	token  *tokenChoice
	shape  value.Value // of args.params
	cost   int
}

// maxProduct bounds the combinations of one component that are looked at.
const maxProduct = 20_000

// build finds the components of a meeting and their choices.
func (x *explorer) build() {
	bySlot := map[*place]*component{}
	componentOf := func(p *place) *component {
		slot := p.slot()
		target := slot.domain == targeted
		if target {
			slot = x.targetSlot()
		}
		c := bySlot[slot]
		if c == nil {
			c = &component{target: target}
			if !target {
				c.slots = []*place{slot}
			}
			bySlot[slot] = c
			x.components = append(x.components, c)
		}
		return c
	}
	merge := func(a, b *component) {
		if a == b {
			return
		}
		a.slots, a.target = append(a.slots, b.slots...), a.target || b.target
		for slot, c := range bySlot {
			if c == b {
				bySlot[slot] = a
			}
		}
		x.components = slices.DeleteFunc(x.components, func(c *component) bool { return c == b })
	}
	x.eachUnit(func(u *unit) {
		var first *component
		for _, p := range u.reads {
			if p.domain == replied || p.domain == nothing || p.domain == fixed {
				continue
			}
			c := componentOf(p)
			switch {
			case first == nil:
				first = c
			case u.pure:
				merge(first, c)
			}
		}
	})
	for _, p := range x.shown {
		componentOf(p)
	}
	x.bySlot = bySlot
	if params := x.space.root.at(rules.RootParams); params.domain == anyJSON && !params.whole() {
		x.shape = &component{choices: []combination{{}, {shape: value.Obj(), cost: 2}, {shape: value.Arr(), cost: unusual}}}
	}
	for _, c := range x.components {
		c.choices = x.choose(c, false)
		if c.bare = c.choices; slices.ContainsFunc(c.slots, x.needsToken) {
			c.bare = x.choose(c, true)
		}
		c.member = !slices.ContainsFunc(c.slots, func(p *place) bool { return p.keys()[0] != rules.RootParams })
	}
}

// targetSlot stands for the method, the host and the path together.
func (x *explorer) targetSlot() *place { return x.where }

func (x *explorer) needsToken(slot *place) bool {
	keys := slot.keys()
	return len(keys) > 0 && keys[0] == rules.RootAuth
}

// eachUnit calls f for every clause of both sides, in the order of the rules.
func (x *explorer) eachUnit(f func(*unit)) {
	var walk func(*unit)
	walk = func(u *unit) {
		f(u)
		for _, in := range u.inner {
			walk(in)
		}
	}
	for _, s := range x.space.sides {
		for _, u := range s.roots {
			walk(u)
		}
	}
}

// choose returns the combinations of a component, the cheapest first: one for each
// way in which the clauses that read it come out. bare are those of a request
// without a token.
//
// Where a value goes on, to the upstream or into a call, two values are kept of
// each type: of two places from which a value may come, two values tell which. If a
// clause reads a value that an action has changed, all values are kept.
func (x *explorer) choose(c *component, bare bool) []combination {
	all, exact := x.combinations(c, bare)
	if !exact {
		return all
	}
	blocks := x.blocks(c)
	kept := map[string]int{}
	var out []combination
	for _, k := range all {
		key, goesOn := "", 0
		for i, slot := range c.slots {
			if slot.impure() {
				key += outline(k.values[i]) + " "
				goesOn = 1
			}
		}
		for _, u := range blocks {
			key += x.answer(u, c, k)
		}
		if kept[key] <= goesOn {
			kept[key]++
			out = append(out, k)
		}
	}
	return out
}

// outline is a value without its texts, numbers and truth values.
func outline(v value.Value) string {
	var parts []string
	switch v.Kind() {
	case value.Array:
		for _, x := range v.Elements() {
			parts = append(parts, outline(x))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case value.Object:
		for _, m := range v.Members() {
			parts = append(parts, m.Key+":"+outline(m.Value))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return v.Kind().String()
}

// combinations lists all combinations of a component. exact reports that clauses
// tell all that is to be known of them.
func (x *explorer) combinations(c *component, bare bool) (all []combination, exact bool) {
	all, exact = []combination{{}}, true
	if c.target {
		all = all[:0]
		for _, t := range x.targets() {
			all = append(all, combination{target: t, cost: t.cost()})
		}
	}
	for _, slot := range c.slots {
		exact = exact && !slot.aliased() && !slot.comparedWithReplies()
		values := x.space.valuesOf(slot)
		if bare && x.needsToken(slot) {
			values = []choice{{}}
		}
		var longer []combination
		for _, v := range values {
			for _, k := range all {
				longer = append(longer, combination{values: append(k.values[:len(k.values):len(k.values)], v.value), target: k.target, cost: k.cost + v.cost})
			}
		}
		slices.SortStableFunc(longer, byCost)
		if len(longer) > maxProduct {
			x.space.notes.text(slot.String() + ": more than " + strconv.Itoa(maxProduct) + " combinations with other values, some were left out")
			longer = longer[:maxProduct]
		}
		all = longer
	}
	slices.SortStableFunc(all, byCost)
	return all, exact
}

func byCost(a, b combination) int { return cmp.Compare(a.cost, b.cost) }

// blocks lists the largest clauses that only test the component.
func (x *explorer) blocks(c *component) (out []*unit) {
	var find func(u *unit)
	find = func(u *unit) {
		if only, some := x.readsOnly(u, c); u.pure && only {
			if some {
				out = append(out, u)
			}
			return
		}
		for _, in := range u.inner {
			find(in)
		}
	}
	for _, s := range x.space.sides {
		for _, u := range s.roots {
			find(u)
		}
	}
	return out
}

// readsOnly reports whether a clause, with those inside it, reads nothing but the
// component, and whether it reads that.
func (x *explorer) readsOnly(u *unit, c *component) (only, some bool) {
	if u.verified {
		return false, false
	}
	only = true
	for _, p := range u.reads {
		in := x.componentOf(p) == c
		only, some = only && in, some || in
	}
	for _, in := range u.inner {
		o, s := x.readsOnly(in, c)
		only, some = only && o, some || s
	}
	return only, some
}

// componentOf returns the component of a place, nil for one that no request brings.
func (x *explorer) componentOf(p *place) *component {
	slot := p.slot()
	if slot.domain == targeted {
		slot = x.targetSlot()
	}
	return x.bySlot[slot]
}

// answer is the outcome of a clause for a combination of the one component that it
// reads.
func (x *explorer) answer(u *unit, c *component, k combination) string {
	args, now := value.Obj(), Now
	if k.target != nil {
		args = x.withTarget(args, k.target, u.side.index)
	}
	for i, slot := range c.slots {
		if slot == x.space.now {
			now = timeOf(k.values[i])
			continue
		}
		if k.values[i].Kind() != value.Missing {
			args, _ = args.Set(slot.keys(), k.values[i])
		}
	}
	v := u.rule.Eval(&rules.Input{Args: args, Verified: true, Now: now}, rules.Memo{})
	return v.Outcome.String() + strconv.Itoa(v.Status) + v.Message + ";"
}

func timeOf(v value.Value) time.Time {
	s, _ := v.Text()
	if t, ok := rules.ParseDate(s); ok {
		return t
	}
	return Now
}
