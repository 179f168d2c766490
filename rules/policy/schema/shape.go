// Package schema is the model of the policy file: its keys, their types, limits
// and defaults. Check compares a file with it. The JSON Schema for editors and
// the tables of POLICY.md are made from it.
package schema

import "slices"

// shape says which values may stand at one place of the file.
type shape struct {
	kind    kind
	about   string // for the JSON Schema and POLICY.md
	absent  string // the default, as it is written in the file; "" for none
	keys    []key  // of an object
	elem    *shape // of the elements of a mapping or a list; nil: not checked here
	least   int    // elements of a list; the smallest integer or size
	most    int    // elements of a list, 0 for any number; the largest integer or size
	words   []string
	hints   map[string]string // messages for other names of words
	orEmpty bool              // a text may be empty
	or      *shape            // a shape of another kind that may stand there too
	paths   bool              // a path into args may stand there: for completion
	written bool              // `${NAME}` may not stand there: for the JSON Schema
}

// kind is the type of a value.
type kind uint8

const (
	anything kind = iota // checked by other code
	object               // with the listed keys
	mapping              // an object with any keys
	list
	text
	boolean
	integer
	fraction // a number from 0 to 1
	size     // bytes: an integer, or `1MiB`
	duration // `500ms`
	rule     // checked by rules.Compile
)

// wants name the kinds for messages.
var wants = [...]string{
	anything: "a value", object: "an object", mapping: "an object", list: "an array", text: "a string",
	boolean: "true or false", integer: "an integer", fraction: "a number from 0 to 1", size: "a size such as 1MiB", duration: "a duration such as 30s", rule: "an object",
}

// key is one key of an object.
type key struct {
	name  string
	shape *shape
	need  bool
}

func need(name string, s *shape) key { return key{name: name, shape: s, need: true} }
func may(name string, s *shape) key  { return key{name: name, shape: s} }

func objectOf(about string, keys ...key) *shape {
	return &shape{kind: object, about: about, keys: keys}
}

func mappingOf(about string, elem *shape) *shape {
	return &shape{kind: mapping, about: about, elem: elem}
}

func listOf(about string, elem *shape) *shape { return &shape{kind: list, about: about, elem: elem} }

func aText(about string) *shape     { return &shape{kind: text, about: about} }
func aBoolean(about string) *shape  { return &shape{kind: boolean, about: about} }
func aDuration(about string) *shape { return &shape{kind: duration, about: about} }
func aFraction(about string) *shape { return &shape{kind: fraction, about: about} }

func oneOf(about string, words ...string) *shape {
	return &shape{kind: text, about: about, words: words}
}

// hinting adds messages about other names of the words.
func (s *shape) hinting(hints map[string]string) *shape {
	s.hints = hints
	return s
}

func anInteger(about string, least, most int) *shape {
	return &shape{kind: integer, about: about, least: least, most: most}
}

func aSize(about string, least, most int) *shape {
	return &shape{kind: size, about: about, least: least, most: most}
}

func (s *shape) atLeast(n int) *shape           { s.least = n; return s }
func (s *shape) atMost(n int) *shape            { s.most = n; return s }
func (s *shape) mayBeEmpty() *shape             { s.orEmpty = true; return s }
func (s *shape) orElse(other *shape) *shape     { s.or = other; return s }
func (s *shape) byDefault(absent string) *shape { s.absent = absent; return s }

func (s *shape) mayBePath() *shape { s.paths = true; return s }

// description is the text about a shape, with its default.
func (s *shape) description() string {
	if s.absent == "" {
		return s.about
	}
	return s.about + " Default: " + s.absent + "."
}

// key returns the key of a name, nil when the object has none.
func (s *shape) key(name string) *key {
	i := slices.IndexFunc(s.keys, func(k key) bool { return k.name == name })
	if i < 0 {
		return nil
	}
	return &s.keys[i]
}

// names returns the names of the keys.
func (s *shape) names() []string {
	var out []string
	for _, k := range s.keys {
		out = append(out, k.name)
	}
	return out
}
