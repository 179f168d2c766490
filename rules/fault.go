package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// Fault is a fault at one place of a policy.
type Fault struct {
	Place   string // `routes[3].rule.clauses[1].f2`
	Message string
	// AtKey reports that the key at Place must not be there, whatever its value.
	// Reports then point at the key instead of the value.
	AtKey bool
}

func (f Fault) Error() string {
	if f.Place == "" {
		return f.Message
	}
	return f.Place + ": " + f.Message
}

// Faults lists every fault of a rule or a policy, in the order of its text.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// unique returns the faults without repetitions: a named rule is compiled each
// time it is used.
func (fs Faults) unique() Faults {
	seen := make(map[Fault]bool, len(fs))
	return slices.DeleteFunc(fs, func(f Fault) bool {
		again := seen[f]
		seen[f] = true
		return again
	})
}

func (fs *Faults) add(place, format string, args ...any) {
	*fs = append(*fs, Fault{Place: place, Message: lightfmt.Sprintf(format, args...)})
}

// Join returns the place of key in the object at place: a plain key after a point,
// any other key quoted in brackets.
func Join(place, key string) string {
	plain := key != ""
	for _, b := range []byte(key) {
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '$' || b == '-') {
			plain = false
		}
	}
	switch {
	case !plain:
		return place + "[" + strconv.Quote(key) + "]"
	case place == "":
		return key
	}
	return place + "." + key
}

// Elem returns the place of an element of the array at place.
//
//go:noinline
func Elem(place string, i int) string { return place + "[" + strconv.Itoa(i) + "]" }

func found(v value.Value) string {
	if v.Kind() == value.Missing {
		return "nothing"
	}
	return v.Kind().String()
}
