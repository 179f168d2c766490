package mysql

import (
	"context"
	"database/sql"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/host/companion/sqldb"
)

const (
	// The CAST compares the name by bytes, because the server's collation does not.
	columns = `
SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, coalesce(CHARACTER_SET_NAME, ''), VERSION(), DATABASE()
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND CAST(TABLE_NAME AS BINARY) = CAST(? AS BINARY)
ORDER BY ORDINAL_POSITION`
	// MariaDB's JSON is a longtext with this check, https://mariadb.com/kb/en/json/.
	jsonChecks = `
SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME = ? AND CHECK_CLAUSE LIKE 'json_valid(%'`
)

func describe(ctx context.Context, db *sql.DB, name string) (*sqldb.Table, error) {
	if len(name) > 64*4 || strings.Contains(name, "\x00") || !utf8.ValidString(name) {
		return nil, sqldb.NoTable(name)
	}
	rows, err := db.QueryContext(ctx, columns, name, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &sqldb.Table{Name: name}
	for rows.Next() {
		var c sqldb.Column
		var full, charset, schema string
		if err := rows.Scan(&c.Name, &c.Type, &full, &charset, &t.Version, &schema); err != nil {
			return nil, err
		}
		c.Kind, c.Declared = kindOf(c.Type, strings.ToLower(full))
		c.ByBytes = charset == "utf8mb4" && c.Type != "enum" && c.Type != "set"
		t.From = backquote(schema) + "." + backquote(name)
		t.Add(c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(t.Columns) == 0 {
		return nil, sqldb.NoTable(name)
	}
	if isMariaDB(t.Version) {
		return t, markJSON(ctx, db, t)
	}
	return t, nil
}

// markJSON finds the columns of MariaDB that were declared as JSON.
func markJSON(ctx context.Context, db *sql.DB, t *sqldb.Table) error {
	rows, err := db.QueryContext(ctx, jsonChecks, t.Name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var clause string
		if err := rows.Scan(&clause); err != nil {
			return err
		}
		for i := range t.Columns {
			if c := &t.Columns[i]; c.Kind == sqldb.TextKind && clause == "json_valid("+backquote(c.Name)+")" {
				c.Kind, c.Declared = sqldb.OtherKind, sqldb.JSON
			}
		}
	}
	return rows.Err()
}

// kindOf classifies a type. full is the type with its length.
func kindOf(typ, full string) (sqldb.Kind, sqldb.Declared) {
	switch typ {
	case "tinyint":
		if strings.HasPrefix(full, "tinyint(1)") {
			return sqldb.BoolKind, sqldb.Boolean
		}
		return sqldb.IntKind, sqldb.Plain
	case "smallint", "mediumint", "int", "bigint", "year":
		return sqldb.IntKind, sqldb.Plain
	case "bit":
		if full == "bit(1)" {
			return sqldb.BoolKind, sqldb.Boolean
		}
		return sqldb.IntKind, sqldb.Plain
	case "decimal":
		return sqldb.DecimalKind, sqldb.Plain
	case "float", "double":
		return sqldb.FloatKind, sqldb.Plain
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return sqldb.BytesKind, sqldb.Plain
	case "datetime", "timestamp":
		return sqldb.DateTimeKind, sqldb.Date
	case "date":
		return sqldb.DateKind, sqldb.Date
	case "json":
		return sqldb.OtherKind, sqldb.JSON
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "time", "uuid", "inet4", "inet6":
		return sqldb.TextKind, sqldb.Plain
	}
	return sqldb.OtherKind, sqldb.Plain // geometries and future types: only NULL can be asked for
}

func backquote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
