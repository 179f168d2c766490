package query

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// Match says whether the condition holds for a document.
func Match(e Expr, doc value.Value) bool {
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

// Holds says whether the operator holds for what stands at path in v; an empty
// path is v itself, which may be Missing.
func (f *Field) Holds(v value.Value, path []string) bool {
	return visit(v, path, f.holds)
}

// visit shows what a path leads to until see says that it is enough: the value,
// the elements of an array that ends the path, and what the rest of the path leads
// to in each document of an array on the way. What is not there is Missing, but an
// array on the way that holds no document leads nowhere.
func visit(v value.Value, path []string, see func(value.Value) bool) (found bool) {
	if len(path) == 0 {
		if see(v) {
			return true
		}
		if v.Kind() == value.Array {
			v.Each(func(_ string, x value.Value) bool {
				found = see(x)
				return !found
			})
		}
		return found
	}
	switch v.Kind() {
	case value.Object:
		return visit(v.Key(path[0]), path[1:], see)
	case value.Array:
		if i, ok := value.PlainIndex(path[0]); ok && i < v.Len() && visit(v.At(i), path[1:], see) {
			return true
		}
		v.Each(func(_ string, x value.Value) bool {
			found = isDocument(x) && visit(x, path, see)
			return !found
		})
		return found
	}
	return see(value.Value{})
}

func (f *Field) holds(v value.Value) bool {
	switch f.Op {
	case Exists:
		return v.Kind() != value.Missing
	case Regex:
		text, ok := v.Text()
		return ok && f.Pattern.MatchString(text)
	case In:
		return slices.ContainsFunc(f.Values, func(x Value) bool { return x.equals(v) })
	case Eq:
		return f.Value.equals(v)
	}
	c, ok := f.Value.order(v)
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

// order compares v with x: negative when v comes before; false for another type.
func (x Value) order(v value.Value) (c int, ok bool) {
	if key, inner, ok := marked(v); ok {
		return x.orderMarked(key, inner)
	}
	switch x.Kind {
	case Null:
		return 0, v.Kind() == value.Missing || v.Kind() == value.Null
	case Bool:
		if v.Kind() != value.Bool {
			return 0, false
		}
		return rank(v.IsTrue()) - rank(x.Bool), true
	case Num:
		n, err := NumberOf(v)
		return n.Compare(x.Number), err == nil
	case Str:
		text, ok := v.Text()
		return strings.Compare(text, x.Text), ok
	}
	return 0, false // JSON itself has neither dates nor ObjectIDs
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (x Value) equals(v value.Value) bool {
	if x.Kind == JSON || x.Kind == Str {
		return Equal(x.JSON, v)
	}
	c, ok := x.order(v)
	return ok && c == 0
}

// Equal compares what a find says with what a document holds: numbers by value,
// strings by bytes, objects whatever the order of their keys. Missing equals
// nothing.
func Equal(a, b value.Value) bool {
	if key, inner, ok := marked(b); ok {
		return equalMarked(a, key, inner)
	}
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case value.Null:
		return true
	case value.Bool:
		return a.IsTrue() == b.IsTrue()
	case value.Number:
		n, err := NumberOf(a)
		m, err2 := NumberOf(b)
		return err == nil && err2 == nil && n.Compare(m) == 0
	case value.String:
		s, _ := a.Text()
		t, _ := b.Text()
		return s == t
	case value.Array, value.Object:
		return equalParts(a, b)
	}
	return false
}

func equalParts(a, b value.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	equal, i := true, 0
	a.Each(func(key string, x value.Value) bool {
		if a.Kind() == value.Object {
			equal = Equal(x, b.Key(key))
		} else {
			equal = Equal(x, b.At(i))
			i++
		}
		return equal
	})
	return equal
}
