package query

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// Match reports whether the condition holds for a document.
func Match(e Expr, doc Value) bool {
	switch e := e.(type) {
	case And:
		for _, x := range e {
			if !Match(x, doc) {
				return false
			}
		}
		return true
	case Or:
		for _, x := range e {
			if Match(x, doc) {
				return true
			}
		}
		return false
	case Not:
		return !Match(e.Expr, doc)
	case *Field:
		return e.Holds(doc, strings.Split(e.Key, "."))
	}
	return false
}

// Holds reports whether the operator holds for a value at path in v. An empty path
// is v itself, which may be missing.
func (f *Field) Holds(v Value, path []string) bool {
	return anyAt(v, path, f.holds)
}

// anyAt reports whether f holds for a value at path in v: for the value itself, for
// the elements of an array at the end of the path, and for the values at the rest
// of the path in each document of an array on the way. f sees a missing value where
// the path leads nowhere, except below an array without documents.
func anyAt(v Value, path []string, f func(Value) bool) bool {
	switch {
	case len(path) == 0:
		return f(v) || v.isArray() && v.anyElement(f)
	case v.isDocument():
		return anyAt(v.field(path[0]), path[1:], f)
	case v.isArray():
		return anyIn(v, path, f)
	}
	return f(Value{})
}

// anyIn is anyAt for an array on the way. The path goes on in each document of the
// array, and, when it goes on with a number, in the element with that index. An element
// at the end of the path is not looked into, even if it is an array; MongoDB's
// BSONElementIterator has the same rules.
func anyIn(array Value, path []string, f func(Value) bool) bool {
	if array.anyElement(func(x Value) bool { return x.isDocument() && anyAt(x, path, f) }) {
		return true
	}
	i, ok := value.PlainIndex(path[0])
	if !ok || i >= array.len() {
		return false
	}
	x, rest := array.at(i), path[1:]
	switch {
	case len(rest) == 0:
		return f(x)
	case x.isDocument():
		return anyAt(x, rest, f)
	case x.isArray():
		return anyIn(x, rest, f)
	}
	return false
}

func (f *Field) holds(v Value) bool {
	switch f.Op {
	case Exists:
		return !v.isMissing()
	case Regex:
		text, ok := v.text()
		return ok && f.Pattern.MatchString(text)
	case In:
		return slices.ContainsFunc(f.Operands, func(x Operand) bool { return x.equals(v) })
	case Eq:
		return f.Operand.equals(v)
	}
	c, ok := f.Operand.compare(v)
	switch {
	case !ok:
		return false
	case f.Op == Gt:
		return c > 0
	case f.Op == Gte:
		return c >= 0
	case f.Op == Lt:
		return c < 0
	case f.Op == Lte:
		return c <= 0
	}
	return false
}

// compare orders v relative to x: negative when v comes first. It returns false when
// the two types have no common order.
func (x Operand) compare(v Value) (c int, ok bool) {
	switch t := v.typed.(type) {
	case nil:
		return x.compareJSON(v.json)
	case date:
		return cmp.Compare(int64(t), x.Micros), x.Kind == Date
	case objectID:
		return strings.Compare(string(t), x.Text), x.Kind == ObjectID
	case uuid:
		return strings.Compare(string(t), x.Text), x.Kind == Str
	case double:
		return t.compare(x), x.Kind == Num
	case decimal:
		if x.Kind != Num {
			return 0, false
		}
		return t.compare(x), true
	}
	return 0, false
}

func (x Operand) compareJSON(v value.Value) (c int, ok bool) {
	switch x.Kind {
	case Null:
		return 0, v.Kind() == value.Missing || v.Kind() == value.Null
	case Bool:
		return cmp.Compare(rank(v.IsTrue()), rank(x.Bool)), v.Kind() == value.Bool
	case Num:
		n, err := NumberOf(v)
		return n.Compare(x.Number), err == nil
	case Str:
		text, ok := v.Text()
		return strings.Compare(text, x.Text), ok
	}
	return 0, false // JSON has neither dates nor ObjectIDs
}

// rank orders false before true.
func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// equals reports whether the operand equals v.
func (x Operand) equals(v Value) bool {
	if x.Kind == JSON {
		return equalParts(x.JSON, v)
	}
	c, ok := x.compare(v)
	return ok && c == 0
}

// equalParts reports whether an array or object of a find equals v: arrays in order,
// objects whatever the order of their keys.
func equalParts(a value.Value, v Value) bool {
	if a.Kind() == value.Array && !v.isArray() || a.Kind() == value.Object && !v.isDocument() || a.Len() != v.len() {
		return false
	}
	equal, i := true, 0
	a.Each(func(key string, part value.Value) bool {
		other := v.field(key)
		if a.Kind() == value.Array {
			other = v.at(i)
			i++
		}
		x, err := operandOf(part)
		equal = err == nil && !other.isMissing() && x.equals(other) ||
			isExtended(part) && equalParts(part, other) // JSON may hold {"$oid": …} itself
		return equal
	})
	return equal
}
