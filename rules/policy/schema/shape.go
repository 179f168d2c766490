package schema

// A shape says what may stand at one place of the file. The shapes of model.go
// are the only list of keys there is: faults, suggestions and the JSON Schema
// all come from it.
type shape struct {
	kind  kind
	about string // for the schema
	keys  []key  // of an object
	elem  *shape // of a table or a list
	least int    // elements of a list; the smallest number or size
	most  int    // the largest number or size; elements of a list, 0: any
	words []string
	empty bool   // a text may be empty
	or    *shape // another kind that is taken as well
}

// kind is what a shape takes.
type kind uint8

const (
	anything kind = iota // looked at elsewhere
	object               // of the keys listed
	table                // an object of any keys
	list
	text
	toggle
	number // an integer
	size   // bytes: an integer, or `1MiB`
	span   // a duration: `500ms`
	aRule  // what rules.Compile reads
)

var kindWants = [...]string{
	anything: "a value", object: "an object", table: "an object", list: "an array", text: "a string",
	toggle: "true or false", number: "an integer", size: "a size such as 1MiB", span: "a duration such as 30s", aRule: "an object",
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
func tableOf(about string, elem *shape) *shape { return &shape{kind: table, about: about, elem: elem} }
func listOf(about string, elem *shape) *shape  { return &shape{kind: list, about: about, elem: elem} }
func aText(about string) *shape                { return &shape{kind: text, about: about} }
func oneOf(about string, words ...string) *shape {
	return &shape{kind: text, about: about, words: words}
}
func aFlag(about string) *shape { return &shape{kind: toggle, about: about} }
func aSpan(about string) *shape { return &shape{kind: span, about: about} }
func aNumber(about string, least, most int) *shape {
	return &shape{kind: number, about: about, least: least, most: most}
}
func aSize(about string, least, most int) *shape {
	return &shape{kind: size, about: about, least: least, most: most}
}

func (s *shape) atLeast(n int) *shape { s.least = n; return s }
func (s *shape) atMost(n int) *shape  { s.most = n; return s }
func (s *shape) orEmpty() *shape      { s.empty = true; return s }
func (s *shape) orElse(o *shape) *shape {
	s.or = o
	return s
}

func (s *shape) key(name string) *key {
	for i := range s.keys {
		if s.keys[i].name == name {
			return &s.keys[i]
		}
	}
	return nil
}

// names are the keys that may be written.
func (s *shape) names() []string {
	var out []string
	for _, k := range s.keys {
		out = append(out, k.name)
	}
	return out
}
