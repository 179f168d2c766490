package compare

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// choice is a value that is tried at a place. The cost orders requests: the
// smallest request has the fewest, the shortest and the most usual values.
type choice struct {
	value value.Value
	odd   int // parts of another type than rules expect
	cost  int
}

// unusual is the cost of a value that has another type than rules expect.
const unusual = 60

// valuesOf returns the values that stand for all values of a place and of what is
// below it, the cheapest first, and beginning with none.
func (s *space) valuesOf(p *place) []choice {
	if p.values != nil {
		return p.values
	}
	p.values = []choice{} // of a place that chooses a key of itself
	c := collector{place: p, space: s}
	switch p.domain {
	case object, textMap: // they are always there
		c.add(value.Obj(), true)
	case operation:
		for _, op := range []string{"one", "all", "count", "distinct"} {
			c.add(value.Str(op), true)
		}
	case status:
		c.add(value.Int(200), true)
	case address:
		c.add(value.Str("127.0.0.1"), true)
	default:
		c.add(value.Value{}, false)
	}
	c.own()
	c.objects()
	c.arrays()
	c.kinds()
	slices.SortStableFunc(c.found, func(a, b choice) int { return cmp.Compare(a.cost, b.cost) })
	if len(c.found) > manyValues {
		s.notes.text(p.String() + ": more than " + strconv.Itoa(manyValues) + " values, some were left out")
		c.found = c.found[:manyValues]
	}
	p.values = c.found
	return p.values
}

// collector collects the values of one place.
type collector struct {
	*space
	place *place
	found []choice
	seen  map[string]bool
	usual map[value.Kind]bool // types that rules expect here
}

func (c *collector) add(v value.Value, usual bool) { c.addOdd(v, usual, 0) }

// addOdd adds a value with odd parts.
func (c *collector) addOdd(v value.Value, usual bool, odd int) {
	if !c.place.domain.has(v) {
		return
	}
	key := strconv.Itoa(int(v.Kind())) + v.String()
	if c.seen[key] {
		return
	}
	if c.seen == nil {
		c.seen, c.usual = map[string]bool{}, map[value.Kind]bool{}
	}
	c.seen[key] = true
	cost := 0
	if v.Kind() != value.Missing {
		if usual {
			c.usual[v.Kind()] = true
		} else if !c.usual[v.Kind()] {
			odd++
		}
		cost = 1 + len(v.String()) + odd*unusual
	}
	c.found = append(c.found, choice{v, odd, cost})
}

// own adds the values at which the comparisons of the place itself change.
func (c *collector) own() {
	g := groupOf(c.place)
	for _, u := range c.place.uses {
		if strings.HasPrefix(u.typ, "list ") && len(u.chain) == 0 && c.place.element != nil {
			continue // see arrays
		}
		outputs, whole := g.outputs(u.typ, c.place)
		if !whole || !exact(u) {
			c.notes.add(u.unit, "%s is compared in a way for which no complete set of values is known", c.place)
		}
		inputs := outputs
		for i := len(u.chain) - 1; i >= 0; i-- {
			inputs = u.chain[i].inputs(inputs)
		}
		for _, v := range inputs {
			c.add(c.shaped(v), true)
		}
	}
	if (c.place.copied || c.place.changed) && len(c.place.uses) == 0 {
		outputs, _ := g.outputs("string", c.place)
		for _, v := range outputs {
			c.add(v, true)
		}
	}
	for _, v := range c.place.extra {
		c.add(v, true)
	}
}

// shaped puts a value below a key that the request chooses, if rules read that.
func (c *collector) shaped(v value.Value) value.Value {
	if !c.place.dynamic {
		return v
	}
	c.add(value.Arr(v), true)
	for _, p := range c.place.chosenBy {
		for _, x := range c.valuesOf(p) {
			if key, ok := x.value.Text(); ok {
				c.add(value.Obj(value.Member{Key: key, Value: v}), true)
			}
		}
	}
	return value.Obj(value.Member{Key: chosenKey, Value: v})
}

// chosenKey is a key of objects whose keys the request chooses.
const chosenKey = "k"

// members are those of an object, and how many of their values are odd.
type members struct {
	list []value.Member
	odd  int
}

// objects adds objects with every combination of the values below the place.
func (c *collector) objects() {
	if len(c.place.below) == 0 {
		return
	}
	objects := []members{{}}
	for _, b := range c.place.below {
		var longer []members
		for _, ms := range objects {
			for _, x := range c.valuesOf(b) {
				if x.value.Kind() == value.Missing {
					longer = append(longer, ms)
				} else {
					longer = append(longer, members{append(ms.list[:len(ms.list):len(ms.list)], value.Member{Key: b.key, Value: x.value}), ms.odd + x.odd})
				}
			}
		}
		if len(longer) > manyValues {
			slices.SortStableFunc(longer, func(x, y members) int {
				return cmp.Or(cmp.Compare(x.odd, y.odd), cmp.Compare(len(x.list), len(y.list)))
			})
			c.notes.text(c.place.String() + ": more than " + strconv.Itoa(manyValues) + " objects, some were left out")
			longer = longer[:manyValues]
		}
		objects = longer
	}
	for _, ms := range objects {
		o := value.Obj(ms.list...)
		c.addOdd(o, true, ms.odd)
		if c.place.through {
			c.addOdd(value.Arr(o), true, ms.odd)
		}
		if list, ok := listOf(ms.list); ok && len(ms.list) > 0 {
			c.addOdd(list, true, ms.odd)
		}
	}
}

// listOf is an array of the members of an object whose keys are 0, 1 and so on.
func listOf(ms []value.Member) (value.Value, bool) {
	elems := make([]value.Value, len(ms))
	for _, m := range ms {
		i, ok := value.PlainIndex(m.Key)
		if !ok || i >= len(ms) {
			return value.Value{}, false
		}
		elems[i] = m.Value
	}
	return value.Arr(elems...), true
}

// arrays adds arrays of the elements that rules ask about. One element decides
// what some and every say, so there are as many elements as rules ask about them.
func (c *collector) arrays() {
	if c.place.element == nil {
		return
	}
	elems := c.distinct(c.valuesOf(c.place.element))
	type list struct {
		elems []value.Value
		odd   int
	}
	lists := []list{{}}
	c.add(value.Arr(), true)
	for range max(1, min(c.place.asked, 3)) {
		var longer []list
		for _, l := range lists {
			for _, e := range elems {
				l := list{append(l.elems[:len(l.elems):len(l.elems)], e.value), l.odd + e.odd}
				longer = append(longer, l)
				c.addOdd(value.Arr(l.elems...), true, l.odd)
			}
		}
		if lists = longer; len(c.found) > manyValues {
			break
		}
	}
	if c.place.asked > 3 && len(elems) > 3 {
		c.notes.text(c.place.String() + ": rules ask about its elements more than three times")
	}
}

// distinct keeps one element for each answer that some and every give about it, if
// they ask about nothing else.
func (c *collector) distinct(elems []choice) []choice {
	elems = slices.DeleteFunc(slices.Clone(elems), func(x choice) bool { return x.value.Kind() == value.Missing })
	if c.place.element.impure() || c.place.domain == replied {
		return elems
	}
	var asking []*unit
	for _, s := range c.sides {
		for _, u := range s.units {
			if !slices.Contains(u.reads, c.place) || len(u.inner) > 0 && !u.rule.Loops() || !u.pure {
				continue
			}
			for _, p := range u.reads {
				if !below(p, c.place) {
					return elems
				}
			}
			asking = append(asking, u)
		}
	}
	slices.SortFunc(asking, func(a, b *unit) int {
		return cmp.Or(cmp.Compare(a.side.index, b.side.index), strings.Compare(a.rule.Place(), b.rule.Place()))
	})
	seen := map[string]bool{}
	var out []choice
	for _, x := range elems {
		args, _ := value.Obj().Set(c.place.keys(), value.Arr(x.value))
		key := ""
		for _, u := range asking {
			key += answer(u.rule, args)
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, x)
		}
	}
	return out
}

// below reports whether p is q or below it.
func below(p, q *place) bool {
	for ; p != nil; p = p.above {
		if p == q {
			return true
		}
	}
	return false
}

// answer is the outcome of a clause that only tests, with all that a client would
// see of it.
func answer(r *rules.Rule, args value.Value) string {
	v := r.Eval(&rules.Input{Args: args, Verified: true, Now: Now}, rules.Memo{})
	return v.Outcome.String() + strconv.Itoa(v.Status) + v.Message + ";"
}
