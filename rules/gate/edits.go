package gate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rulegate/rulegate/rules"
)

// edits are the names of a query or a form that get other values.
type edits struct {
	names  []string
	values map[string][]string // none: the name is removed
}

func newEdits() *edits { return &edits{values: map[string][]string{}} }

// compare records what differs between two objects.
func (e *edits) compare(before, after rules.Value) error {
	return differences(before, after, func(name string, now rules.Value) error {
		values, err := texts(now, true)
		if err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		if old, twice := e.values[name]; twice && !slices.Equal(old, values) {
			return fmt.Errorf("%q: changed in two ways", name)
		} else if !twice {
			e.names = append(e.names, name)
		}
		e.values[name] = values
		return nil
	})
}

// differences calls f for each member that is another in after than in before;
// Missing counts as an object without members.
func differences(before, after rules.Value, f func(name string, now rules.Value) error) (err error) {
	if k := after.Kind(); k != rules.Object && k != rules.Missing {
		return fmt.Errorf("want an object, found %s", k)
	}
	// By a map: Value.Key looks at one member after the other, and a form of a
	// megabyte holds many.
	old := make(map[string]rules.Value, before.Len())
	before.Each(func(name string, was rules.Value) bool {
		old[name] = was
		return true
	})
	after.Each(func(name string, now rules.Value) bool {
		was := old[name]
		delete(old, name)
		if was.Kind() != now.Kind() || was.String() != now.String() {
			err = f(name, now)
		}
		return err == nil
	})
	for name := range old {
		if err == nil {
			err = f(name, rules.Value{})
		}
	}
	return err
}

var errTexts = errors.New("want a string or an array of strings")

// texts is a value as the repeated texts that stand for it: a string or an
// array of them, and where scalars have but one spelling, numbers and bools too.
func texts(v rules.Value, scalars bool) ([]string, error) {
	switch v.Kind() {
	case rules.Missing:
		return nil, nil
	case rules.Array:
		var out []string
		var err error
		v.Each(func(_ string, x rules.Value) bool {
			var one []string
			if x.Kind() == rules.Array {
				err = errTexts
			} else if one, err = texts(x, scalars); err == nil {
				out = append(out, one...)
			}
			return err == nil
		})
		return out, err
	case rules.String:
		s, _ := v.Text()
		return []string{s}, nil
	case rules.Number, rules.Bool:
		if scalars {
			return []string{v.String()}, nil
		}
	}
	return nil, errTexts
}
