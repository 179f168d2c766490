package decide

import (
	"errors"
	"slices"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// edits are the names of a query or a form that get new values.
type edits struct {
	names  []string
	values map[string][]string // by name; without values the name is removed
}

func newEdits() *edits { return &edits{values: map[string][]string{}} }

// compare adds the members that differ between two objects.
func (e *edits) compare(before, after value.Value) error {
	return differences(before, after, func(name string, now value.Value) error {
		values, err := texts(now, true)
		if err != nil {
			return lightfmt.Errorf("%q: %w", name, err)
		}
		if old, twice := e.values[name]; twice && !slices.Equal(old, values) {
			return lightfmt.Errorf("%q: changed in two ways", name)
		} else if !twice {
			e.names = append(e.names, name)
		}
		e.values[name] = values
		return nil
	})
}

// differences calls f for each member that after has changed, added or, with a
// Missing value, removed. A Missing object counts as an empty one.
func differences(before, after value.Value, f func(name string, now value.Value) error) (err error) {
	if k := after.Kind(); k != value.Object && k != value.Missing {
		return lightfmt.Errorf("want an object, found %s", k)
	}
	// A map, because Value.Key searches linearly and a form may have many names.
	old := make(map[string]value.Value, before.Len())
	before.Each(func(name string, was value.Value) bool {
		old[name] = was
		return true
	})
	after.Each(func(name string, now value.Value) bool {
		was := old[name]
		delete(old, name)
		if was.Kind() != now.Kind() || was.String() != now.String() {
			err = f(name, now)
		}
		return err == nil
	})
	for name := range old {
		if err == nil {
			err = f(name, value.Value{})
		}
	}
	return err
}

var errTexts = errors.New("want a string or an array of strings")

// texts returns the repeated texts that a value stands for: it is a string or an
// array of strings or, if scalars is true, of numbers and booleans too.
func texts(v value.Value, scalars bool) ([]string, error) {
	switch v.Kind() {
	case value.Missing:
		return nil, nil
	case value.Array:
		var out []string
		var err error
		v.Each(func(_ string, x value.Value) bool {
			var one []string
			if x.Kind() == value.Array {
				err = errTexts
			} else if one, err = texts(x, scalars); err == nil {
				out = append(out, one...)
			}
			return err == nil
		})
		return out, err
	case value.String:
		s, _ := v.Text()
		return []string{s}, nil
	case value.Number, value.Bool:
		if scalars {
			return []string{v.String()}, nil
		}
	}
	return nil, errTexts
}
