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

// OtherCase reports whether v, the value of args.<root>, has two keys in one object
// that differ by case alone, and the rule reads or changes one of them. Parsers such
// as Go's encoding/json take the last of the two.
func (r *Rule) OtherCase(root string, v value.Value) bool {
	if r.reads.all {
		return value.AlikeKeys(v)
	}
	for i := range r.reads.reads {
		read := &r.reads.reads[i]
		at, steps := v, read.path.steps
		if steps[0].inner != nil || steps[0].key != root {
			continue
		}
		for steps = steps[1:]; len(steps) > 0 && steps[0].inner == nil; steps = steps[1:] {
			if at.Kind() == value.Object && at.Key(steps[0].key).Kind() != value.Missing && otherCase(at, steps[0].key, nil) {
				return true
			}
			at, _ = child(at, steps[0].key, steps[0].index)
		}
		// A key in brackets may be any, and what is read whole is read with all keys.
		if (len(steps) > 0 || read.part == readValue) && value.AlikeKeys(at) {
			return true
		}
	}
	return false
}

// Misspells reports whether v, the value of args.<root>, has a key that differs by case
// alone from one that the rule reads by name and does not find there. A key that the rule
// only removes or sets is not looked for.
func (r *Rule) Misspells(root string, v value.Value) bool {
	for i := range r.reads.reads {
		read := &r.reads.reads[i]
		at, steps := v, read.path.steps
		if steps[0].inner != nil || steps[0].key != root || read.part == readPlace {
			continue
		}
		for n := 1; n < len(steps) && steps[n].inner == nil && at.Kind() == value.Object; n++ {
			next, _ := child(at, steps[n].key, steps[n].index)
			if next.Kind() == value.Missing {
				if otherCase(at, steps[n].key, func(key string) bool { return r.names(steps[:n], key) }) {
					return true
				}
				break
			}
			at = next
		}
	}
	return false
}

// names reports whether the rule reads a key by name below the steps.
func (r *Rule) names(steps []step, key string) bool {
	return slices.ContainsFunc(r.reads.reads, func(read columnRead) bool {
		if len(read.path.steps) <= len(steps) {
			return false
		}
		for i := range steps {
			if s := read.path.steps[i]; s.inner != nil || s.key != steps[i].key {
				return false
			}
		}
		s := read.path.steps[len(steps)]
		return s.inner == nil && s.key == key
	})
}

// otherCase reports whether an object has a key that differs from this one by case
// alone, but for those that except returns true for; nil: none.
func otherCase(object value.Value, key string, except func(string) bool) (found bool) {
	object.EachKey(func(k string) bool {
		found = len(k) >= len(key)/3 && k != key && strings.EqualFold(k, key) && (except == nil || !except(k))
		return !found
	})
	return found
}
