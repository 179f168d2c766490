// Package sqldb holds the parts that SQL databases share: the catalogue of tables,
// the translation of conditions to SQL, and the rows as JSON. Each database has a
// package below:
//
//	sqlite    all conditions are exact, by SQL functions of our own
//	postgres  a Dialect, and a session that only reads
//	mysql     the same for MariaDB and MySQL
//
// Names in SQL come from the catalogue and are quoted; every value is bound.
package sqldb

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
)

// Table is a table or view as the catalogue describes it.
type Table struct {
	Name    string
	From    string // the quoted name after FROM
	Version string // of the server, where the dialect needs it
	Columns []Column
	byName  map[string]int
}

// Column is a column as it was declared.
type Column struct {
	Name     string
	Declared Declared
	Kind     Kind   // of a server's column
	Type     string // the catalogue's name of the type
	ByBytes  bool   // a server's text column whose = compares by bytes, as it is
}

// Declared is the meaning of a column's values beyond their storage type.
type Declared uint8

const (
	Plain   Declared = iota
	Boolean          // the integers 0 and 1 are false and true
	JSON             // a text that is JSON is that value
	Date             // a text that is a date is that instant, to $date
)

// Kind is the type of a server's column, as conditions distinguish types.
type Kind uint8

const (
	OtherKind    Kind = iota // only NULL can be asked for
	TextKind                 // text, and types that are shown and compared as their text
	IntKind                  // integers of at most 64 bits
	DecimalKind              // exact decimals
	FloatKind                // doubles
	BoolKind                 // booleans
	BytesKind                // binary strings
	DateTimeKind             // an instant; without a time zone it is UTC
	DateKind                 // a day; as an instant it is the day's beginning, UTC
)

// Add appends a column.
func (t *Table) Add(c Column) {
	if t.byName == nil {
		t.byName = map[string]int{}
	}
	t.byName[c.Name] = len(t.Columns)
	t.Columns = append(t.Columns, c)
}

// NoTable is the failure for a table that the catalogue does not have.
func NoTable(name string) error { return failure.Errorf(failure.BadCall, "no table %q", name) }

// column finds a column by its exact name.
func (t *Table) column(name string) (*Column, error) {
	i, ok := t.byName[name]
	if !ok {
		return nil, failure.Errorf(failure.BadCall, "no column %q in %q", name, t.Name)
	}
	return &t.Columns[i], nil
}

// Resolve finds the column that a key of a find names: the whole key, or its part up
// to a dot, where the rest is a path into the column's JSON.
func (t *Table) Resolve(key string) (c *Column, path []string, err error) {
	if i, ok := t.byName[key]; ok {
		return &t.Columns[i], nil, nil
	}
	name, rest, dotted := strings.Cut(key, ".")
	if c, err = t.column(name); err != nil || !dotted {
		return c, nil, err
	}
	path = strings.Split(rest, ".")
	switch {
	case c.Declared != JSON:
		return nil, nil, failure.Errorf(failure.BadCall, "%q in %q: the column is not declared as JSON, so no path leads into it", key, t.Name)
	case slices.Contains(path, ""):
		return nil, nil, failure.Errorf(failure.BadCall, "%q in %q: an empty key in the path", key, t.Name)
	}
	return c, path, nil
}

// Selected returns the columns to fetch, all of them for nil. It leaves out unknown
// names, because to a rule that gets whole rows such a member is missing too.
func (t *Table) Selected(names []string) []*Column {
	var list []*Column
	if names == nil {
		for i := range t.Columns {
			list = append(list, &t.Columns[i])
		}
		return list
	}
	for _, name := range names {
		if i, ok := t.byName[name]; ok && !slices.Contains(list, &t.Columns[i]) {
			list = append(list, &t.Columns[i])
		}
	}
	return list
}

// Quote writes an identifier in standard SQL.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// catalogueAge is how long a table's description is believed. A query that fails
// forgets it at once.
const catalogueAge = 5 * time.Second

// Catalogue caches the descriptions of a server's tables. The zero Catalogue is
// empty and ready to use.
type Catalogue struct {
	mu     sync.Mutex
	tables map[string]catalogued
}

type catalogued struct {
	table *Table
	at    time.Time
}

// Find returns a table that was described recently, or nil.
func (c *Catalogue) Find(name string) *Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.tables[name]; ok && time.Since(e.at) < catalogueAge {
		return e.table
	}
	return nil
}

// Keep caches a table.
func (c *Catalogue) Keep(t *Table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tables == nil {
		c.tables = map[string]catalogued{}
	}
	c.tables[t.Name] = catalogued{table: t, at: time.Now()}
}

// Forget makes the next query describe the table again.
func (c *Catalogue) Forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tables, name)
}
