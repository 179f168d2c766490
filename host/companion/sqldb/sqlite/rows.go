package sqlite

import (
	"database/sql"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/companion/sqldb"
	"github.com/rulegate/rulegate/rules"
)

// encode writes rows as a JSON array of objects:
//
//	integer, real   number, integers exactly; in a BOOLEAN column 0 and 1 are
//	                false and true
//	text            string; in a JSON column the value, when it is JSON (see
//	                sqldb.RowWriter)
//	blob            string, standard base64 with padding
//	NULL            null
//
// In a DATE, DATETIME or TIMESTAMP column, a date with a time is written as RFC 3339 in
// UTC; a day alone and any other text are written as stored. Text that is not UTF-8 and
// infinite numbers are errors.
func encode(rows *sql.Rows, columns []*sqldb.Column, limit int) ([]byte, error) {
	cells := make([]any, max(len(columns), 1))
	into := make([]any, len(cells))
	for i := range cells {
		into[i] = &cells[i]
	}
	w := sqldb.NewRowWriter(columns, limit)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i, c := range columns {
			if text, ok := cells[i].(string); ok && c.Declared == sqldb.Date {
				cells[i] = rfc3339(text)
			}
		}
		if err := w.Row(cells); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return w.End()
}

// parseDate reads RFC 3339, a day, and the formats that SQLite's own functions print,
// which are UTC, https://www.sqlite.org/lang_datefunc.html.
func parseDate(text string) (time.Time, bool) {
	if len(text) > len(time.DateOnly) {
		text = asRFC3339(text)
	}
	return rules.ParseDate(text)
}

// asRFC3339 adds to a date and time the parts that SQLite leaves out.
func asRFC3339(text string) string {
	day, clock := text[:len(time.DateOnly)], text[len(time.DateOnly)+1:]
	if mark := text[len(time.DateOnly)]; mark != ' ' && mark != 'T' {
		return text
	}
	if len(clock) == len("15:04") {
		clock += ":00"
	}
	if !strings.ContainsAny(clock, "Zz+-") {
		clock += "Z"
	}
	return day + "T" + clock
}

// rfc3339 rewrites a date with a time as RFC 3339 in UTC. A day alone, and a text that
// is not a date, stay as they are.
func rfc3339(text string) string {
	if t, ok := parseDate(text); ok && len(text) > len(time.DateOnly) {
		if t = t.UTC(); t.Year() >= 0 && t.Year() <= 9999 {
			return t.Format(time.RFC3339Nano)
		}
	}
	return text
}
