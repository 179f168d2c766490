package value

import (
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
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
	// No Value is compared by ==. Without this, the compiler would write a function
	// that does so for each type that has a Value in it: 45 KB of the module's code.
	_ [0]func()

	kind Kind
	// bare: text is the content of a String. Else text is the JSON text, "" for an
	// Array or Object that was built here.
	bare bool
	text string
	node *node // of an Array or Object that was built here or indexed, or of a String with escapes
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
	return fromResult(gjson.Parse(strings.Trim(text, " \t\r\n")))
}

func fromResult(r gjson.Result) Value {
	switch r.Type {
	case gjson.Null:
		return NullValue
	case gjson.False, gjson.True:
		return Value{kind: Bool, text: r.Raw}
	case gjson.Number:
		return Value{kind: Number, text: r.Raw}
	case gjson.String:
		if len(r.Str) == len(r.Raw)-2 {
			return Value{kind: String, text: r.Raw}
		}
		return Value{kind: String, text: r.Raw, node: &node{decoded: r.Str}}
	}
	if r.IsArray() {
		return Value{kind: Array, text: r.Raw}
	}
	return Value{kind: Object, text: r.Raw}
}

// each calls f for the members or elements of a value of text, until f returns
// false.
func (v Value) each(f func(key, x gjson.Result) bool) {
	if v.kind == Object || v.kind == Array {
		gjson.Result{Type: gjson.JSON, Raw: v.text}.ForEach(f)
	}
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
	read = len(v.text)
	v.each(func(key, x gjson.Result) bool {
		if key.Str != name {
			return true
		}
		found, read = fromResult(x), x.Index+len(x.Raw)
		return false
	})
	return found, read
}

func (n *node) key(name string) (Value, int) {
	if n.byKey != nil {
		if i, ok := n.byKey[name]; ok {
			return n.members[i].Value, 1
		}
		return Value{}, 1
	}
	for i := range n.members {
		if n.members[i].Key == name {
			return n.members[i].Value, i
		}
	}
	return Value{}, len(n.members)
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
	read = len(v.text)
	v.each(func(_, x gjson.Result) bool {
		if i > 0 {
			i--
			return true
		}
		found, read = fromResult(x), x.Index+len(x.Raw)
		return false
	})
	return found, read
}

// Each calls f for the members of an Object, or for the elements of an Array
// with an empty key, in order, until f returns false.
func (v Value) Each(f func(key string, x Value) bool) {
	if v.node != nil {
		for i := range v.node.members {
			if !f(v.node.members[i].Key, v.node.members[i].Value) {
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
	v.each(func(key, x gjson.Result) bool { return f(key.Str, fromResult(x)) })
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
	v.each(func(key, _ gjson.Result) bool { return f(key.Str) })
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
	v.each(func(_, x gjson.Result) bool {
		elems = append(elems, fromResult(x))
		return true
	})
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
	v.each(func(_, _ gjson.Result) bool { n++; return true })
	return n
}
