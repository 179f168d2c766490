package postgres

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/sqldb"
)

// dialect binds every value as a text, or an array of texts, with a cast, so that
// the server reads it and the driver converts nothing.
type dialect struct{}

func (dialect) Column(c *sqldb.Column) string {
	switch name := "t." + sqldb.Quote(c.Name); c.Type {
	case "float4":
		return name + "::float8"
	case "oid":
		return name + "::int8"
	default:
		return name
	}
}

// byBytes writes the column as text that compares by bytes.
func byBytes(c *sqldb.Column) string { return "t." + sqldb.Quote(c.Name) + `::text COLLATE "C"` }

func (d dialect) Fetch(c *sqldb.Column, limit int) string {
	name := sqldb.Quote(c.Name)
	switch {
	case c.Type == "array":
		return fmt.Sprintf("left(to_json(t.%s)::text, %d)", name, limit)
	case c.Kind == sqldb.TextKind || c.Declared == sqldb.JSON:
		return fmt.Sprintf("left(t.%s::text, %d)", name, limit)
	case c.Kind == sqldb.BytesKind:
		return fmt.Sprintf("substring(t.%s from 1 for %d)", name, limit)
	}
	return d.Column(c)
}

func (dialect) Compare(left, typ string, op query.Op, values []any) sqldb.Fragment {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = textOf(v)
	}
	if op == query.In {
		return sqldb.Fragment{Text: left + " = ANY (" + sqldb.Placeholder + "::text[]::" + typ + "[])", Args: []any{texts}}
	}
	f := sqldb.Fragment{Text: left + sqldb.Symbol(op) + sqldb.Placeholder + "::text::" + typ, Args: []any{texts[0]}}
	// PostgreSQL orders NaN after all numbers.
	if (op == query.Gt || op == query.Gte) && (typ == "double precision" || typ == "numeric") {
		f.Text = "(" + f.Text + " AND " + left + " <> 'NaN')"
	}
	return f
}

func textOf(v any) string {
	if x, ok := v.(float64); ok {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// Strings compares by bytes. No text of PostgreSQL has a NUL, so a value with one
// equals nothing; for an order it is cut before the NUL, because the shorter text is
// its nearest neighbour below.
func (d dialect) Strings(c *sqldb.Column, op query.Op, values []string) sqldb.Fragment {
	var list []any
	for _, s := range values {
		before, _, hasNUL := strings.Cut(s, "\x00")
		switch {
		case !hasNUL:
		case !op.Orders():
			continue
		default:
			op = op.AdjacentBound(false)
		}
		list = append(list, before)
	}
	left, typ := byBytes(c), "text"
	if !op.Orders() {
		switch {
		case c.ByBytes:
			left = d.Column(c)
		case c.Type == "uuid":
			left, typ, list = d.Column(c), "uuid", uuids(list)
		}
	}
	if len(list) == 0 {
		return sqldb.Never
	}
	return d.Compare(left, typ, op, list)
}

// uuids keeps the texts that are spelled as the server spells UUIDs. No other text
// equals one.
func uuids(list []any) (some []any) {
	for _, s := range list {
		if text, ok := s.(string); ok && query.IsUUID(text) {
			some = append(some, s)
		}
	}
	return some
}

func (d dialect) Decimals(c *sqldb.Column, op query.Op, values []query.Operand) sqldb.Fragment {
	var list []any
	for _, v := range values {
		list = append(list, v.Digits())
	}
	return d.Compare(d.Column(c), "numeric", op, list)
}

func (d dialect) DateTimes(c *sqldb.Column, op query.Op, micros []int64) sqldb.Fragment {
	var list []any
	layout, typ, left := "2006-01-02 15:04:05.000000", "timestamp", d.Column(c)
	switch {
	case c.Type == "timestamptz":
		layout, typ = layout+"Z07:00", "timestamptz"
	case c.Kind == sqldb.DateKind:
		left += "::timestamp"
	}
	for _, m := range micros {
		list = append(list, time.UnixMicro(m).UTC().Format(layout))
	}
	return d.Compare(left, typ, op, list)
}

func (d dialect) Regex(c *sqldb.Column, pattern string) (sqldb.Fragment, bool) {
	text, ok := translate(pattern)
	if !ok {
		return sqldb.Fragment{}, false
	}
	return sqldb.NotNull("t."+sqldb.Quote(c.Name), sqldb.Fragment{Text: byBytes(c) + " ~ " + sqldb.Placeholder + "::text", Args: []any{text}}), true
}

func (dialect) Decode(c *sqldb.Column, raw any) (any, error) {
	cell, ok := raw.([]byte)
	if !ok {
		return nil, nil
	}
	text := string(cell)
	switch c.Kind {
	case sqldb.IntKind, sqldb.DecimalKind:
		return query.JSONNumber(text), nil
	case sqldb.FloatKind:
		return strconv.ParseFloat(text, 64)
	case sqldb.BoolKind:
		return text == "t", nil
	case sqldb.BytesKind:
		return hex.DecodeString(strings.TrimPrefix(text, `\x`))
	case sqldb.DateTimeKind:
		return sqldb.RFC3339(c, text, "2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999")
	case sqldb.DateKind:
		return sqldb.Day(c, text)
	}
	return text, nil
}
