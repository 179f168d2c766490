package policytest

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// anyOther is the member of an expected object that allows other members.
const anyOther = "..."

// fits reports whether a value is as expected: the order of members does not matter, and
// numbers are compared by value. With the member `...`, an expected object allows other
// members, and a member that is null in it must be absent.
func fits(want, got value.Value) bool {
	switch {
	case want.Kind() != got.Kind():
		return false
	case want.Kind() == value.Array:
		w, g := want.Elements(), got.Elements()
		for i := range w {
			if len(w) != len(g) || !fits(w[i], g[i]) {
				return false
			}
		}
		return len(w) == len(g)
	case want.Kind() != value.Object:
		return value.Equal(want, got)
	}
	open := want.Key(anyOther).Kind() != value.Missing
	same, n := true, 0
	want.Each(func(key string, w value.Value) bool {
		g := got.Key(key)
		switch {
		case open && key == anyOther:
		case open && w.Kind() == value.Null:
			same = g.Kind() == value.Missing
		default:
			n++
			same = g.Kind() != value.Missing && fits(w, g)
		}
		return same
	})
	return same && (open || n == got.Len())
}

// pretty writes JSON with sorted members, one in each line, so that two values can be
// compared by lines.
func pretty(v value.Value) string {
	dec := json.NewDecoder(strings.NewReader(v.String()))
	dec.UseNumber()
	if v.Kind() == value.Missing {
		return "nothing"
	}
	var x any
	if dec.Decode(&x) != nil {
		return v.String()
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if enc.Encode(x) != nil {
		return v.String()
	}
	return strings.TrimSuffix(out.String(), "\n")
}
