package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// Parent returns the place that contains a place: "" is the file, and contains
// itself.
func Parent(place string) string {
	last := 0
	for i := 0; i < len(place); {
		switch {
		case place[i] == '.':
			last = i
			i++
		case strings.HasPrefix(place[i:], `["`):
			last = i
			quoted, err := strconv.QuotedPrefix(place[i+1:])
			if err != nil {
				return place[:last]
			}
			i += len(quoted) + 2
		case place[i] == '[':
			last = i
			i++
		default:
			i++
		}
	}
	return place[:min(last, len(place))]
}

// inFileOrder sorts the faults by their places, those of the main file first. A
// missing key counts as standing at the place that should contain it.
func (l *loader) inFileOrder() {
	order := map[string]int{}
	for _, p := range l.documents() {
		numberPlaces(p.doc, p.root, order)
	}
	rank := func(place string) int {
		for {
			if n, ok := order[place]; ok || place == "" {
				return n
			}
			place = Parent(place)
		}
	}
	slices.SortStableFunc(l.faults, func(a, b rules.Fault) int { return rank(a.Place) - rank(b.Place) })
}

// numberPlaces numbers the places of a document in its order.
func numberPlaces(v value.Value, place string, order map[string]int) {
	order[place] = len(order)
	i := 0
	v.Each(func(key string, x value.Value) bool {
		if v.Kind() == value.Array {
			numberPlaces(x, rules.Elem(place, i), order)
			i++
		} else {
			numberPlaces(x, rules.Join(place, key), order)
		}
		return true
	})
}
