package value

import (
	"sync/atomic"
	"unsafe"

	"github.com/tidwall/gjson"
)

// keysCompared is the number of members up to which a key is compared with each
// of them: a map costs more than it saves.
const keysCompared = 12

// Indexed returns v with the values inside it at hand, so that looking one up
// reads no text. It is for a value that is looked into more often than once. At
// most that many values are indexed; those beyond stay text. size is about how
// many bytes the index takes.
func (v Value) Indexed(most int) (indexed Value, size int) {
	left := most
	return v.indexed(&left)
}

func (v Value) indexed(left *int) (Value, int) {
	if v.node != nil || v.kind != Object && v.kind != Array {
		return v, 0
	}
	inside := v.Len()
	if inside > *left {
		return v, 0
	}
	*left -= inside
	n := &node{}
	size := int(unsafe.Sizeof(*n))
	if v.kind == Array {
		n.elems = make([]Value, 0, inside)
		size += inside * int(unsafe.Sizeof(Value{}))
	} else {
		n.members = make([]Member, 0, inside)
		size += inside * int(unsafe.Sizeof(Member{}))
	}
	v.each(func(key, x gjson.Result) bool {
		in, more := fromResult(x).indexed(left)
		size += more
		if v.kind == Array {
			n.elems = append(n.elems, in)
		} else {
			n.members = append(n.members, Member{Key: key.Str, Value: in, raw: key.Raw})
		}
		return true
	})
	n.index()
	size += len(n.byKey) * mapEntry
	v.node = n
	return v, size
}

// Opened is Indexed for the members or elements of v alone, not for what is inside
// them.
func (v Value) Opened() Value {
	if !v.IsText() {
		return v
	}
	n := &node{members: v.members(), elems: v.Elements()}
	n.index()
	v.node = n
	return v
}

// index makes a map of the keys, if they are many.
func (n *node) index() {
	if len(n.members) <= keysCompared {
		return
	}
	n.byKey = make(map[string]int, len(n.members))
	for i := range n.members {
		n.byKey[n.members[i].Key] = i
	}
}

// IsText reports whether v is an Object or an Array whose text is read each time.
func (v Value) IsText() bool { return v.node == nil && (v.kind == Object || v.kind == Array) }

// mapEntry is about how many bytes a map takes for each of its keys.
const mapEntry = 48

// Derived is a result that was computed from a value, and is kept with it:
// the elements of a list as a set. Any number of goroutines may use it.
type Derived struct {
	uses atomic.Int32
	what atomic.Value
}

// Derived returns nil for a value of which nothing can be kept.
func (v Value) Derived() *Derived {
	if v.node == nil {
		return nil
	}
	return &v.node.derived
}

// Often reports whether Often was called before: a value that is used only once
// is not worth the computation.
func (d *Derived) Often() bool { return d.uses.Load() > 0 || d.uses.Add(1) > 1 }

// Load returns the result that was kept, nil before that.
func (d *Derived) Load() any { return d.what.Load() }

// Keep keeps a result, of the same type each time.
func (d *Derived) Keep(what any) { d.what.Store(what) }
