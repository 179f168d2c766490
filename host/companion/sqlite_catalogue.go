package companion

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
)

// table is what the catalogue says of a table or view.
type table struct {
	name    string
	from    string // of a server: how the text of a query names it
	server  string // of a server: its version, where that matters
	columns []column
	byName  map[string]int
}

// column is what its declaration says; SQLite itself stores any type in any column.
type column struct {
	name     string
	declared declared
	affinity affinity
	view     bool   // of a view: its affinity is not what it is declared as
	kind     kind   // of a server's column
	typ      string // of a server's column: the catalogue's name of its type
	bare     bool   // of a server's text: = compares it by bytes as it is
}

// declared is what a column's values mean beyond their storage class.
type declared uint8

const (
	anything declared = iota
	boolean           // BOOL or BOOLEAN: the integers 0 and 1 are false and true
	document          // JSON or JSONB: a text that is JSON is that value
	moment            // DATE, DATETIME or TIMESTAMP: a text that is a date is that instant, to $date
)

func declaredAs(decl string) declared {
	name, _, _ := strings.Cut(strings.ToUpper(decl), "(")
	switch strings.TrimSpace(name) {
	case "BOOL", "BOOLEAN":
		return boolean
	case "JSON", "JSONB":
		return document
	case "DATE", "DATETIME", "TIMESTAMP":
		return moment
	}
	return anything
}

// affinity is to what SQLite converts what a column is compared with,
// https://www.sqlite.org/datatype3.html#determination_of_column_affinity.
type affinity uint8

const (
	numeric  affinity = iota // INTEGER and NUMERIC, which compare alike
	floating                 // REAL
	textual
	none
)

func affinityOf(decl string) affinity {
	decl = strings.ToUpper(decl)
	has := func(s string) bool { return strings.Contains(decl, s) }
	switch {
	case has("INT"):
		return numeric
	case has("CHAR") || has("CLOB") || has("TEXT"):
		return textual
	case decl == "" || has("BLOB"):
		return none
	case has("REAL") || has("FLOA") || has("DOUB"):
		return floating
	}
	return numeric
}

// table looks a table up by its exact name. What the catalogue said is kept until
// the schema's version changes.
func (d *sqliteDB) table(ctx context.Context, conn *sqliteConn, name string) (*table, error) {
	var version int64
	stmt, err := conn.prepared(ctx, "PRAGMA main.schema_version")
	if err != nil {
		return nil, err
	}
	if err := stmt.QueryRowContext(ctx).Scan(&version); err != nil {
		return nil, err
	}
	if t := d.known(version, name); t != nil {
		return t, nil
	}
	t, err := describe(ctx, conn.Conn, name)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.version == version {
		d.tables[name] = t
	}
	return t, nil
}

func (d *sqliteDB) known(version int64, name string) *table {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tables == nil || d.version != version {
		d.version, d.tables = version, map[string]*table{}
	}
	return d.tables[name]
}

func describe(ctx context.Context, conn *sql.Conn, name string) (*table, error) {
	var kind string
	err := conn.QueryRowContext(ctx, `SELECT type FROM main.sqlite_schema
		WHERE name = ? COLLATE BINARY AND type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`, name).Scan(&kind)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, faultf(badCall, "no table %q", name)
	}
	if err != nil {
		return nil, err
	}
	// hidden is 1 for the columns that a virtual table keeps to itself.
	rows, err := conn.QueryContext(ctx, `SELECT name, type FROM pragma_table_xinfo(?, 'main') WHERE hidden <> 1 ORDER BY cid`, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &table{name: name, byName: map[string]int{}}
	for rows.Next() {
		var c column
		var decl string
		if err := rows.Scan(&c.name, &decl); err != nil {
			return nil, err
		}
		c.declared, c.affinity, c.view = declaredAs(decl), affinityOf(decl), kind == "view"
		t.byName[c.name] = len(t.columns)
		t.columns = append(t.columns, c)
	}
	return t, rows.Err()
}

// column finds a column by its exact name.
func (t *table) column(name string) (*column, error) {
	i, ok := t.byName[name]
	if !ok {
		return nil, faultf(badCall, "no column %q in %q", name, t.name)
	}
	return &t.columns[i], nil
}

// selected lists the columns to bring. One that the table does not have is a member
// that no row has: so it is to a rule that gets whole rows.
func (t *table) selected(names []string) []*column {
	var list []*column
	if names == nil {
		for i := range t.columns {
			list = append(list, &t.columns[i])
		}
		return list
	}
	for _, name := range names {
		if i, ok := t.byName[name]; ok && !slices.Contains(list, &t.columns[i]) {
			list = append(list, &t.columns[i])
		}
	}
	return list
}

// quote spells an identifier. SQLite reads a quoted name that it does not know as
// a string, so columns are always written with the table's alias: t."name".
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
