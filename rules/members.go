package rules

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// Members lists the keys below args.<path> that the rule reads or changes by
// name. If all is true, it may read keys that it does not name.
func (r *Rule) Members(path ...string) (keys []string, all bool) {
	for _, read := range r.reads.reads {
		steps := read.path.steps
		n := min(len(path), len(steps))
		switch {
		case !leads(steps[:n], path[:n]):
		case len(steps) <= len(path) || steps[n].inner != nil || slices.ContainsFunc(steps[:n], step.isDynamic):
			all = true
		case !slices.Contains(keys, steps[n].key):
			keys = append(keys, steps[n].key)
		}
	}
	return keys, all || r.reads.all || r.writes.all
}

// leads reports whether steps may go along path.
func leads(steps []step, path []string) bool {
	for i := range steps {
		if steps[i].inner == nil && steps[i].key != path[i] {
			return false
		}
	}
	return true
}

func (s step) isDynamic() bool { return s.inner != nil }

// OtherCase returns a key of v, the value of args.<root>, that stands beside one
// that the rule reads or changes and differs from it by case alone. Parsers such
// as Go's encoding/json take the last of the two.
func (r *Rule) OtherCase(root string, v value.Value) (key string, found bool) {
	for _, read := range r.reads.reads {
		steps := read.path.steps
		if steps[0].inner != nil || steps[0].key != root {
			continue
		}
		at := v
		for i := 1; i < len(steps) && steps[i].inner == nil; i++ {
			if at.Kind() == value.Object && at.Key(steps[i].key).Kind() != value.Missing {
				if key, found = otherCase(at, steps[i].key); found {
					return key, true
				}
			}
			at, _ = child(at, steps[i].key, steps[i].index)
		}
	}
	return "", false
}

func otherCase(object value.Value, key string) (other string, found bool) {
	object.Each(func(k string, _ value.Value) bool {
		found = len(k) >= len(key)/3 && k != key && strings.EqualFold(k, key)
		other = k
		return !found
	})
	return other, found
}
