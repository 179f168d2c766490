package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/rulegate/rulegate/host/companion/sqldb"
	"modernc.org/sqlite"
)

// table is a table or view with the affinities of its columns.
type table struct {
	sqldb.Table
	affinities map[string]affinity // by column; nil for a view, whose columns may have others
}

// declaredAs returns the meaning that the declared type of a column promises. SQLite
// itself stores any type in any column.
func declaredAs(decl string) sqldb.Declared {
	name, _, _ := strings.Cut(strings.ToUpper(decl), "(")
	switch strings.TrimSpace(name) {
	case "BOOL", "BOOLEAN":
		return sqldb.Boolean
	case "JSON", "JSONB":
		return sqldb.JSON
	case "DATE", "DATETIME", "TIMESTAMP":
		return sqldb.Date
	}
	return sqldb.Plain
}

// affinity decides to which type SQLite converts the value that a column is compared
// with, https://www.sqlite.org/datatype3.html#determination_of_column_affinity.
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

// table finds a table by its exact name, in the schema that the connection has read
// last. The description is cached until another connection reads a newer one.
func (d *database) table(ctx context.Context, conn *connection, name string) (*table, error) {
	version := conn.schema
	if t := d.cached(version, name); t != nil {
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

// readSchema reads the schema's version, and the version of the data that it is of.
func (d *database) readSchema(ctx context.Context, conn *connection) error {
	stmt, err := conn.prepare(ctx, "PRAGMA main.schema_version")
	if err != nil {
		return err
	}
	var version int64
	if err := stmt.QueryRowContext(ctx).Scan(&version); err != nil {
		return err
	}
	data, err := conn.dataVersion()
	if err != nil {
		return err
	}
	conn.schema, conn.data, conn.read = version, data, true
	d.schemaReads.Add(1)
	return nil
}

// dataVersion returns a number that changes when the connection sees that somebody has
// written to the file: with its last statement or before it.
func (c *connection) dataVersion() (version uint32, err error) {
	err = c.Raw(func(driver any) error {
		control, ok := driver.(sqlite.FileControl)
		if !ok {
			return errors.New("the driver has no version of the data")
		}
		version, err = control.FileControlDataVersion("main")
		return err
	})
	return version, err
}

func (d *database) cached(version int64, name string) *table {
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
		return nil, sqldb.NoTable(name)
	}
	if err != nil {
		return nil, err
	}
	// hidden is 1 for the internal columns of a virtual table.
	rows, err := conn.QueryContext(ctx, `SELECT name, type FROM pragma_table_xinfo(?, 'main') WHERE hidden <> 1 ORDER BY cid`, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &table{Table: sqldb.Table{Name: name}}
	if kind == "table" {
		t.affinities = map[string]affinity{}
	}
	for rows.Next() {
		var name, decl string
		if err := rows.Scan(&name, &decl); err != nil {
			return nil, err
		}
		t.Add(sqldb.Column{Name: name, Declared: declaredAs(decl)})
		if t.affinities != nil {
			t.affinities[name] = affinityOf(decl)
		}
	}
	return t, rows.Err()
}
