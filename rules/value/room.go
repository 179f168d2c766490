package value

// Room is memory for one object. The object is valid until the next one is made in
// the same room.
type Room struct{ node node }

// Obj returns an Object of members, whose keys must differ.
func (r *Room) Obj(members []Member) Value {
	r.node = node{members: members}
	return Value{kind: Object, node: &r.node}
}
