package value

import (
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
)

// Kind is what a Value is.
type Kind uint8

const (
	Missing Kind = iota // not there; what no path reaches
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

// Value is an immutable JSON value. One that was read from a text stays that
// text until somebody looks inside, and looking copies nothing; a changed value
// shares what did not change with the one it was made from, so that going back
// to an earlier state is to keep the earlier Value. The zero Value is Missing.
type Value struct {
	kind Kind
	raw  string // the JSON text; "" for what was built here
	str  string // a String, decoded
	node *node  // an Array or Object that was built here
}

type node struct {
	members []Member
	elems   []Value
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
		return Value{kind: Bool, raw: r.Raw}
	case gjson.Number:
		return Value{kind: Number, raw: r.Raw}
	case gjson.String:
		return Value{kind: String, raw: r.Raw, str: r.Str}
	}
	if r.IsArray() {
		return Value{kind: Array, raw: r.Raw}
	}
	return Value{kind: Object, raw: r.Raw}
}

var (
	NullValue    = Value{kind: Null, raw: "null"}
	PendingValue = Value{kind: Pending}
)

// Str is a String.
func Str(s string) Value { return Value{kind: String, str: s} }

// Boolean is a Bool.
func Boolean(b bool) Value {
	if b {
		return Value{kind: Bool, raw: "true"}
	}
	return Value{kind: Bool, raw: "false"}
}

// Int is a Number.
func Int(n int64) Value { return Value{kind: Number, raw: strconv.FormatInt(n, 10)} }

// Num is the Number that text spells, Missing when it spells none (RFC 8259).
func Num(text string) Value {
	if text == "" || !(text[0] == '-' || text[0] >= '0' && text[0] <= '9') || strictjson.Check(text, 0) != nil ||
		strings.TrimRight(text, " \t\r\n") != text {
		return Value{}
	}
	return Value{kind: Number, raw: text}
}

// Arr is an Array.
func Arr(elems ...Value) Value { return Value{kind: Array, node: &node{elems: elems}} }

// Obj is an Object of members, whose keys differ.
func Obj(members ...Member) Value { return Value{kind: Object, node: &node{members: members}} }

func (v Value) Kind() Kind { return v.kind }

// Text is a String's text.
func (v Value) Text() (s string, ok bool) { return v.str, v.kind == String }

// IsTrue says whether v is the Bool true.
func (v Value) IsTrue() bool { return v.kind == Bool && v.raw == "true" }

// Number is the text of a Number, as it was written.
func (v Value) Number() (text string, ok bool) { return v.raw, v.kind == Number }

// Key is the member of an Object, matched letter for letter; else Missing.
func (v Value) Key(name string) (found Value) {
	if v.kind != Object {
		return Value{}
	}
	if v.node != nil {
		for i := range v.node.members {
			if v.node.members[i].Key == name {
				return v.node.members[i].Value
			}
		}
		return Value{}
	}
	gjson.Result{Type: gjson.JSON, Raw: v.raw}.ForEach(func(k, x gjson.Result) bool {
		if k.Str != name {
			return true
		}
		found = fromResult(x)
		return false
	})
	return found
}

// At is the element of an Array, else Missing.
func (v Value) At(i int) (found Value) {
	if v.kind != Array || i < 0 {
		return Value{}
	}
	if v.node != nil {
		if i < len(v.node.elems) {
			return v.node.elems[i]
		}
		return Value{}
	}
	gjson.Result{Type: gjson.JSON, Raw: v.raw}.ForEach(func(_, x gjson.Result) bool {
		if i > 0 {
			i--
			return true
		}
		found = fromResult(x)
		return false
	})
	return found
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
	if v.kind == Object || v.kind == Array {
		gjson.Result{Type: gjson.JSON, Raw: v.raw}.ForEach(func(k, x gjson.Result) bool {
			return f(k.Str, fromResult(x))
		})
	}
}

// Len is the number of members or elements, 0 for what has none.
func (v Value) Len() (n int) {
	if v.node != nil {
		return len(v.node.members) + len(v.node.elems)
	}
	v.Each(func(string, Value) bool { n++; return true })
	return n
}
