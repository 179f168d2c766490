package rules

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

func (c *compiler) match(r *Rule, spec value.Value, place string) clause {
	m := &match{}
	m.typ, m.eval = c.text(spec, place, "type"), c.text(spec, place, "eval")
	evals, ok := evals[m.typ]
	switch {
	case m.typ == "" || m.eval == "":
		return nil // reported
	case !ok:
		c.faults.add(Join(place, "type"), "unknown type %q: want string, number, bool, date or ip", m.typ)
		return nil
	case !slices.Contains(evals, m.eval):
		c.faults.add(Join(place, "eval"), "unknown eval %q: type %s has %s", m.eval, m.typ, strings.Join(evals, " "))
		return nil
	}
	m.f1 = c.operand(m, spec, place, "f1")
	if m.eval == "in" || m.eval == "notIn" {
		m.list = c.list(m, spec, place)
	} else {
		m.f2 = c.operand(m, spec, place, "f2")
	}
	if m.f1 == nil || m.f2 == nil && m.list == nil {
		return nil
	}
	m.reads(&r.reads)
	return m
}

// operand compiles f1 or f2. What is written there must be of the rule's type.
func (c *compiler) operand(m *match, spec value.Value, place, field string) *operand {
	v := spec.Key(field)
	if v.Kind() == value.Missing {
		return nil // reported
	}
	o := c.element(m, v, Join(place, field))
	if o == nil || !o.isLiteral() || m.typed(o.literal) {
		return o
	}
	at := Join(place, field)
	switch {
	case m.typ == "date" && v.Kind() == value.String:
		c.faults.add(at, "%s is no date: want RFC 3339 with a zone, or YYYY-MM-DD", v)
	case m.typ == "ip" && v.Kind() == value.String:
		c.faults.add(at, "%s is no IP address", v)
	default:
		c.faults.add(at, "want %s, found %s", m.typ, found(v))
	}
	return nil
}

// element compiles a value that may be a reference; under number and bool every
// string of f1 and f2 is one.
func (c *compiler) element(m *match, v value.Value, at string) *operand {
	s, isText := v.Text()
	if isText && (m.typ == "number" || m.typ == "bool") && !c.reach.isReference(s) {
		c.faults.add(at, "%v: under type %s every string is a reference", wantReference(s), m.typ)
		return nil
	}
	o, err := c.reach.operand(v)
	if err != nil {
		c.faults.add(at, "%v", err)
		return nil
	}
	return o
}

// list compiles the f2 of in and notIn.
func (c *compiler) list(m *match, spec value.Value, place string) *list {
	v, at := spec.Key("f2"), Join(place, "f2")
	if v.Kind() == value.Missing {
		return nil // reported
	}
	if s, ok := v.Text(); ok && c.reach.isReference(s) {
		o, err := c.reach.reference(s)
		if err != nil {
			c.faults.add(at, "%v", err)
			return nil
		}
		return &list{from: o}
	}
	if v.Kind() != value.Array {
		c.faults.add(at, "%s wants an array or a reference to one, found %s", m.eval, found(v))
		return nil
	}
	l := &list{elems: []*operand{}}
	v.Each(func(_ string, x value.Value) bool {
		where := Elem(at, len(l.elems))
		o, err := c.reach.operand(x)
		if err != nil {
			c.faults.add(where, "%v", err)
			o = &operand{literal: x}
		} else if s, ok := o.literal.Text(); ok {
			c.listText(m, s, where)
		}
		l.elems = append(l.elems, o)
		return true
	})
	return l
}

// listText reports a string in a written list that is meant to be a date or an
// address and is none: passing over a typing error would open a block list.
func (c *compiler) listText(m *match, s, at string) {
	if m.typ != "ip" {
		return
	}
	if _, err := netip.ParsePrefix(s); err == nil {
		return
	}
	if _, ok := addressOf(value.Str(s)); !ok {
		c.faults.add(at, "%q is no IP address and no CIDR block", s)
	}
}
