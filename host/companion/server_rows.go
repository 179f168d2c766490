package companion

import (
	"sync"
	"time"
)

// collector takes the rows of a server one by one.
type collector struct {
	query *serverQuery
	limit int
	seen  int
	cells []any
	out   *rowWriter
}

func (s *serverQuery) collector(limit int) *collector {
	return &collector{query: s, limit: limit, cells: make([]any, len(s.read)), out: newRowWriter(s.asked, s.most)}
}

// row takes a row as the driver brought it, and says whether more are wanted.
func (c *collector) row(raw []any) (more bool, err error) {
	if c.seen++; c.query.where.test != nil && c.seen > maxScan {
		return false, faultf(tooLarge, "more than %d rows to look through: conditions on JSON and some patterns are tested outside of the database", maxScan)
	}
	for i, column := range c.query.read {
		if column == nil {
			c.cells[i] = isOne(raw[i])
			continue
		}
		if long(raw[i]) > c.query.most {
			return false, tooManyBytes(c.query.most)
		}
		if c.cells[i], err = c.query.dialect.decode(column, raw[i]); err != nil {
			return false, err
		}
	}
	if c.query.where.test != nil && !c.query.where.test(c.cells) {
		return true, nil
	}
	if err := c.out.row(c.cells); err != nil {
		return false, err
	}
	return c.out.rows < c.limit, nil
}

func isOne(raw any) bool {
	switch x := raw.(type) {
	case int64:
		return x == 1
	case []byte:
		return string(x) == "1"
	}
	return false
}

func long(raw any) int {
	switch x := raw.(type) {
	case string:
		return len(x)
	case []byte:
		return len(x)
	}
	return 0
}

// catalogueAge is how long what a server's catalogue said is believed. A query
// that fails makes it be asked again at once.
const catalogueAge = 5 * time.Second

// catalogue keeps what a server said of its tables.
type catalogue struct {
	mu     sync.Mutex
	tables map[string]catalogued
}

type catalogued struct {
	table *table
	at    time.Time
}

func (c *catalogue) find(name string) *table {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.tables[name]; ok && time.Since(e.at) < catalogueAge {
		return e.table
	}
	return nil
}

func (c *catalogue) keep(t *table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tables == nil {
		c.tables = map[string]catalogued{}
	}
	c.tables[t.name] = catalogued{table: t, at: time.Now()}
}

func (c *catalogue) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tables, name)
}

// serverPatience is the time that a server is given for a statement, from what is left:
// rounded up, so that few different ones are set.
func serverPatience(left time.Duration) time.Duration {
	steps := []time.Duration{100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}
	for _, d := range steps {
		if left <= d {
			return d
		}
	}
	return steps[len(steps)-1]
}
