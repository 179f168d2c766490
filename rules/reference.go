package rules

import (
	"slices"
	"time"
)

// Reference is a path that a value of a rule depends on. References returns those
// into args alone.
type Reference struct {
	Text   string // as it is written
	Item   bool   // the path starts at item, not at args
	Keys   []Key  // from args, or from item, down
	Exists bool   // the value depends only on whether the path leads to a value
}

// Key is a key of a path.
type Key struct {
	Name     string
	Computed bool // in brackets: the name is a value at the time of the request
}

// IsReference reports whether a string of a rule is a path or a call. Item
// reports whether item may be named there.
func IsReference(text string, item bool) bool { return scope{item: item}.isReference(text) }

// References returns the paths into args that a path or a call depends on, those
// in brackets included. It returns nil for a text that is neither.
func References(text string, item bool) []Reference {
	anyZone := func(string) (*time.Location, error) { return time.UTC, nil }
	c := &compiler{env: &Env{Zone: anyZone}, scope: scope{item: item}}
	if !c.scope.isReference(text) {
		return nil
	}
	e, err := c.reference(text)
	if err != nil {
		return nil
	}
	var r roots
	e.reads(&r)
	var out []Reference
	for _, read := range r.reads {
		out = append(out, read.path.reference(read.part))
	}
	return out
}

func (p *path) reference(part readPart) Reference {
	ref := Reference{Text: p.of, Item: p.root == inItem, Exists: part == readExists}
	for _, s := range p.steps {
		ref.Keys = append(ref.Keys, Key{Name: s.key, Computed: s.inner != nil})
	}
	return ref
}

// Zones returns the time zones that a call names.
func Zones(text string) (names []string) {
	c := &compiler{scope: scope{item: true}, env: &Env{Zone: func(name string) (*time.Location, error) {
		names = append(names, name)
		return time.UTC, nil
	}}}
	if c.scope.isReference(text) {
		c.reference(text)
	}
	return names
}

// Functions returns the names of the functions of utils.
func Functions() []string {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.name
	}
	slices.Sort(names)
	return names
}
