package sqldb

import (
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
)

// Reader takes the rows of a Statement one by one and writes those that its
// condition admits.
type Reader struct {
	statement *Statement
	seen      int
	cells     []any
	out       *RowWriter
}

// Reader returns a reader for the statement's rows.
func (s *Statement) Reader() *Reader {
	return &Reader{statement: s, cells: make([]any, len(s.fetched)), out: NewRowWriter(s.asked, s.bytes)}
}

// Width is the number of cells in a row of the statement, at least one.
func (s *Statement) Width() int { return max(len(s.fetched), 1) }

// Row takes a row as the driver returned it. It reports whether more rows are wanted.
func (r *Reader) Row(raw []any) (more bool, err error) {
	s := r.statement
	if r.seen++; s.where.Test != nil && r.seen > query.MaxScan {
		return false, failure.Errorf(failure.TooLarge, "more than %d rows to test: conditions on JSON and some patterns are tested outside of the database", query.MaxScan)
	}
	for i, column := range s.fetched {
		if column == nil {
			r.cells[i] = isOne(raw[i])
			continue
		}
		if length(raw[i]) > s.bytes {
			return false, query.TooManyBytes(s.bytes)
		}
		if r.cells[i], err = s.dialect.Decode(column, raw[i]); err != nil {
			return false, err
		}
	}
	if s.where.Test != nil && !s.where.Test(r.cells) {
		return true, nil
	}
	if err := r.out.Row(r.cells); err != nil {
		return false, err
	}
	return r.out.Rows() < s.limit, nil
}

// End returns the rows as a JSON array.
func (r *Reader) End() ([]byte, error) { return r.out.End() }

// isOne reads the truth of a condition, which is fetched as 1 or 0.
func isOne(raw any) bool {
	switch x := raw.(type) {
	case int64:
		return x == 1
	case []byte:
		return string(x) == "1"
	}
	return false
}

func length(raw any) int {
	switch x := raw.(type) {
	case string:
		return len(x)
	case []byte:
		return len(x)
	}
	return 0
}

var timeouts = []time.Duration{100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}

// StatementTimeout returns the time that a server gets for a statement: the time
// that is left, rounded up to one of few steps, so that a session seldom changes it.
func StatementTimeout(left time.Duration) time.Duration {
	for _, d := range timeouts {
		if left <= d {
			return d
		}
	}
	return timeouts[len(timeouts)-1]
}
