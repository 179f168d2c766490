package compare

import (
	"math/big"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// exact reports whether the functions between a place and an operand are inverted
// whole: the values that they come from stand for all values of the place.
func exact(u use) bool {
	for _, l := range u.chain {
		switch {
		case len(l.steps) > 0:
			return false
		case l.call == "lower", l.call == "number", l.call == "exists":
		case l.call == "default" && l.index == 0 && l.args[1].Literal.Kind() != value.Missing:
		default:
			return false
		}
	}
	return len(u.chain) < 2
}

// inputs returns values for which the function has the outputs, and some for which
// it has others.
func (l *link) inputs(outputs []value.Value) (out []value.Value) {
	outputs = l.behindSteps(outputs)
	for _, v := range outputs {
		out = append(out, l.input(v)...)
	}
	return append(out, l.examples()...)
}

// behindSteps returns the results of the function that have the values at the steps
// behind it.
func (l *link) behindSteps(values []value.Value) []value.Value {
	if len(l.steps) == 0 {
		return values
	}
	st := l.steps[0]
	var out []value.Value
	for _, v := range values {
		switch {
		case st.In != nil:
			out = append(out, value.Arr(v), value.Obj(value.Member{Key: chosenKey, Value: v}))
		case st.Index >= 0 && st.Index < 16:
			elems := make([]value.Value, st.Index+1)
			for i := range elems {
				elems[i] = value.Str("x")
			}
			elems[st.Index] = v
			out = append(out, value.Arr(elems...))
		default:
			out = append(out, value.Obj(value.Member{Key: st.Key, Value: v}))
		}
	}
	return out
}

// input returns arguments for which the function has one output.
func (l *link) input(v value.Value) []value.Value {
	s, isText := v.Text()
	n, isNumber := ratOf(v)
	switch l.call {
	case "exists":
		return []value.Value{value.Str("x"), value.NullValue}
	case "default":
		return []value.Value{v}
	case "lower":
		if isText {
			return strs(s, strings.ToUpper(s), mixed(s))
		}
	case "number":
		if isNumber {
			return strs(v.String(), otherSpelling(v.String()))
		}
	case "length":
		if isNumber && n.IsInt() && n.Sign() >= 0 && n.Cmp(big.NewRat(1000, 1)) <= 0 {
			return lengths(int(n.Num().Int64()))
		}
	case "split":
		return l.unsplit(v)
	case "keys":
		return eachText(v, func(s string) value.Value { return value.Obj(value.Member{Key: s, Value: value.Boolean(true)}) })
	case "values":
		return eachText(v, func(s string) value.Value { return value.Obj(value.Member{Key: chosenKey, Value: value.Str(s)}) })
	case "concat":
		if isText {
			return l.unconcat(s)
		}
	case "add", "sub", "mul":
		if isNumber {
			return l.uncalculate(n)
		}
	case "date":
		if t, ok := rules.ParseDate(s); ok {
			return []value.Value{v, value.Int(t.Unix())}
		}
	case "datePart":
		if isNumber && n.IsInt() {
			return l.datesWith(int(n.Num().Int64()))
		}
	case "addDuration":
		if t, ok := rules.ParseDate(s); ok {
			d, _ := l.args[1].Literal.Text()
			if by, err := time.ParseDuration(d); err == nil {
				return []value.Value{dateText(t.Add(-by)), dateText(t.Add(-by + time.Second)), dateText(t.Add(-by - time.Second))}
			}
		}
	case "roundUpDate":
		if t, ok := rules.ParseDate(s); ok {
			return []value.Value{v, dateText(t.Add(time.Second)), dateText(t.Add(-time.Second))}
		}
	case "stringToObjectId", "objectIdToString":
		return []value.Value{v, value.Obj(value.Member{Key: "$oid", Value: v}), v.Key("$oid")}
	}
	return nil
}

// examples returns arguments that belong to no output.
func (l *link) examples() []value.Value {
	switch l.call {
	case "number":
		return strs("x")
	case "length":
		return append(lengths(0), lengths(1)...)
	case "split":
		sep, _ := l.args[1].Literal.Text()
		return strs("", "x", "x"+sep+"x")
	case "stringToObjectId", "objectIdToString":
		return strs("507f1f77bcf86cd799439011")
	case "date":
		return strs("x")
	}
	return nil
}

func strs(texts ...string) (out []value.Value) {
	for _, s := range texts {
		out = append(out, value.Str(s))
	}
	return out
}

// mixed is a text with one letter in upper case.
func mixed(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// otherSpelling is the same number in other characters.
func otherSpelling(s string) string {
	if strings.ContainsAny(s, ".eE") {
		return s + "e0"
	}
	return s + ".0"
}

// lengths returns a text, an array and an object of a length.
func lengths(n int) []value.Value {
	elems := make([]value.Value, n)
	members := make([]value.Member, n)
	for i := range n {
		elems[i] = value.Int(int64(i))
		members[i] = value.Member{Key: "k" + number(i+1), Value: value.Int(0)}
	}
	return []value.Value{value.Str(strings.Repeat("x", n)), value.Arr(elems...), value.Obj(members...)}
}

// unsplit joins the elements of an array by the separator.
func (l *link) unsplit(v value.Value) []value.Value {
	sep, _ := l.args[1].Literal.Text()
	if v.Kind() != value.Array {
		return nil
	}
	var parts []string
	for _, e := range v.Elements() {
		s, ok := e.Text()
		if !ok {
			return nil
		}
		parts = append(parts, s)
	}
	joined := strings.Join(parts, sep)
	return strs(joined, joined+sep+"x")
}

func eachText(v value.Value, f func(string) value.Value) (out []value.Value) {
	for _, e := range v.Elements() {
		if s, ok := e.Text(); ok {
			out = append(out, f(s))
		}
	}
	return out
}

// unconcat takes off the written texts around the argument.
func (l *link) unconcat(s string) []value.Value {
	for i, arg := range l.args {
		t, written := arg.Literal.Text()
		switch {
		case !written || i == l.index:
		case i < l.index:
			s = strings.TrimPrefix(s, t)
		default:
			s = strings.TrimSuffix(s, t)
		}
	}
	return strs(s)
}

// uncalculate solves add, sub or mul for the argument, if the other one is written.
func (l *link) uncalculate(n *big.Rat) []value.Value {
	other, ok := ratOf(l.args[1-l.index].Literal)
	if !ok {
		return []value.Value{decimal(n)}
	}
	r := new(big.Rat)
	switch {
	case l.call == "add":
		r.Sub(n, other)
	case l.call == "sub" && l.index == 0:
		r.Add(n, other)
	case l.call == "sub":
		r.Sub(other, n)
	case other.Sign() == 0:
		return nil
	default:
		r.Quo(n, other)
	}
	return []value.Value{decimal(r)}
}

// datesWith returns dates of which a part is n.
func (l *link) datesWith(n int) []value.Value {
	part, _ := l.args[1].Literal.Text()
	at := Now
	switch part {
	case "year":
		at = at.AddDate(n-at.Year(), 0, 0)
	case "month":
		at = at.AddDate(0, n-int(at.Month()), 0)
	case "day":
		at = at.AddDate(0, 0, n-at.Day())
	case "hour":
		at = at.Add(time.Duration(n) * time.Hour)
	case "minute":
		at = at.Add(time.Duration(n) * time.Minute)
	case "second":
		at = at.Add(time.Duration(n) * time.Second)
	case "weekday":
		at = at.AddDate(0, 0, n-(int(at.Weekday())+6)%7-1)
	}
	if len(l.args) == 3 {
		name, _ := l.args[2].Literal.Text()
		if zone, err := time.LoadLocation(name); err == nil {
			_, offset := at.In(zone).Zone()
			at = at.Add(-time.Duration(offset) * time.Second)
		}
	}
	if at.Year() < 1 || at.Year() > 9998 {
		return nil
	}
	return []value.Value{dateText(at)}
}
