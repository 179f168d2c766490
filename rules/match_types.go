package rules

import (
	"cmp"
	"net/netip"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// operandType is a type that a match compares values of. The tables of this file
// hold no closures, so that the linker lays them out and no code does.
type operandType struct {
	name     string
	form     string // of the strings of the type, for faults; "" unless they have one
	quantity bool   // number or bool: a string in f1 and f2 is always a reference
	steps    int    // of reading a value for a comparison
	bytes    int    // of a value, for which another step is counted
	evals    []eval
	// element reports whether v, which is of the type, is e or in e. nil: the type
	// has neither in nor notIn.
	element func(e, v value.Value) bool
}

// eval is a comparison by its name in rules.
type eval struct {
	name     string
	compare  func(a, b value.Value) (c int, wrong side)
	relation relation
}

// side is the operand that is not of the type.
type side uint8

const (
	neither side = iota
	first
	second
)

// relation is the order of two operands that an eval wants.
type relation uint8

const (
	equal relation = iota
	unequal
	less
	atMost
	greater
	atLeast
)

// holds reports whether the relation holds for operands that compare as c.
func (r relation) holds(c int) bool {
	switch r {
	case equal:
		return c == 0
	case unequal:
		return c != 0
	case less:
		return c < 0
	case atMost:
		return c <= 0
	case greater:
		return c > 0
	case atLeast:
		return c >= 0
	}
	return false
}

var operandTypes = [...]*operandType{&stringType, &numberType, &boolType, &dateType, &ipType, &anyType}

var (
	stringType = operandType{name: "string", steps: 1, bytes: bytesCopied, element: isText, evals: []eval{
		{"==", compareTexts, equal}, {"!=", compareTexts, unequal},
		{"startsWith", comparePrefix, equal}, {"endsWith", compareSuffix, equal}, {"contains", comparePart, equal},
		{name: "matches"}, // compiled by itself
	}}
	numberType = operandType{name: "number", steps: 2, bytes: bytesMatched, quantity: true, element: isNumber, evals: []eval{
		{"==", compareNumbers, equal}, {"!=", compareNumbers, unequal}, {"<", compareNumbers, less},
		{"<=", compareNumbers, atMost}, {">", compareNumbers, greater}, {">=", compareNumbers, atLeast},
	}}
	boolType = operandType{name: "bool", steps: 1, bytes: bytesCopied, quantity: true, evals: []eval{
		{"==", compareBools, equal}, {"!=", compareBools, unequal},
	}}
	dateType = operandType{name: "date", steps: stepsDate, bytes: bytesMatched, form: "date: want RFC 3339 with a zone, or YYYY-MM-DD", evals: []eval{
		{"==", compareDates, equal}, {"!=", compareDates, unequal}, {"<", compareDates, less},
		{"<=", compareDates, atMost}, {">", compareDates, greater}, {">=", compareDates, atLeast},
	}}
	ipType  = operandType{name: "ip", steps: stepsAddress, bytes: bytesMatched, form: "IP address", element: isInBlock, evals: []eval{{"==", compareAddresses, equal}}}
	anyType = operandType{name: "any", steps: 1, bytes: 1, evals: []eval{{"==", compareValues, equal}, {"!=", compareValues, unequal}}}
)

// typed reports whether a value is of the type.
func (t *operandType) typed(v value.Value) bool {
	_, wrong := t.evals[0].compare(v, v)
	return wrong == neither
}

// sideOf is the first operand that is not of the type.
func sideOf(ok1, ok2 bool) side {
	switch {
	case !ok1:
		return first
	case !ok2:
		return second
	}
	return neither
}

// differ is 0 for equal operands.
func differ(same bool) int {
	if same {
		return 0
	}
	return 1
}

func compareTexts(a, b value.Value) (int, side) {
	s, ok1 := a.Text()
	t, ok2 := b.Text()
	return differ(s == t), sideOf(ok1, ok2)
}

func comparePrefix(a, b value.Value) (int, side) {
	s, ok1 := a.Text()
	t, ok2 := b.Text()
	return differ(strings.HasPrefix(s, t)), sideOf(ok1, ok2)
}

func compareSuffix(a, b value.Value) (int, side) {
	s, ok1 := a.Text()
	t, ok2 := b.Text()
	return differ(strings.HasSuffix(s, t)), sideOf(ok1, ok2)
}

func comparePart(a, b value.Value) (int, side) {
	s, ok1 := a.Text()
	t, ok2 := b.Text()
	return differ(strings.Contains(s, t)), sideOf(ok1, ok2)
}

func compareNumbers(a, b value.Value) (int, side) {
	x, ok1 := value.DecimalOf(a)
	y, ok2 := value.DecimalOf(b)
	if !ok1 || !ok2 {
		return 1, sideOf(ok1, ok2)
	}
	return x.Compare(y), neither
}

func compareBools(a, b value.Value) (int, side) {
	return differ(a.IsTrue() == b.IsTrue()), sideOf(a.Kind() == value.Bool, b.Kind() == value.Bool)
}

func compareDates(a, b value.Value) (int, side) {
	t, ok1 := dateOf(a)
	u, ok2 := dateOf(b)
	if t.Before(u) {
		return -1, sideOf(ok1, ok2)
	}
	return cmp.Compare(differ(t.Equal(u)), 0), sideOf(ok1, ok2)
}

func compareAddresses(a, b value.Value) (int, side) {
	x, ok1 := addressOf(a)
	y, ok2 := addressOf(b)
	return differ(x == y), sideOf(ok1, ok2)
}

func compareValues(a, b value.Value) (int, side) { return differ(value.Equal(a, b)), neither }

func isText(e, v value.Value) bool {
	c, wrong := compareTexts(e, v)
	return c == 0 && wrong == neither
}

func isNumber(e, v value.Value) bool {
	c, wrong := compareNumbers(e, v)
	return c == 0 && wrong == neither
}

func isInBlock(e, v value.Value) bool {
	block, ok1 := blockOf(e)
	a, ok2 := addressOf(v)
	return ok1 && ok2 && block.Contains(a)
}

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
