package value

import "slices"

// Edit changes an object in place. A response has many objects, and a copy for
// each change would cost more than the change.
type Edit struct {
	of      Value // the object before the changes
	members []Member
	opened  bool
	own     bool // members is not shared with of
	changed bool
}

// Open reads the members of the object. With create, a Missing value becomes an
// empty object. It reports whether there is an object.
func (o *Edit) Open(create bool) bool {
	if o.opened {
		return true
	}
	switch {
	case o.of.kind == Object:
		o.members, o.own = o.of.members(), o.of.node == nil
	case o.of.kind == Missing && create:
		o.own, o.changed = true, true
	default:
		return false
	}
	o.opened = true
	return true
}

// Find returns the index of a member, -1 when there is none, and how many members
// it was compared with.
func (o *Edit) Find(key string) (at, compared int) {
	for i := range o.members {
		if o.members[i].Key == key {
			return i, i
		}
	}
	return -1, len(o.members)
}

func (o *Edit) At(i int) Value {
	if i < 0 {
		return Value{}
	}
	return o.members[i].Value
}

// Put sets the value of the member at index i, which is -1 for a new member. A
// Missing x removes the member.
func (o *Edit) Put(i int, key string, x Value) {
	if x.Same(o.At(i)) {
		return
	}
	if !o.own {
		o.members, o.own = slices.Clone(o.members), true
	}
	o.changed = true
	switch {
	case i < 0:
		o.members = append(o.members, Member{Key: key, Value: x})
	case x.kind == Missing:
		o.members = slices.Delete(o.members, i, i+1)
	default:
		o.members[i].Value = x
	}
}

// Value returns the changed object.
func (o *Edit) Value() Value {
	if !o.changed {
		return o.of
	}
	return Obj(o.members...)
}

// NewEdit starts to change v, an object or Missing.
func NewEdit(v Value) Edit { return Edit{of: v} }
