package value

import (
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/value/strictjson"
)

// Kind is the type of a Value.
type Kind uint8

const (
	Missing Kind = iota // nothing: no path leads to a value
	Pending             // not known yet: a reply or the request's body is awaited
	Null
	Bool
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"nothing", "a value that is awaited", "null", "bool", "number", "string", "array", "object"}

func (k Kind) String() string { return kindNames[k] }

// Value is an immutable JSON value. A value that was read from a text stays that
// text, and the values inside it are parts of that text. A changed value shares
// its unchanged parts with the value it was made from, so that an earlier state
// is restored by keeping the earlier Value. The zero Value is Missing.
type Value struct {
	kind Kind
	// bare: text is the content of a String. Else text is the JSON text, "" for an
	// Array or Object that was built here.
	bare    bool
	escaped bool // a String that was read from a text has escapes
	text    string
	node    *node // of an Array or Object that was built here or indexed, or of a String whose escapes are decoded
}

type node struct {
	members []Member
	elems   []Value
	byKey   map[string]int // the indices of many members; nil for few
	decoded string         // of a String with escapes
	derived Derived
}

// Member is one member of an object.
type Member struct {
	Key   string
	Value Value

	raw string // the key as it was written, quotes included; "" for a new one
}

// Parse reads a text that is exactly one JSON value and passes strictjson.Check.
func Parse(text string, maxDepth int) (Value, error) {
	if err := strictjson.Check(text, maxDepth); err != nil {
		return Value{}, err
	}
	return Checked(text), nil
}

// Checked is Parse for a text that strictjson.Check has accepted before.
func Checked(text string) Value {
	text = strings.Trim(text, " \t\r\n")
	return decoded(text, text[0] == '"' && strings.IndexByte(text, '\\') >= 0)
}

// part is the value of a text without space around it. escaped tells of a string with
// escapes: each call of its Text decodes these.
func part(text string, escaped bool) Value {
	switch text[0] {
	case '"':
		return Value{kind: String, escaped: escaped, text: text}
	case '{':
		return Value{kind: Object, text: text}
	case '[':
		return Value{kind: Array, text: text}
	case 'n':
		return NullValue
	case 't', 'f':
		return Value{kind: Bool, text: text}
	}
	return Value{kind: Number, text: text}
}

// decoded is part, for a value that may be read more than once.
func decoded(text string, escaped bool) Value { return part(text, escaped).decode() }

// decode returns a String whose escapes are decoded once for all.
func (v Value) decode() Value {
	if v.escaped && v.node == nil {
		v.node = &node{decoded: strictjson.Unescape(v.text[1 : len(v.text)-1])}
	}
	return v
}

// parts reads the members or elements of a value of text.
func (v Value) parts() strictjson.Parts {
	if v.kind != Object && v.kind != Array {
		return strictjson.Parts{}
	}
	return strictjson.PartsOf(v.text)
}

var (
	NullValue    = Value{kind: Null, text: "null"}
	PendingValue = Value{kind: Pending}
)

// Str returns a String.
func Str(s string) Value { return Value{kind: String, bare: true, text: s} }

// Boolean returns a Bool.
func Boolean(b bool) Value {
	if b {
		return Value{kind: Bool, text: "true"}
	}
	return Value{kind: Bool, text: "false"}
}

// Int returns a Number.
func Int(n int64) Value { return Value{kind: Number, text: strconv.FormatInt(n, 10)} }

// AlikeKeys reports whether v, or a value inside it, is an object with two keys that
// differ by case alone.
func AlikeKeys(v Value) bool {
	return (v.kind == Object || v.kind == Array) && strictjson.Alike(v.String())
}

// Num returns the Number that text spells, Missing when it spells none (RFC 8259).
func Num(text string) Value {
	if text == "" || !(text[0] == '-' || text[0] >= '0' && text[0] <= '9') || strictjson.Check(text, 0) != nil ||
		strings.TrimRight(text, " \t\r\n") != text {
		return Value{}
	}
	return Value{kind: Number, text: text}
}

// Arr returns an Array.
func Arr(elems ...Value) Value { return Value{kind: Array, node: &node{elems: elems}} }

// Obj returns an Object of members, whose keys must differ.
func Obj(members ...Member) Value { return Value{kind: Object, node: &node{members: members}} }

func (v Value) Kind() Kind { return v.kind }

// Text returns the text of a String.
//
//go:noinline because its many calls would be 50 KB of the module's code
func (v Value) Text() (s string, ok bool) {
	switch {
	case v.kind != String:
		return "", false
	case v.bare:
		return v.text, true
	case v.node != nil:
		return v.node.decoded, true
	case v.escaped:
		return strictjson.Unescape(v.text[1 : len(v.text)-1]), true
	}
	return v.text[1 : len(v.text)-1], true
}

// raw is the JSON text of a value that was read from one, "" for another.
func (v Value) raw() string {
	if v.bare {
		return ""
	}
	return v.text
}

// IsTrue reports whether v is the Bool true.
func (v Value) IsTrue() bool { return v.kind == Bool && v.text == "true" }

// Number returns the text of a Number, as it was written.
func (v Value) Number() (text string, ok bool) { return v.text, v.kind == Number }

// Key returns the member of an Object, matched letter for letter; else Missing.
func (v Value) Key(name string) Value {
	found, _ := v.FindKey(name)
	return found
}

// FindKey is Key. It also returns how many bytes of text, or how many members, it
// went through.
func (v Value) FindKey(name string) (found Value, read int) {
	if v.kind != Object {
		return Value{}, 0
	}
	if v.node != nil {
		return v.node.key(name)
	}
	for p := v.parts(); p.Next(); {
		if p.Named(name) {
			return decoded(p.Value(), p.Escaped), p.End
		}
	}
	return Value{}, len(v.text)
}

func (n *node) key(name string) (Value, int) {
	if n.byKey != nil {
		if i, ok := n.byKey[name]; ok {
			return n.value(i, 1)
		}
		return Value{}, 1
	}
	for i := range n.members {
		if n.members[i].Key == name {
			return n.value(i, i)
		}
	}
	return Value{}, len(n.members)
}

// value returns the value of a member that was found after so much work. To decode its
// escapes is work too.
func (n *node) value(i, read int) (Value, int) {
	x := n.members[i].Value
	if x.escaped && x.node == nil {
		return x.decode(), read + len(x.text)
	}
	return x, read
}

// At returns the element of an Array; else Missing.
func (v Value) At(i int) Value {
	found, _ := v.FindAt(i)
	return found
}

// FindAt is At. It also returns how many bytes of text it went through.
func (v Value) FindAt(i int) (found Value, read int) {
	if v.kind != Array || i < 0 {
		return Value{}, 0
	}
	if v.node != nil {
		if i < len(v.node.elems) {
			return v.node.elems[i], 1
		}
		return Value{}, 1
	}
	for p := v.parts(); p.Next(); i-- {
		if i == 0 {
			return decoded(p.Value(), p.Escaped), p.End
		}
	}
	return Value{}, len(v.text)
}

// Each calls f for the members of an Object, or for the elements of an Array
// with an empty key, in order, until f returns false.
func (v Value) Each(f func(key string, x Value) bool) {
	if v.node != nil {
		for i := range v.node.members {
			if !f(v.node.members[i].Key, v.node.members[i].Value.decode()) {
				return
			}
		}
		for i := range v.node.elems {
			if !f("", v.node.elems[i]) {
				return
			}
		}
		return
	}
	for p := v.parts(); p.Next(); {
		if !f(p.Name(), decoded(p.Value(), p.Escaped)) {
			return
		}
	}
}

// EachKey calls f for the keys of an Object, in order, until f returns false.
func (v Value) EachKey(f func(key string) bool) {
	if v.node != nil {
		for i := range v.node.members {
			if !f(v.node.members[i].Key) {
				return
			}
		}
		return
	}
	if v.kind != Object {
		return
	}
	for p := v.parts(); p.Next(); {
		if !f(p.Name()) {
			return
		}
	}
}

// Elements lists the elements of an Array.
func (v Value) Elements() []Value {
	if v.node != nil {
		return v.node.elems
	}
	if v.kind != Array {
		return nil
	}
	var elems []Value
	for p := v.parts(); p.Next(); {
		elems = append(elems, decoded(p.Value(), p.Escaped))
	}
	return elems
}

// Size is a measure of the work that going through the value takes: the bytes of
// its text, or some bytes for each member or element at hand.
func (v Value) Size() int {
	if v.node != nil && v.kind != String {
		return 8 * (len(v.node.members) + len(v.node.elems))
	}
	return len(v.text)
}

// Len returns the number of members or elements, 0 for other values.
func (v Value) Len() (n int) {
	if v.node != nil {
		return len(v.node.members) + len(v.node.elems)
	}
	for p := v.parts(); p.Next(); {
		n++
	}
	return n
}
