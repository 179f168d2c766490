package value

// Equal reports whether two values are the same JSON: objects whatever the order
// of their members, arrays in order, numbers by value. Missing and Pending equal
// nothing.
func Equal(a, b Value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case Null:
		return true
	case Bool:
		return a.text == b.text
	case Number:
		return equalNumbers(a, b)
	case String:
		s, _ := a.Text()
		t, _ := b.Text()
		return s == t
	case Array:
		return equalArrays(a.Elements(), b.Elements())
	case Object:
		return equalObjects(a.members(), b.members())
	}
	return false
}

func equalNumbers(a, b Value) bool {
	x, ok := DecimalOf(a)
	y, ok2 := DecimalOf(b)
	return ok && ok2 && x.Compare(y) == 0
}

func equalArrays(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// equalObjects looks members up in the same place first, as most equal objects have
// their members in one order. Where that fails, it looks them up in a map, so that two
// objects of many members take linear time.
func equalObjects(a, b []Member) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Key != b[i].Key {
			return equalInAnyOrder(a[i:], b[i:])
		}
		if !Equal(a[i].Value, b[i].Value) {
			return false
		}
	}
	return true
}

func equalInAnyOrder(a, b []Member) bool {
	n := node{members: b}
	n.index()
	for _, m := range a {
		if x, _ := n.key(m.Key); !Equal(m.Value, x) {
			return false
		}
	}
	return true
}
