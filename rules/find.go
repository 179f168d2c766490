package rules

import (
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// This file compiles `find`, MongoDB's query syntax. What may be a reference
// and what it may bring is decided here, once: a reference brings a scalar, or
// an array of scalars under $in and $nin, so that an object that a client sent
// never becomes an operator.

// findDocument reads a document of conditions.
func findDocument(spec value.Value, place string, fs *Faults) *template {
	t := &template{}
	if spec.Kind() != value.Object {
		fs.add(place, "want an object of conditions, found %s", found(spec))
		return t
	}
	spec.Each(func(key string, x value.Value) bool {
		at := Join(place, key)
		var in *template
		switch {
		case key == "$and", key == "$or", key == "$nor":
			in = findDocuments(x, at, fs)
		case strings.HasPrefix(key, "$"):
			fs.add(at, "unknown operator %s: want a column, $and, $or or $nor", key)
		case key == "":
			fs.add(at, "want the name of a column, found an empty one")
		default:
			in = findCondition(x, at, fs)
		}
		t.keys, t.inner = append(t.keys, key), append(t.inner, in)
		return true
	})
	return t
}

func findDocuments(spec value.Value, place string, fs *Faults) *template {
	t := &template{array: true}
	if spec.Kind() != value.Array || spec.Len() == 0 {
		fs.add(place, "want an array of conditions that is not empty, found %s", found(spec))
		return t
	}
	spec.Each(func(_ string, x value.Value) bool {
		t.inner = append(t.inner, findDocument(x, Elem(place, len(t.inner)), fs))
		return true
	})
	return t
}

// findCondition reads what is asked of one column: operators, or a value that
// it must equal.
func findCondition(spec value.Value, place string, fs *Faults) *template {
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
		return findValue(spec, place, fs)
	case others > 0:
		fs.add(place, "operators and keys are mixed")
		return &template{}
	}
	return findOperators(spec, place, fs)
}

func findOperators(spec value.Value, place string, fs *Faults) *template {
	t := &template{}
	if spec.Kind() != value.Object || spec.Len() == 0 {
		fs.add(place, "want an object of operators, found %s", found(spec))
		return t
	}
	spec.Each(func(key string, x value.Value) bool {
		at := Join(place, key)
		var in *template
		switch key {
		case "$eq", "$ne":
			in = findValue(x, at, fs)
		case "$gt", "$gte", "$lt", "$lte":
			if x.Kind() == value.Null || x.Kind() == value.Array || x.Kind() == value.Object && !isExtended(x) && !isLiteralText(x) {
				fs.add(at, "want a value that has an order, found %s", found(x))
			}
			in = findValue(x, at, fs)
		case "$in", "$nin":
			in = findList(x, at, fs)
		case "$exists":
			in = findLeaf(x, at, fs, isBool)
		case "$regex":
			in = findRegex(x, at, fs)
		case "$not":
			in = findOperators(x, at, fs)
		default:
			fs.add(at, "unknown operator %s", key)
		}
		t.keys, t.inner = append(t.keys, key), append(t.inner, in)
		return true
	})
	return t
}

// findValue reads a value to compare with, in which every string may be a
// reference to a scalar.
func findValue(spec value.Value, place string, fs *Faults) *template {
	switch {
	case isLiteralText(spec):
	case isExtended(spec):
		return findExtended(spec, place, fs)
	case spec.Kind() == value.Array:
		t := &template{array: true}
		spec.Each(func(_ string, x value.Value) bool {
			t.inner = append(t.inner, findValue(x, Elem(place, len(t.inner)), fs))
			return true
		})
		return t
	case spec.Kind() == value.Object:
		t := &template{}
		spec.Each(func(key string, x value.Value) bool {
			at := Join(place, key)
			if strings.HasPrefix(key, "$") {
				fs.add(at, "no operator may stand inside a value")
			}
			t.keys, t.inner = append(t.keys, key), append(t.inner, findValue(x, at, fs))
			return true
		})
		return t
	}
	leaf := findLeaf(spec, place, fs, isScalar)
	if o := leaf.operand; o != nil && o.call != nil && o.call.name == "stringToObjectId" {
		leaf.check = nil // the one object that a reference may bring: we made it
	}
	return leaf
}

func findList(spec value.Value, place string, fs *Faults) *template {
	if s, ok := spec.Text(); ok && ofArgs.isReference(s) {
		return findLeaf(spec, place, fs, isScalars)
	}
	if spec.Kind() != value.Array {
		fs.add(place, "want an array or a reference to one, found %s", found(spec))
		return &template{}
	}
	return findValue(spec, place, fs)
}

func findRegex(spec value.Value, place string, fs *Faults) *template {
	s, ok := spec.Text()
	switch {
	case !ok:
		fs.add(place, "want a pattern, found %s", found(spec))
	case ofArgs.isReference(s):
		fs.add(place, "a pattern is written in the rule, never a reference")
	default:
		if err := CheckPattern(s); err != nil {
			fs.add(place, "%v", err)
		}
	}
	return &template{operand: &operand{text: s, literal: spec}}
}

// findLeaf reads a string that may be a reference; what a reference brings must
// pass check, what is written there may be anything but is checked as well
// where it is not null.
func findLeaf(spec value.Value, place string, fs *Faults, check func(value.Value) string) *template {
	o, err := ofArgs.operand(spec)
	if err != nil {
		fs.add(place, "%v", err)
		return &template{}
	}
	if !o.isLiteral() {
		return &template{operand: o, check: check}
	}
	if reason := check(o.literal); reason != "" && spec.Kind() != value.Null {
		fs.add(place, "%s", reason)
	}
	return &template{operand: o}
}

// isExtended recognises {"$date": …} and {"$oid": …}.
func isExtended(v value.Value) bool {
	return v.Kind() == value.Object && v.Len() == 1 && (v.Key("$date").Kind() != value.Missing || v.Key("$oid").Kind() != value.Missing)
}

func isLiteralText(v value.Value) bool { _, ok := literalText(v); return ok }

// findExtended reads a date or an ObjectID, whose text may be a reference.
func findExtended(spec value.Value, place string, fs *Faults) *template {
	key, check := "$date", isDate
	if spec.Key("$oid").Kind() != value.Missing {
		key, check = "$oid", isOID
	}
	leaf := findLeaf(spec.Key(key), Join(place, key), fs, check)
	if spec.Key(key).Kind() == value.Null {
		fs.add(Join(place, key), "%s", check(value.NullValue))
	}
	leaf.wrap = func(v value.Value) value.Value { return value.Obj(value.Member{Key: key, Value: v}) }
	return leaf
}

func isScalar(v value.Value) string {
	switch v.Kind() {
	case value.Bool, value.Number, value.String:
		return ""
	}
	return "want a string, number or bool, found " + found(v)
}

func isScalars(v value.Value) (reason string) {
	if v.Kind() != value.Array {
		return "want array, found " + found(v)
	}
	v.Each(func(_ string, x value.Value) bool {
		reason = isScalar(x)
		return reason == ""
	})
	return reason
}

func isBool(v value.Value) string {
	if v.Kind() == value.Bool {
		return ""
	}
	return "want bool, found " + found(v)
}

func isDate(v value.Value) string {
	if s, ok := v.Text(); ok {
		if _, ok := parseDate(s); ok {
			return ""
		}
	}
	return "want a date, RFC 3339 with a zone or YYYY-MM-DD"
}

func isOID(v value.Value) string {
	if s, ok := v.Text(); ok && isObjectID(s) {
		return ""
	}
	return "want 24 hex digits"
}
