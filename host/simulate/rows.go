package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// Table is a collection or a table with given rows. Conditions mean what they mean to
// the companion: package query tests each row.
type Table struct {
	Failure
	sql     bool
	columns []string // that some row has
	rows    []row
}

type row struct {
	shown value.Value // as a reply shows it
	typed query.Value // as conditions see it
}

// NewTable returns a table with rows, which are objects. In them, {"$date": …} and
// {"$oid": …} are a date and an ObjectID, as in `find`. In a table of SQL each row has
// every column, null where the row does not give it, and a condition on a column that
// no row has is a bad call, unless the table is empty.
//
// Errors: a rules.Fault, whose place is inside the list of rows.
func NewTable(rows []value.Value, sql bool) (*Table, error) {
	t := &Table{sql: sql}
	for i, v := range rows {
		if v.Kind() != value.Object {
			return nil, fault(rules.Elem("", i), "want an object, found "+v.Kind().String())
		}
		v.Each(func(key string, _ value.Value) bool {
			if !slices.Contains(t.columns, key) {
				t.columns = append(t.columns, key)
			}
			return true
		})
	}
	for i, v := range rows {
		if sql {
			v = t.complete(v)
		}
		typed, shown, err := typedOf(v, rules.Elem("", i))
		if err != nil {
			return nil, err
		}
		t.rows = append(t.rows, row{shown, typed})
	}
	return t, nil
}

// complete returns a row with every column.
func (t *Table) complete(v value.Value) value.Value {
	members := make([]value.Member, len(t.columns))
	for i, name := range t.columns {
		x := v.Key(name)
		if x.Kind() == value.Missing {
			x = value.NullValue
		}
		members[i] = value.Member{Key: name, Value: x}
	}
	return value.Obj(members...)
}

// find returns the rows that a call asks for.
func (t *Table) find(c *rules.Call) (value.Value, error) {
	where, err := query.Parse(c.Find)
	if err != nil {
		return value.Value{}, err
	}
	if t.sql && len(t.rows) > 0 {
		if err := t.checkColumns(where); err != nil {
			return value.Value{}, err
		}
	}
	limit := c.Limit
	if limit == 0 {
		limit = rules.DefaultLimit
	}
	found := []value.Value{}
	for _, r := range t.rows {
		if len(found) == limit {
			break
		}
		if query.Match(where, r.typed) {
			found = append(found, selected(r.shown, c.Columns))
		}
	}
	return value.Arr(found...), nil
}

// checkColumns fails for a condition on a column that no row has.
func (t *Table) checkColumns(e query.Expr) error {
	var list []query.Expr
	switch e := e.(type) {
	case query.And:
		list = e
	case query.Or:
		list = e
	case query.Not:
		list = []query.Expr{e.Expr}
	case *query.Field:
		if column, _, _ := strings.Cut(e.Key, "."); !slices.Contains(t.columns, e.Key) && !slices.Contains(t.columns, column) {
			return fmt.Errorf("no row of the given data has the column %q", e.Key)
		}
	}
	for _, x := range list {
		if err := t.checkColumns(x); err != nil {
			return err
		}
	}
	return nil
}

// selected returns a row with the columns that are asked for; nil: all.
func selected(row value.Value, columns []string) value.Value {
	if columns == nil {
		return row
	}
	members := []value.Member{}
	row.Each(func(key string, v value.Value) bool {
		if slices.Contains(columns, key) {
			members = append(members, value.Member{Key: key, Value: v})
		}
		return true
	})
	return value.Obj(members...)
}

// typedOf returns a value as conditions see it, and as a reply shows it.
func typedOf(v value.Value, place string) (typed query.Value, shown value.Value, err error) {
	switch v.Kind() {
	case value.Object:
		if isDate, isOID := v.Key("$date").Kind() != value.Missing, v.Key("$oid").Kind() != value.Missing; v.Len() == 1 && (isDate || isOID) {
			return extended(v, place)
		}
		return typedObject(v, place)
	case value.Array:
		var elems []query.Value
		var shownElems []value.Value
		v.Each(func(_ string, x value.Value) bool {
			var e query.Value
			var s value.Value
			e, s, err = typedOf(x, rules.Elem(place, len(elems)))
			elems, shownElems = append(elems, e), append(shownElems, s)
			return err == nil
		})
		return query.OfArray(elems), value.Arr(shownElems...), err
	}
	return query.OfJSON(v), v, nil
}

func typedObject(v value.Value, place string) (typed query.Value, shown value.Value, err error) {
	var members []query.Member
	var shownMembers []value.Member
	v.Each(func(key string, x value.Value) bool {
		var e query.Value
		var s value.Value
		e, s, err = typedOf(x, rules.Join(place, key))
		members = append(members, query.Member{Key: key, Value: e})
		shownMembers = append(shownMembers, value.Member{Key: key, Value: s})
		return err == nil
	})
	return query.OfDocument(members), value.Obj(shownMembers...), err
}

// extended reads {"$date": …} or {"$oid": …}.
func extended(v value.Value, place string) (typed query.Value, shown value.Value, err error) {
	if date := v.Key("$date"); date.Kind() != value.Missing {
		text, _ := date.Text()
		t, ok := rules.ParseDate(text)
		if !ok {
			return typed, shown, fault(place, "$date: want RFC 3339 with a zone, or YYYY-MM-DD")
		}
		return query.OfDate(t.UnixMicro()), value.Str(t.UTC().Format(time.RFC3339Nano)), nil
	}
	text, _ := v.Key("$oid").Text()
	text = strings.ToLower(text)
	if len(text) != 24 || strings.Trim(text, "0123456789abcdef") != "" {
		return typed, shown, fault(place, "$oid: want 24 hexadecimal digits")
	}
	return query.OfObjectID(text), value.Str(text), nil
}

func fault(place, message string) error { return rules.Fault{Place: place, Message: message} }
