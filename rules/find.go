package rules

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// This file compiles `find`, MongoDB's query syntax. A reference in it brings a
// scalar, or an array of scalars under $in and $nin, so that an object that a
// client sent never becomes an operator.

// findDocument reads a document of conditions.
func (c *compiler) findDocument(spec value.Value, place string) *template {
	t := &template{}
	if spec.Kind() != value.Object {
		c.faults.add(place, "want an object of conditions, found %s", found(spec))
		return t
	}
	spec.Each(func(key string, x value.Value) bool {
		at := Join(place, key)
		var in *template
		switch {
		case key == "$and", key == "$or", key == "$nor":
			in = c.findDocuments(x, at)
		case strings.HasPrefix(key, "$"):
			c.faults.add(at, "unknown operator %s: want a column, $and, $or or $nor", key)
		case key == "":
			c.faults.add(at, "want the name of a column, found an empty one")
		default:
			in = c.findCondition(x, at)
		}
		t.keys, t.inner = append(t.keys, key), append(t.inner, in)
		return true
	})
	return t
}

func (c *compiler) findDocuments(spec value.Value, place string) *template {
	t := &template{array: true}
	if spec.Kind() != value.Array || spec.Len() == 0 {
		c.faults.add(place, "want an array of conditions that is not empty, found %s", found(spec))
		return t
	}
	spec.Each(func(_ string, x value.Value) bool {
		t.inner = append(t.inner, c.findDocument(x, Elem(place, len(t.inner))))
		return true
	})
	return t
}

// findCondition reads the condition for one column: operators, or a value that the
// column must equal.
func (c *compiler) findCondition(spec value.Value, place string) *template {
	operators, others := 0, 0
	if !isExtended(spec) && spec.Kind() == value.Object {
		spec.Each(func(key string, _ value.Value) bool {
			if strings.HasPrefix(key, "$") {
				operators++
			} else {
				others++
			}
			return true
		})
	}
	switch {
	case operators == 0:
		return c.findValue(spec, place)
	case others > 0:
		c.faults.add(place, "operators and keys are mixed")
		return &template{}
	}
	return c.findOperators(spec, place)
}

func (c *compiler) findOperators(spec value.Value, place string) *template {
	t := &template{}
	if spec.Kind() != value.Object || spec.Len() == 0 {
		c.faults.add(place, "want an object of operators, found %s", found(spec))
		return t
	}
	spec.Each(func(key string, x value.Value) bool {
		at := Join(place, key)
		var in *template
		switch key {
		case "$eq", "$ne":
			in = c.findValue(x, at)
		case "$gt", "$gte", "$lt", "$lte":
			if x.Kind() == value.Null || x.Kind() == value.Array || x.Kind() == value.Object && !isExtended(x) && !isLiteralText(x) {
				c.faults.add(at, "want a value that has an order, found %s", found(x))
			}
			in = c.findValue(x, at)
		case "$in", "$nin":
			in = c.findList(x, at)
		case "$exists":
			in = c.findLeaf(x, at, isBool)
		case "$regex":
			in = c.findRegex(x, at)
		case "$not":
			in = c.findOperators(x, at)
		default:
			c.faults.add(at, "unknown operator %s", key)
		}
		t.keys, t.inner = append(t.keys, key), append(t.inner, in)
		return true
	})
	return t
}

// findValue reads a value to compare with, in which every string may be a
// reference to a scalar.
func (c *compiler) findValue(spec value.Value, place string) *template {
	switch {
	case isLiteralText(spec):
	case isExtended(spec):
		return c.findExtended(spec, place)
	case spec.Kind() == value.Array:
		t := &template{array: true}
		spec.Each(func(_ string, x value.Value) bool {
			t.inner = append(t.inner, c.findValue(x, Elem(place, len(t.inner))))
			return true
		})
		return t
	case spec.Kind() == value.Object:
		t := &template{}
		spec.Each(func(key string, x value.Value) bool {
			at := Join(place, key)
			if strings.HasPrefix(key, "$") {
				c.faults.add(at, "no operator may stand inside a value")
			}
			t.keys, t.inner = append(t.keys, key), append(t.inner, c.findValue(x, at))
			return true
		})
		return t
	}
	leaf := c.findLeaf(spec, place, isScalar)
	if u, ok := leaf.leaf.(*unary); ok && u.objectID {
		leaf.check = nil // the one object that a reference may bring
	}
	return leaf
}

func (c *compiler) findList(spec value.Value, place string) *template {
	if s, ok := spec.Text(); ok && c.scope.isReference(s) {
		return c.findLeaf(spec, place, isScalars)
	}
	if spec.Kind() != value.Array {
		c.faults.add(place, "want an array or a reference to one, found %s", found(spec))
		return &template{}
	}
	return c.findValue(spec, place)
}

func (c *compiler) findRegex(spec value.Value, place string) *template {
	s, ok := spec.Text()
	switch {
	case !ok:
		c.faults.add(place, "want a pattern, found %s", found(spec))
	case c.scope.isReference(s):
		c.faults.add(place, "a pattern is written in the rule, never a reference")
	default:
		if err := CheckPattern(s); err != nil {
			c.faults.add(place, "%v", err)
		}
	}
	return &template{leaf: &literal{text: s, written: spec}}
}

// findLeaf reads a value that may be a reference. The value that a reference brings
// must pass check, and so must a written value, unless that is null.
func (c *compiler) findLeaf(spec value.Value, place string, check func(value.Value) error) *template {
	e, err := c.expression(spec, place)
	if err != nil {
		c.faults.add(place, "%v", err)
		return &template{}
	}
	written, isWritten := writtenValue(e)
	if !isWritten {
		return &template{leaf: e, check: check}
	}
	if err := check(written); err != nil && spec.Kind() != value.Null {
		c.faults.add(place, "%v", err)
	}
	return &template{leaf: e}
}

// isExtended recognises {"$date": …} and {"$oid": …}.
func isExtended(v value.Value) bool {
	return v.Kind() == value.Object && v.Len() == 1 && (v.Key("$date").Kind() != value.Missing || v.Key("$oid").Kind() != value.Missing)
}

func isLiteralText(v value.Value) bool { _, ok := literalText(v); return ok }

// findExtended reads a date or an ObjectID, whose text may be a reference.
func (c *compiler) findExtended(spec value.Value, place string) *template {
	key, check := "$date", isDate
	if spec.Key("$oid").Kind() != value.Missing {
		key, check = "$oid", isOID
	}
	leaf := c.findLeaf(spec.Key(key), Join(place, key), check)
	if spec.Key(key).Kind() == value.Null {
		c.faults.add(Join(place, key), "%v", check(value.NullValue))
	}
	leaf.wrap = func(v value.Value) value.Value { return value.Obj(value.Member{Key: key, Value: v}) }
	return leaf
}

func isScalar(v value.Value) error {
	switch v.Kind() {
	case value.Bool, value.Number, value.String:
		return nil
	}
	return errors.New("want a string, number or bool, found " + found(v))
}

func isScalars(v value.Value) (err error) {
	if v.Kind() != value.Array {
		return errors.New("want array, found " + found(v))
	}
	v.Each(func(_ string, x value.Value) bool {
		err = isScalar(x)
		return err == nil
	})
	return err
}

func isBool(v value.Value) error {
	if v.Kind() == value.Bool {
		return nil
	}
	return errors.New("want bool, found " + found(v))
}

func isDate(v value.Value) error {
	if _, ok := dateOf(v); ok {
		return nil
	}
	return errors.New("want a date, RFC 3339 with a zone or YYYY-MM-DD")
}

func isOID(v value.Value) error {
	if s, ok := v.Text(); ok && isObjectID(s) {
		return nil
	}
	return errors.New("want 24 hex digits")
}
