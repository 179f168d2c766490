package compare

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

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
