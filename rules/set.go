package rules

import (
	"net/netip"

	"github.com/rulegate/rulegate/rules/value"
)

// setFrom is the number of elements from which a list that is looked into often
// becomes a set: a shorter one is compared element by element as fast.
const setFrom = 8

// set is the elements of a list, for evals in and notIn of one type. It has what a
// comparison with each element would find.
type set struct {
	typ     *operandType
	texts   map[string]struct{}
	numbers map[float64][]value.Decimal // by the nearest double, as several numbers may share one
	blocks  []netip.Prefix              // of ip; an address is a block of one
}

// newSet makes a set of the elements that are of the type. The others can equal
// no value of the type.
func newSet(t *operandType, elems []value.Value) *set {
	s := &set{typ: t}
	switch t {
	case &stringType:
		s.texts = make(map[string]struct{}, len(elems))
	case &numberType:
		s.numbers = make(map[float64][]value.Decimal, len(elems))
	case &ipType:
		s.blocks = make([]netip.Prefix, 0, len(elems))
	}
	for _, e := range elems {
		s.add(e)
	}
	return s
}

func (s *set) add(e value.Value) {
	switch s.typ {
	case &stringType:
		if text, ok := e.Text(); ok {
			s.texts[text] = struct{}{}
		}
	case &numberType:
		if d, ok := value.DecimalOf(e); ok {
			s.numbers[d.Nearest()] = append(s.numbers[d.Nearest()], d)
		}
	case &ipType:
		if p, ok := blockOf(e); ok {
			s.blocks = append(s.blocks, p)
		}
	}
}

// has reports whether v, which is of the type, is in the set, and how many steps that
// took.
func (s *set) has(v value.Value) (found bool, steps int) {
	switch s.typ {
	case &stringType:
		text, _ := v.Text()
		_, found = s.texts[text]
		return found, stepsSet
	case &numberType:
		d, _ := value.DecimalOf(v)
		near := s.numbers[d.Nearest()]
		for i := range near {
			if near[i].Compare(d) == 0 {
				return true, stepsSet + i
			}
		}
		return false, stepsSet + len(near)
	}
	return s.hasAddress(v)
}

// hasAddress looks for a block around an address. The blocks are read already,
// which is most of the work.
func (s *set) hasAddress(v value.Value) (found bool, steps int) {
	a, _ := addressOf(v)
	for i := range s.blocks {
		if s.blocks[i].Contains(a) {
			return true, i + 1
		}
	}
	return false, 1 + len(s.blocks)
}

// setOf returns the set of a list that is at hand and looked into often, nil for
// another list.
func (r *run) setOf(t *operandType, list value.Value) *set {
	d := list.Derived()
	if d == nil || list.Len() < setFrom {
		return nil
	}
	if s, ok := d.Load().(*set); ok {
		if s.typ != t {
			return nil // the list is used under another type too, which is rare
		}
		return s
	}
	if !d.Often() || !r.spend(list.Len()*t.steps*4) {
		return nil
	}
	s := newSet(t, list.Elements())
	d.Keep(s)
	return s
}
