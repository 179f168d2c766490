package policyfile

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the machine may have no zones

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// WithZones returns the document with the data of the time zones that its rules
// name under `zones`, where the policy has none: the module has no zones of its own.
// An unknown zone is left out, which is a fault of the rule.
func WithZones(doc value.Value) value.Value {
	var names []string
	eachText(doc, func(text string) {
		if strings.Contains(text, "utils.datePart") {
			names = append(names, rules.Zones(text)...)
		}
	})
	slices.Sort(names)
	zones := doc.Key("zones")
	for _, name := range slices.Compact(names) {
		if k := zones.Kind(); k != value.Missing && k != value.Object || zones.Key(name).Kind() != value.Missing {
			continue
		}
		if zone, err := time.LoadLocation(name); err == nil {
			zones = zones.With(name, value.Str(base64.StdEncoding.EncodeToString(zoneData(zone))))
		}
	}
	if zones.Same(doc.Key("zones")) {
		return doc
	}
	return doc.With("zones", zones)
}

func eachText(v value.Value, f func(string)) {
	if text, ok := v.Text(); ok {
		f(text)
	}
	v.Each(func(_ string, x value.Value) bool {
		eachText(x, f)
		return true
	})
}

// The years whose changes of offset zoneData has.
var (
	firstChange = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	lastChange  = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// zoneData writes a zone as TZif, version 2 (RFC 9636), without names. Package time
// does not give out the data that it reads.
func zoneData(zone *time.Location) []byte {
	var offsets []int // the types
	var times, types []byte
	last := -1
	for t := firstChange; t.Before(lastChange); {
		_, offset := t.In(zone).Zone()
		i := slices.Index(offsets, offset)
		if i < 0 {
			i = len(offsets)
			offsets = append(offsets, offset)
		}
		if i != last {
			times = binary.BigEndian.AppendUint64(times, uint64(t.Unix()))
			types, last = append(types, byte(i)), i
		}
		_, end := t.In(zone).ZoneBounds()
		if end.IsZero() {
			break
		}
		if !end.After(t) { // as at the end of some years after the table of a zone
			end = t.Add(time.Hour)
		}
		t = end
	}
	out := zoneHeader(nil, 0, 0) // the first block, for readers of 32 bits, is empty
	out = zoneHeader(out, len(types), len(offsets))
	out = append(append(out, times...), types...)
	for _, offset := range offsets {
		out = append(binary.BigEndian.AppendUint32(out, uint32(offset)), 0, 0)
	}
	return append(out, "-\x00\n\n"...) // the name of all types; no rule for later times
}

// zoneHeader writes the header of a block: the numbers of UT indicators, standard
// indicators, leap seconds, times, types, and bytes of names.
func zoneHeader(out []byte, times, types int) []byte {
	names := 0
	if types > 0 {
		names = len("-\x00")
	}
	out = append(append(out, "TZif2"...), make([]byte, 15)...)
	for _, n := range []int{0, 0, 0, times, types, names} {
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	return out
}
