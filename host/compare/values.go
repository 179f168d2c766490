package compare

import (
	"cmp"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

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

// kinds adds a value of each other type. A value that is only replaced or removed
// may have any.
func (c *collector) kinds() {
	if p := c.place; p.changed && !p.transformed && !p.copied && len(p.uses) == 0 && p.element == nil && len(p.below) == 0 {
		return
	}
	has := func(k value.Kind) bool {
		return slices.ContainsFunc(c.found, func(x choice) bool { return x.value.Kind() == k })
	}
	for _, v := range []value.Value{value.NullValue, value.Boolean(true), value.Int(0), value.Str("x"), value.Arr(), value.Obj()} {
		if !has(v.Kind()) {
			c.add(v, false)
		}
	}
	if c.place.domain == texts {
		c.add(value.Arr(value.Str("x"), value.Str("x")), false)
	}
}

// has reports whether a request can have the value there.
func (d domain) has(v value.Value) bool {
	s, isText := v.Text()
	if v.Kind() == value.Missing {
		return d != object && d != textMap && d != operation && d != status && d != address
	}
	switch d {
	case operation:
		return s == "one" || s == "all" || s == "count" || s == "distinct"
	case anyJSON, replied:
		return true
	case object:
		return v.Kind() == value.Object
	case text:
		return isText && isPlain(s)
	case texts:
		return isText && isPlain(s) || v.Kind() == value.Array && v.Len() > 1 && all(v, text.has)
	case textMap:
		return v.Kind() == value.Object && all(v, texts.has)
	case address:
		_, err := netip.ParseAddr(s)
		return err == nil
	case status:
		n, ok := value.Index(v)
		return ok && n >= 200 && n <= 599
	case moment, targeted:
		return isText
	}
	return false
}

func all(v value.Value, f func(value.Value) bool) bool {
	ok := true
	v.Each(func(_ string, x value.Value) bool {
		ok = f(x)
		return ok
	})
	return ok
}

// isPlain reports whether a text can be the value of a header or of a parameter as
// it is.
func isPlain(s string) bool {
	return strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// outputs returns the values of a type of which one stands for each class that the
// group's comparisons tell apart. whole is false where classes may be missing.
func (g *group) outputs(typ string, p *place) (out []value.Value, whole bool) {
	if of, ok := strings.CutPrefix(typ, "list "); ok {
		elems, whole := g.outputs(of, p)
		out = append(out, value.Arr(), value.Arr(value.NullValue))
		for _, e := range elems {
			out = append(out, value.Arr(e))
		}
		return out, whole && g.lists() < 2
	}
	places := len(g.places)
	whole = true
	switch typ {
	case "string":
		t := g.stringTests(p)
		texts, all := t.texts()
		for _, s := range texts {
			out = append(out, value.Str(s))
		}
		return out, all
	case "number":
		var constants []*big.Rat
		for _, v := range g.literals("number") {
			if r, ok := ratOf(v); ok {
				constants = append(constants, r)
			} else if v.Kind() == value.Number {
				whole = false
			}
		}
		for _, r := range numbers(constants, places) {
			out = append(out, decimal(r))
		}
	case "bool":
		out = append(out, value.Boolean(true), value.Boolean(false))
	case "date":
		var constants []time.Time
		for _, v := range g.literals("date") {
			s, _ := v.Text()
			if t, ok := rules.ParseDate(s); ok {
				constants = append(constants, t)
			}
		}
		for _, t := range instants(constants, places) {
			out = append(out, dateText(t))
		}
	case "ip":
		var blocks []netip.Prefix
		for _, v := range g.literals("ip") {
			s, _ := v.Text()
			if a, err := netip.ParseAddr(s); err == nil {
				blocks = append(blocks, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			} else if b, err := netip.ParsePrefix(s); err == nil {
				if b.Addr().Is4In6() && b.Bits() >= 96 {
					b = netip.PrefixFrom(b.Addr().Unmap(), b.Bits()-96)
				}
				blocks = append(blocks, b)
			}
		}
		for _, a := range addresses(blocks, places) {
			out = append(out, value.Str(a.String()))
		}
	case "any":
		out = g.literals("any")
		for _, of := range []string{"number", "bool", "date", "ip"} {
			if g.has(of) {
				more, all := g.outputs(of, p)
				out, whole = append(out, more...), whole && all
			}
		}
		texts, all := g.outputs("string", p)
		out, whole = append(out, texts...), whole && all
	}
	return out, whole
}

// literals lists the values that the group is compared with under a type.
func (g *group) literals(typ string) (out []value.Value) {
	seen := map[string]bool{}
	for _, u := range g.uses() {
		if strings.TrimPrefix(u.typ, "list ") != typ {
			continue
		}
		for _, l := range u.literals {
			if s := l.Literal.String(); !seen[s] {
				seen[s] = true
				out = append(out, l.Literal)
			}
		}
	}
	return out
}

// has reports whether places of the group are compared under a type.
func (g *group) has(typ string) bool {
	return slices.ContainsFunc(g.uses(), func(u use) bool { return u.typ == typ })
}

// lists counts the arrays of the group in which values are looked for.
func (g *group) lists() (n int) {
	for _, u := range g.uses() {
		if strings.HasPrefix(u.typ, "list ") {
			n++
		}
	}
	return n
}
