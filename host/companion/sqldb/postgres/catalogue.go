package postgres

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/sqldb"
)

// columns finds the columns of the table or view to which the search path resolves a
// name. An array counts as JSON, a domain as its base type.
const columns = `
SELECT n.nspname::text, a.attname::text,
	CASE WHEN t.typcategory = 'A' THEN 'array' WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname::text ELSE '' END,
	coalesce((SELECT l.collisdeterministic FROM pg_catalog.pg_collation l WHERE l.oid = a.attcollation), true),
	current_setting('server_encoding')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type s ON s.oid = a.atttypid
JOIN pg_catalog.pg_type t ON t.oid = CASE WHEN s.typtype = 'd' THEN s.typbasetype ELSE s.oid END
WHERE c.relname::text COLLATE "C" = $1::text AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_catalog.pg_table_is_visible(c.oid)
	AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
ORDER BY a.attnum`

func describe(ctx context.Context, c *pgx.Conn, name string) (*sqldb.Table, error) {
	if strings.Contains(name, "\x00") || !utf8.ValidString(name) {
		return nil, sqldb.NoTable(name)
	}
	rows, err := c.Query(ctx, columns, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &sqldb.Table{Name: name}
	for rows.Next() {
		var schema, encoding string
		var x sqldb.Column
		if err := rows.Scan(&schema, &x.Name, &x.Type, &x.ByBytes, &encoding); err != nil {
			return nil, err
		}
		if encoding != "UTF8" {
			return nil, failure.Errorf(failure.Database, "the database's encoding is %s, want UTF8", encoding)
		}
		x.Kind, x.Declared = kindOf(x.Type)
		x.ByBytes = x.ByBytes && (x.Type == "text" || x.Type == "varchar")
		t.From = sqldb.Quote(schema) + "." + sqldb.Quote(name)
		t.Add(x)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(t.Columns) == 0 {
		return nil, sqldb.NoTable(name)
	}
	return t, nil
}

// kindOf classifies a type. An unknown type counts as its text.
func kindOf(typ string) (sqldb.Kind, sqldb.Declared) {
	switch typ {
	case "int2", "int4", "int8", "oid":
		return sqldb.IntKind, sqldb.Plain
	case "numeric":
		return sqldb.DecimalKind, sqldb.Plain
	case "float4", "float8":
		return sqldb.FloatKind, sqldb.Plain
	case "bool":
		return sqldb.BoolKind, sqldb.Plain
	case "bytea":
		return sqldb.BytesKind, sqldb.Plain
	case "timestamp", "timestamptz":
		return sqldb.DateTimeKind, sqldb.Date
	case "date":
		return sqldb.DateKind, sqldb.Date
	case "json", "jsonb", "array":
		return sqldb.OtherKind, sqldb.JSON
	}
	return sqldb.TextKind, sqldb.Plain
}
