package sqlite

import (
	"database/sql"
	"time"

	"github.com/rulegate/rulegate/host/companion/sqldb"
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
// In a DATE, DATETIME or TIMESTAMP column, a text in one of dateLayouts is written
// as RFC 3339 in UTC; a day alone and any other text are written as stored. Text that
// is not UTF-8 and infinite numbers are errors.
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

// dateLayouts are RFC 3339 and the formats that SQLite's own functions print, which
// are UTC, https://www.sqlite.org/lang_datefunc.html.
var dateLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04",
	"2006-01-02T15:04",
	time.DateOnly,
}

func parseDate(text string) (time.Time, bool) {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// rfc3339 rewrites a date with a time as RFC 3339 in UTC, unless it is RFC 3339
// already.
func rfc3339(text string) string {
	if _, err := time.Parse(time.RFC3339Nano, text); err == nil || len(text) <= len(time.DateOnly) {
		return text
	}
	if t, ok := parseDate(text); ok && t.UTC().Year() >= 0 && t.UTC().Year() <= 9999 {
		return t.UTC().Format(time.RFC3339Nano)
	}
	return text
}
