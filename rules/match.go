package rules

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// match compares two operands: `f1 eval f2`.
type match struct {
	typ    string
	eval   string
	f1, f2 *operand
	list   *list // f2 of in and notIn
}

// list is what in and notIn look into: elements written in the rule, or a path
// to an array.
type list struct {
	elems []*operand
	from  *operand
}

// evals are the comparisons that each type has.
var evals = map[string][]string{
	"string": {"==", "!=", "in", "notIn", "startsWith", "endsWith", "contains"},
	"number": {"==", "!=", "<", "<=", ">", ">=", "in", "notIn"},
	"bool":   {"==", "!="},
	"date":   {"==", "!=", "<", "<=", ">", ">="},
	"ip":     {"==", "in", "notIn"},
}

func (m *match) reads(rs *roots) {
	m.f1.reads(rs)
	if m.list == nil {
		m.f2.reads(rs)
		return
	}
	if m.list.from != nil {
		m.list.from.reads(rs)
	}
	for _, e := range m.list.elems {
		e.reads(rs)
	}
}

func (m *match) run(r *run) result {
	v1 := m.f1.value(r)
	if v1.Kind() == value.Pending {
		return waiting
	}
	if m.list != nil {
		return m.in(r, v1)
	}
	v2 := m.f2.value(r)
	if v2.Kind() == value.Pending {
		return waiting
	}
	if res, ok := m.operandFault(m.f1, v1); !ok {
		return res
	}
	if res, ok := m.operandFault(m.f2, v2); !ok {
		return res
	}
	if m.holds(v1, v2) {
		return yes
	}
	return m.no()
}

func (m *match) no() result {
	f2 := "the list"
	if m.f2 != nil {
		f2 = m.f2.text
	}
	return result{outcome: No, reason: m.f1.text + " " + m.eval + " " + f2 + " does not hold"}
}

// operandFault says why a value cannot be compared: it is missing, or not of
// the rule's type.
func (m *match) operandFault(o *operand, v value.Value) (result, bool) {
	if v.Kind() == value.Missing {
		return unknown(o.text + " is missing"), false
	}
	if m.typed(v) {
		return result{}, true
	}
	want := m.typ
	if m.typ == "date" || m.typ == "ip" {
		if v.Kind() == value.String {
			return unknown(o.text + " is a string that is no " + want), false
		}
	}
	return unknown(o.text + ": want " + want + ", found " + found(v)), false
}

// typed says whether a value is of the rule's type.
func (m *match) typed(v value.Value) (ok bool) {
	switch m.typ {
	case "string":
		return v.Kind() == value.String
	case "number":
		_, ok = value.DecimalOf(v)
	case "bool":
		return v.Kind() == value.Bool
	case "date":
		_, ok = dateOf(v)
	case "ip":
		_, ok = addressOf(v)
	}
	return ok
}

// holds compares two values of the rule's type.
func (m *match) holds(v1, v2 value.Value) bool {
	switch m.typ {
	case "string":
		s1, _ := v1.Text()
		s2, _ := v2.Text()
		switch m.eval {
		case "startsWith":
			return strings.HasPrefix(s1, s2)
		case "endsWith":
			return strings.HasSuffix(s1, s2)
		case "contains":
			return strings.Contains(s1, s2)
		}
		return ordered(m.eval, strings.Compare(s1, s2))
	case "number":
		d1, _ := value.DecimalOf(v1)
		d2, _ := value.DecimalOf(v2)
		return ordered(m.eval, d1.Compare(d2))
	case "bool":
		return (m.eval == "==") == (v1.IsTrue() == v2.IsTrue())
	case "date":
		t1, _ := dateOf(v1)
		t2, _ := dateOf(v2)
		return ordered(m.eval, t1.Compare(t2))
	case "ip":
		a1, _ := addressOf(v1)
		a2, _ := addressOf(v2)
		return m.eval == "==" && a1 == a2
	}
	return false
}

func ordered(eval string, c int) bool {
	switch eval {
	case "==":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	}
	return false
}

// in decides in and notIn. Every element is resolved before any is compared: a
// reference that cannot be resolved makes the match unknown wherever it stands.
func (m *match) in(r *run, v1 value.Value) result {
	var elems []value.Value
	if m.list.from != nil {
		from := m.list.from.value(r)
		switch from.Kind() {
		case value.Pending:
			return waiting
		case value.Missing:
			return unknown(m.list.from.text + " is missing")
		case value.Array:
		default:
			return unknown(m.list.from.text + ": want array, found " + found(from))
		}
		from.Each(func(_ string, x value.Value) bool { elems = append(elems, x); return true })
	} else {
		for _, e := range m.list.elems {
			x := e.value(r)
			switch x.Kind() {
			case value.Pending:
				return waiting
			case value.Missing:
				return unknown(e.text + " is missing")
			}
			elems = append(elems, x)
		}
	}
	if res, ok := m.operandFault(m.f1, v1); !ok {
		return res
	}
	if slices.ContainsFunc(elems, func(x value.Value) bool { return m.element(v1, x) }) == (m.eval == "in") {
		return yes
	}
	return m.no()
}

// element says whether x is v1, or a block that holds it. Elements of another
// type are passed over.
func (m *match) element(v1, x value.Value) bool {
	if m.typ == "ip" {
		a, _ := addressOf(v1)
		if p, ok := prefixOf(x); ok {
			return p.Contains(a)
		}
		b, ok := addressOf(x)
		return ok && a == b
	}
	equal := match{typ: m.typ, eval: "=="}
	return equal.typed(x) && equal.holds(v1, x)
}

func dateOf(v value.Value) (t time.Time, ok bool) {
	s, ok := v.Text()
	if !ok {
		return t, false
	}
	return parseDate(s)
}

// addressOf reads an IP address. An IPv4 address that is mapped into IPv6 is
// that IPv4 address, or a client could choose the notation that a list forgot.
func addressOf(v value.Value) (a netip.Addr, ok bool) {
	s, ok := v.Text()
	if !ok {
		return a, false
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap(), err == nil && a.Zone() == ""
}

// prefixOf reads a CIDR block.
func prefixOf(v value.Value) (p netip.Prefix, ok bool) {
	s, ok := v.Text()
	if !ok {
		return p, false
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, false
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, true
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, true
}
