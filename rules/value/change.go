package value

import (
	"slices"

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
	gjson.Result{Type: gjson.JSON, Raw: v.raw}.ForEach(func(k, x gjson.Result) bool {
		out = append(out, Member{Key: k.Str, Value: fromResult(x), raw: k.Raw})
		return true
	})
	return out
}

// With is a copy of an Object in which the member name is x: in its old place,
// else at the end. Missing counts as an empty object; x Missing is Without.
func (v Value) With(name string, x Value) Value {
	if x.kind == Missing {
		return v.Without(name)
	}
	old := v.members()
	for i := range old {
		if old[i].Key == name {
			changed := slices.Clone(old)
			changed[i].Value = x
			return Obj(changed...)
		}
	}
	return Obj(append(old[:len(old):len(old)], Member{Key: name, Value: x})...)
}

// Without is a copy of an Object that lacks the member name.
func (v Value) Without(name string) Value {
	old := v.members()
	for i := range old {
		if old[i].Key == name {
			return Obj(slices.Concat(old[:i], old[i+1:])...)
		}
	}
	return v
}

// Same says that two values are one and the same: nothing changed between them.
// It compares identity, not content; false is always safe.
func (v Value) Same(w Value) bool {
	return v.kind == w.kind && v.node == w.node && v.raw == w.raw && v.str == w.str
}

// Append appends the JSON text. What was not changed keeps its bytes.
func (v Value) Append(dst []byte) []byte {
	switch {
	case v.raw != "":
		return append(dst, v.raw...)
	case v.kind == String:
		return gjson.AppendJSONString(dst, v.str)
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
				dst = gjson.AppendJSONString(dst, m.Key)
			}
			dst = append(dst, ':')
			dst = m.Value.Append(dst)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// String is the JSON text; of what is Missing or Pending it is null.
func (v Value) String() string {
	if v.raw != "" {
		return v.raw
	}
	return string(v.Append(nil))
}

// Flat returns v as text, so that it keeps no tree alive. like is a value of
// about its size.
func (v Value) Flat(like Value) Value {
	return Value{kind: v.kind, raw: string(v.Append(make([]byte, 0, len(like.raw))))}
}

// A change that cannot be made, or not yet.
type Obstacle uint8

const (
	Free Obstacle = iota
	Awaited
	Blocked
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

// Remove takes the member at keys away. An absent leaf is fine, an absent parent
// or one that is no object blocks.
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
