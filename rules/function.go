package rules

import (
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// now is utils.now(): the time of the request.
type now struct{}

func (now) value(r *run) (value.Value, error) {
	if v := dateValue(r.in.Now.UTC()); v.Kind() != value.Missing {
		return v, nil
	}
	return value.Value{}, &absence{now{}.source()}
}

func (now) reads(*roots)   {}
func (now) source() string { return "utils.now()" }

// exists is utils.exists(path).
type exists struct {
	text string
	path *path
}

func (e *exists) value(r *run) (value.Value, error) {
	v := e.path.resolve(r)
	if v.Kind() == value.Pending {
		return v, nil
	}
	return value.Boolean(v.Kind() != value.Missing), nil
}

func (e *exists) reads(rs *roots) { rs.read(e.path, readExists) }
func (e *exists) source() string  { return e.text }

// unary is the call of a function of one value.
type unary struct {
	text  string
	arg   expression
	apply function // resolved by name when the rule is compiled
}

// function is a function of one value. Its result is Missing where it has none.
type function struct {
	apply    func(value.Value) value.Value
	part     readPart // of the argument
	objectID bool     // the result is an ObjectID, the one object that a reference may bring to find
}

func (u *unary) value(r *run) (value.Value, error) {
	v, err := u.arg.value(r)
	switch {
	case err != nil:
		return v, &absence{u.text}
	case v.Kind() == value.Pending:
		return v, nil
	}
	if v = u.apply.apply(v); v.Kind() == value.Missing {
		return v, &absence{u.text}
	}
	return v, nil
}

func (u *unary) reads(rs *roots) {
	if p, ok := u.arg.(*path); ok {
		rs.read(p, u.apply.part)
		return
	}
	u.arg.reads(rs)
}

func (u *unary) source() string { return u.text }

// unaryFunction returns the function of one path that has a name.
func unaryFunction(name string) (f function, ok bool) {
	switch name {
	case "length":
		return function{apply: length, part: readLength}, true
	case "number":
		return textFunction(value.Num), true
	case "lower":
		return textFunction(func(s string) value.Value { return value.Str(lower(s)) }), true
	case "stringToObjectId":
		f = textFunction(objectID)
		f.objectID = true
		return f, true
	case "objectIdToString":
		return function{apply: objectIDText}, true
	}
	return f, false
}

// textFunction is a function of a string.
func textFunction(apply func(string) value.Value) function {
	return function{apply: func(v value.Value) value.Value {
		s, ok := v.Text()
		if !ok {
			return value.Value{}
		}
		return apply(s)
	}}
}

// dateFunction is a function from a date to a date.
func dateFunction(apply func(time.Time) time.Time) function {
	return textFunction(func(s string) value.Value {
		t, ok := ParseDate(s)
		if !ok {
			return value.Value{}
		}
		return dateValue(apply(t))
	})
}

// splitter splits strings at a separator.
func splitter(separator string) function {
	return textFunction(func(s string) value.Value {
		var parts []value.Value
		for part := range strings.SplitSeq(s, separator) {
			parts = append(parts, value.Str(part))
		}
		return value.Arr(parts...)
	})
}

func dateValue(t time.Time) value.Value {
	if s, ok := formatDate(t); ok {
		return value.Str(s)
	}
	return value.Value{}
}

func length(v value.Value) value.Value {
	switch v.Kind() {
	case value.Array, value.Object:
		return value.Int(int64(v.Len()))
	case value.String:
		text, _ := v.Text()
		return value.Int(int64(len(text)))
	}
	return value.Value{}
}

// lower is ASCII lower case, because Unicode's case mapping differs between
// implementations.
func lower(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}

// objectID makes MongoDB's extended JSON {"$oid": "24 hex digits"}.
func objectID(s string) value.Value {
	if !isObjectID(s) {
		return value.Value{}
	}
	return value.Obj(value.Member{Key: "$oid", Value: value.Str(lower(s))})
}

// objectIDText reads MongoDB's extended JSON {"$oid": "24 hex digits"}, or the digits
// themselves.
func objectIDText(v value.Value) value.Value {
	s, ok := v.Text()
	if !ok && v.Len() == 1 {
		s, ok = v.Key("$oid").Text()
	}
	if !ok || !isObjectID(s) {
		return value.Value{}
	}
	return value.Str(s)
}

func isObjectID(s string) bool {
	if len(s) != 24 {
		return false
	}
	for _, b := range []byte(s) {
		if !(b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F') {
			return false
		}
	}
	return true
}
