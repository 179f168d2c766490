package sqldb

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/companion/query"
)

// Placeholder stands for a bound value in the text of a Fragment. No text of ours
// and no name from a catalogue has a NUL.
const Placeholder = "\x00"

// Fragment is SQL with a Placeholder for each of its values.
type Fragment struct {
	Text string
	Args []any
}

// Always and Never are the truth values as all servers write them.
var (
	Always = Fragment{Text: "TRUE"}
	Never  = Fragment{Text: "FALSE"}
)

// isNever reports whether f is Never, which comparisons return for values that no
// cell can equal.
func (f Fragment) isNever() bool { return f.Text == Never.Text }

// Numbered replaces the placeholders by number(1), number(2) and so on.
func (f Fragment) Numbered(number func(n int) string) string {
	var b strings.Builder
	for i, part := range strings.Split(f.Text, Placeholder) {
		if i > 0 {
			b.WriteString(number(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// Questioned replaces the placeholders by question marks.
func (f Fragment) Questioned() string { return strings.ReplaceAll(f.Text, Placeholder, "?") }

// joined joins fragments in brackets; an empty list gives empty.
func joined(list []Fragment, with string, empty Fragment) Fragment {
	switch len(list) {
	case 0:
		return empty
	case 1:
		return list[0]
	}
	texts := make([]string, len(list))
	var args []any
	for i, f := range list {
		texts[i] = f.Text
		args = append(args, f.Args...)
	}
	return Fragment{Text: "(" + strings.Join(texts, with) + ")", Args: args}
}

// AnyOf joins fragments by OR. An empty list is Never.
func AnyOf(list []Fragment) Fragment { return joined(list, " OR ", Never) }

// Logic combines fragments; a query.Dialect embeds it. SQL has three truth values
// and a find has two, so no fragment of ours is ever NULL.
type Logic struct{}

func (Logic) All(list []Fragment) Fragment { return joined(list, " AND ", Always) }
func (Logic) Any(list []Fragment) Fragment { return AnyOf(list) }
func (Logic) Not(f Fragment) Fragment      { return Fragment{Text: "NOT (" + f.Text + ")", Args: f.Args} }

var symbols = map[query.Op]string{query.Eq: " = ", query.In: " = ", query.Gt: " > ", query.Gte: " >= ", query.Lt: " < ", query.Lte: " <= "}

// Symbol returns the comparison operator of SQL with blanks around it.
func Symbol(op query.Op) string { return symbols[op] }

// Compare writes `left op value`, or `left IN (…)` for In. value is the text of each
// value and holds a Placeholder.
func Compare(left, value string, op query.Op, values []any) Fragment {
	if op != query.In {
		return Fragment{Text: left + symbols[op] + value, Args: values[:1]}
	}
	return Fragment{Text: left + " IN (" + value + strings.Repeat(", "+value, len(values)-1) + ")", Args: slices.Clip(values)}
}

// NotNull narrows f to rows in which the column has a value, so that f is not NULL.
func NotNull(column string, f Fragment) Fragment {
	return Fragment{Text: "(" + column + " IS NOT NULL AND " + f.Text + ")", Args: f.Args}
}

// Where returns the SQL of a translated condition.
func Where[R any](c query.Condition[Fragment, R]) Fragment {
	switch c.Known {
	case query.Always:
		return Always
	case query.Never:
		return Never
	}
	return c.Filter
}

// Operands returns the values that a field is compared with.
func Operands(f *query.Field) []query.Operand {
	if f.Op == query.In {
		return f.Operands
	}
	return []query.Operand{f.Operand}
}
