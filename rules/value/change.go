package value

import (
	"slices"
	"unsafe"

	"github.com/tidwall/gjson"
)

// members lists an Object's members with their keys as written.
func (v Value) members() []Member {
	if v.node != nil {
		return v.node.members
	}
	if v.kind != Object {
		return nil
	}
	out := make([]Member, 0, 8)
	v.each(func(key, x gjson.Result) bool {
		out = append(out, Member{Key: key.Str, Value: fromResult(x), raw: key.Raw})
		return true
	})
	return out
}

// Members lists the members of an Object. The caller may change the list.
func (v Value) Members() []Member {
	if v.node != nil {
		return slices.Clone(v.node.members)
	}
	return v.members()
}

// With returns a copy of an Object in which the member name is x: in its old place,
// else at the end. Missing counts as an empty object; x Missing is Without.
func (v Value) With(name string, x Value) Value {
	if x.kind == Missing {
		return v.Without(name)
	}
	old := v.members()
	at := 0
	for at < len(old) && old[at].Key != name {
		at++
	}
	n := newObject(max(at+1, len(old)))
	n.members = append(n.members, old...)
	if at == len(old) {
		n.members = append(n.members, Member{Key: name})
	}
	n.members[at].Value = x
	return Value{kind: Object, node: n}
}

// newObject returns a node with room for so many members, in one allocation for the one or
// two that args mostly have.
func newObject(size int) *node {
	if size > 2 {
		return &node{members: make([]Member, 0, size)}
	}
	n := new(struct {
		node
		room [2]Member
	})
	n.members = n.room[:0]
	return &n.node
}

// Without returns a copy of an Object that lacks the member name.
func (v Value) Without(name string) Value {
	old := v.members()
	for i := range old {
		if old[i].Key == name {
			return Obj(slices.Concat(old[:i], old[i+1:])...)
		}
	}
	return v
}

// Same reports whether w is v unchanged. It compares identity, not content: false
// is always safe.
func (v Value) Same(w Value) bool {
	return v.kind == w.kind && v.bare == w.bare && v.text == w.text && (v.node == w.node || v.kind == String)
}

// AppendString appends a text as a JSON string.
func AppendString(dst []byte, text string) []byte { return gjson.AppendJSONString(dst, text) }

// Append appends the JSON text. Unchanged parts keep their bytes.
func (v Value) Append(dst []byte) []byte {
	switch {
	case v.bare:
		return AppendString(dst, v.text)
	case v.text != "":
		return append(dst, v.text...)
	case v.kind == Array:
		dst = append(dst, '[')
		for i, x := range v.node.elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = x.Append(dst)
		}
		return append(dst, ']')
	case v.kind == Object:
		dst = append(dst, '{')
		for i, m := range v.node.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			if m.raw != "" {
				dst = append(dst, m.raw...)
			} else {
				dst = AppendString(dst, m.Key)
			}
			dst = append(dst, ':')
			dst = m.Value.Append(dst)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// String returns the JSON text, which is null for Missing and Pending.
func (v Value) String() string {
	if raw := v.raw(); raw != "" {
		return raw
	}
	return textOf(v.Append(make([]byte, 0, v.length())))
}

// textOf is the text of bytes that nobody changes any more.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// length is about the length of the text.
func (v Value) length() int {
	if v.text != "" || v.node == nil {
		return len(v.text) + 2
	}
	n := 2
	for i := range v.node.members {
		m := &v.node.members[i]
		n += len(m.Key) + 4 + m.Value.length()
	}
	for i := range v.node.elems {
		n += 1 + v.node.elems[i].length()
	}
	return n
}

// Flat returns v as a text, so that its tree can be freed. like is a value of about
// the same size.
func (v Value) Flat(like Value) Value {
	if v.node == nil || v.kind != Object && v.kind != Array {
		return v
	}
	return Value{kind: v.kind, text: textOf(v.Append(make([]byte, 0, len(like.text))))}
}

// Obstacle is the reason why a change cannot be made.
type Obstacle uint8

const (
	Free    Obstacle = iota // none: the change is made
	Awaited                 // the path meets a Pending value
	Blocked                 // the path meets a value that is no object
)

// Set stores x at keys below v, creating missing objects on the way. Null, an
// array or a scalar in the way blocks.
func (v Value) Set(keys []string, x Value) (Value, Obstacle) {
	if len(keys) == 0 {
		return x, Free
	}
	switch v.kind {
	case Pending:
		return v, Awaited
	case Missing, Object:
		inner, o := v.Key(keys[0]).Set(keys[1:], x)
		if o != Free {
			return v, o
		}
		return v.With(keys[0], inner), Free
	}
	return v, Blocked
}

// Remove removes the member at keys. An absent member is fine; an absent parent,
// or one that is no object, blocks.
func (v Value) Remove(keys []string) (Value, Obstacle) {
	switch {
	case v.kind == Pending:
		return v, Awaited
	case v.kind != Object:
		return v, Blocked
	case len(keys) == 1:
		if v.Key(keys[0]).kind == Pending {
			return v, Awaited
		}
		return v.Without(keys[0]), Free
	}
	inner, o := v.Key(keys[0]).Remove(keys[1:])
	if o != Free {
		return v, o
	}
	return v.With(keys[0], inner), Free
}
