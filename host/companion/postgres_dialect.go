package companion

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/companion/query"
)

// postgres is PostgreSQL's dialect. Every value is bound as a text, or an array
// of texts, with a cast: so the server reads it, and no driver's idea of types.
type postgres struct{}

func (postgres) column(c *column) string {
	switch name := "t." + quote(c.name); c.typ {
	case "float4":
		return name + "::float8"
	case "oid":
		return name + "::int8"
	default:
		return name
	}
}

// bytes is the column as text that compares by bytes.
func (postgres) bytes(c *column) string { return "t." + quote(c.name) + `::text COLLATE "C"` }

func (p postgres) read(c *column, most int) string {
	switch {
	case c.typ == "array":
		return fmt.Sprintf("left(to_json(t.%s)::text, %d)", quote(c.name), most)
	case c.kind == kindText || c.declared == document:
		return fmt.Sprintf("left(t.%s::text, %d)", quote(c.name), most)
	case c.kind == kindBytes:
		return fmt.Sprintf("substring(t.%s from 1 for %d)", quote(c.name), most)
	}
	return p.column(c)
}

func (p postgres) compare(left, typ string, op query.Op, values []any) fragment {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = postgresText(v)
	}
	if op == query.In {
		return fragment{text: left + " = ANY (" + hole + "::text[]::" + typ + "[])", args: []any{texts}}
	}
	f := fragment{text: left + symbols[op] + hole + "::text::" + typ, args: []any{texts[0]}}
	// NaN comes after all numbers here.
	if (op == query.Gt || op == query.Gte) && (typ == "double precision" || typ == "numeric") {
		f.text = "(" + f.text + " AND " + left + " <> 'NaN')"
	}
	return f
}

func postgresText(v any) string {
	if x, ok := v.(float64); ok {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// strings minds that no text has a NUL here: one that is bound is cut before it,
// which comes right before it in order.
func (p postgres) strings(c *column, op query.Op, values []string) fragment {
	var list []any
	for _, s := range values {
		before, _, cut := strings.Cut(s, "\x00")
		switch {
		case !cut:
		case !ordering(op):
			continue
		default:
			op = nudged(op, false)
		}
		list = append(list, before)
	}
	left, typ := p.bytes(c), "text"
	if !ordering(op) {
		switch {
		case c.bare:
			left = p.column(c)
		case c.typ == "uuid":
			left, typ, list = p.column(c), "uuid", uuids(list)
		}
	}
	if len(list) == 0 {
		return never
	}
	return p.compare(left, typ, op, list)
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// uuids are those that are spelled as the server spells them; no other is equal to any.
func uuids(list []any) (some []any) {
	for _, s := range list {
		if text, ok := s.(string); ok && uuid.MatchString(text) {
			some = append(some, s)
		}
	}
	return some
}

func (p postgres) decimals(c *column, op query.Op, values []query.Value) fragment {
	var list []any
	for _, v := range values {
		list = append(list, v.Digits())
	}
	return p.compare(p.column(c), "numeric", op, list)
}

func (p postgres) moments(c *column, op query.Op, micros []int64) fragment {
	var list []any
	layout, typ, left := "2006-01-02 15:04:05.000000", "timestamp", p.column(c)
	switch {
	case c.typ == "timestamptz":
		layout, typ = layout+"Z07:00", "timestamptz"
	case c.kind == kindDate:
		left += "::timestamp"
	}
	for _, m := range micros {
		list = append(list, time.UnixMicro(m).UTC().Format(layout))
	}
	return p.compare(left, typ, op, list)
}

func (p postgres) regex(c *column, pattern string) (fragment, bool) {
	text, ok := postgresPattern(pattern)
	if !ok {
		return fragment{}, false
	}
	name := "t." + quote(c.name)
	return fragment{text: "(" + name + " IS NOT NULL AND " + p.bytes(c) + " ~ " + hole + "::text)", args: []any{text}}, true
}

func (postgres) decode(c *column, raw any) (any, error) {
	cell, ok := raw.([]byte)
	if !ok {
		return nil, nil
	}
	text := string(cell)
	switch c.kind {
	case kindInt, kindDecimal:
		return number(text), nil
	case kindFloat:
		return strconv.ParseFloat(text, 64)
	case kindBool:
		return text == "t", nil
	case kindBytes:
		return hex.DecodeString(strings.TrimPrefix(text, `\x`))
	case kindMoment:
		return rfc3339(c, text, "2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999")
	case kindDate:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return nil, noDate(c)
		}
	}
	return text, nil
}

// rfc3339 spells an instant in UTC.
func rfc3339(c *column, text string, layouts ...string) (any, error) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Format(time.RFC3339Nano), nil
		}
	}
	return nil, noDate(c)
}

func noDate(c *column) error {
	return faultf(databaseError, "column %q holds a date that RFC 3339 has not", c.name)
}
