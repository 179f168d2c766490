package compare

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// instants returns dates of which one stands for each class that comparisons with
// the constants, and of some places with each other, tell apart.
func instants(constants []time.Time, places int) (out []time.Time) {
	slices.SortFunc(constants, time.Time.Compare)
	constants = slices.CompactFunc(constants, time.Time.Equal)
	if len(constants) == 0 {
		constants = []time.Time{Now}
	}
	for n := places; n > 0; n-- {
		out = append(out, constants[0].Add(-time.Duration(n)*time.Second))
	}
	for i, c := range constants {
		out = append(out, c)
		if i+1 == len(constants) {
			break
		}
		gap := constants[i+1].Sub(c)
		step := min(time.Second, gap/time.Duration(places+1))
		for n := 1; n <= places && step > 0; n++ {
			out = append(out, c.Add(time.Duration(n)*step))
		}
		if before := constants[i+1].Add(-time.Second); before.After(out[len(out)-1]) {
			out = append(out, before)
		}
	}
	for n := 1; n <= places; n++ {
		out = append(out, constants[len(constants)-1].Add(time.Duration(n)*time.Second))
	}
	return out
}

// Now is the time of the requests, where no rule asks for the time.
var Now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func dateText(t time.Time) value.Value { return value.Str(t.Format(time.RFC3339Nano)) }

// addresses returns IP addresses of which one stands for each class that the blocks
// tell apart, of both versions, and as many others as there are places.
func addresses(blocks []netip.Prefix, places int) (out []netip.Addr) {
	// The blocks cut the addresses into ranges; the first address of each range
	// stands for it.
	starts := []netip.Addr{netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("::")}
	for _, b := range blocks {
		starts = append(starts, b.Masked().Addr())
		if after := last(b).Next(); after.IsValid() {
			starts = append(starts, after)
		}
	}
	slices.SortFunc(starts, netip.Addr.Compare)
	starts = slices.Compact(starts)
	for i, a := range starts {
		out = append(out, a)
		for n, b := 1, a.Next(); n < places && b.IsValid() && (i+1 == len(starts) || b.Less(starts[i+1])); n, b = n+1, b.Next() {
			out = append(out, b)
		}
	}
	// A usual address before those that only a test has.
	slices.SortStableFunc(out, func(a, b netip.Addr) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

func rank(a netip.Addr) int {
	switch {
	case a.IsUnspecified():
		return 2
	case a.Is6():
		return 1
	}
	return 0
}

// last is the last address of a block.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
