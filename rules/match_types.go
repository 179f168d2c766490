package rules

import (
	"net/netip"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

var (
	stringType = operandType[string]{
		name: "string", read: value.Value.Text,
		evals: append(equality[string](),
			eval[string]{"startsWith", strings.HasPrefix},
			eval[string]{"endsWith", strings.HasSuffix},
			eval[string]{"contains", strings.Contains},
			eval[string]{name: "matches"}), // compiled by itself
	}
	numberType = operandType[value.Decimal]{
		name: "number", read: value.DecimalOf, quantity: true,
		evals: order(value.Decimal.Compare),
	}
	boolType = operandType[bool]{
		name: "bool", read: boolOf, quantity: true,
		evals: equality[bool](),
	}
	dateType = operandType[time.Time]{
		name: "date", read: dateOf, form: "date: want RFC 3339 with a zone, or YYYY-MM-DD",
		evals: order(time.Time.Compare),
	}
	ipType = operandType[netip.Addr]{
		name: "ip", read: addressOf, form: "IP address",
		evals: equality[netip.Addr]()[:1],
	}

	anyType = operandType[value.Value]{
		name: "any", read: func(v value.Value) (value.Value, bool) { return v, true },
		evals: []eval[value.Value]{
			{"==", value.Equal},
			{"!=", func(a, b value.Value) bool { return !value.Equal(a, b) }},
		},
	}

	stringElements = elementType[string, string]{value.Value.Text, func(e, v string) bool { return e == v }}
	numberElements = elementType[value.Decimal, value.Decimal]{value.DecimalOf, func(e, v value.Decimal) bool { return e.Compare(v) == 0 }}
	ipElements     = elementType[netip.Addr, netip.Prefix]{blockOf, netip.Prefix.Contains}
)

func equality[T comparable]() []eval[T] {
	return []eval[T]{
		{"==", func(a, b T) bool { return a == b }},
		{"!=", func(a, b T) bool { return a != b }},
	}
}

func order[T any](compare func(a, b T) int) []eval[T] {
	return []eval[T]{
		{"==", func(a, b T) bool { return compare(a, b) == 0 }},
		{"!=", func(a, b T) bool { return compare(a, b) != 0 }},
		{"<", func(a, b T) bool { return compare(a, b) < 0 }},
		{"<=", func(a, b T) bool { return compare(a, b) <= 0 }},
		{">", func(a, b T) bool { return compare(a, b) > 0 }},
		{">=", func(a, b T) bool { return compare(a, b) >= 0 }},
	}
}

func boolOf(v value.Value) (is, ok bool) { return v.IsTrue(), v.Kind() == value.Bool }

func dateOf(v value.Value) (t time.Time, ok bool) {
	s, ok := v.Text()
	if !ok {
		return t, false
	}
	return ParseDate(s)
}

// addressOf reads an IP address. An IPv4 address that is mapped into IPv6 is
// that IPv4 address: otherwise a client could choose the notation that a list
// does not have.
func addressOf(v value.Value) (a netip.Addr, ok bool) {
	s, ok := v.Text()
	if !ok {
		return a, false
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap(), err == nil && a.Zone() == ""
}

// blockOf reads a CIDR block, or an address as the block of that address alone.
func blockOf(v value.Value) (p netip.Prefix, ok bool) {
	if a, ok := addressOf(v); ok {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	s, ok := v.Text()
	if !ok {
		return p, false
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, true
}
