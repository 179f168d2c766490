package companion

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// postgresColumns finds the columns of the table or view that the search path
// shows under a name. An array counts as JSON; of a domain its type counts.
const postgresColumns = `
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

func describePostgres(ctx context.Context, c *pgx.Conn, name string) (*table, error) {
	if strings.Contains(name, "\x00") || !utf8.ValidString(name) {
		return nil, faultf(badCall, "no table %q", name)
	}
	rows, err := c.Query(ctx, postgresColumns, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &table{name: name, byName: map[string]int{}}
	for rows.Next() {
		var schema, encoding string
		var x column
		if err := rows.Scan(&schema, &x.name, &x.typ, &x.bare, &encoding); err != nil {
			return nil, err
		}
		if encoding != "UTF8" {
			return nil, faultf(databaseError, "the database's encoding is %s, want UTF8", encoding)
		}
		x.kind, x.declared = postgresKind(x.typ)
		x.bare = x.bare && (x.typ == "text" || x.typ == "varchar")
		t.from = quote(schema) + "." + quote(name)
		t.byName[x.name] = len(t.columns)
		t.columns = append(t.columns, x)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(t.columns) == 0 {
		return nil, faultf(badCall, "no table %q", name)
	}
	return t, nil
}

// postgresKind says what a type holds. A type that is not known is what its text is.
func postgresKind(typ string) (kind, declared) {
	switch typ {
	case "int2", "int4", "int8", "oid":
		return kindInt, anything
	case "numeric":
		return kindDecimal, anything
	case "float4", "float8":
		return kindFloat, anything
	case "bool":
		return kindBool, anything
	case "bytea":
		return kindBytes, anything
	case "timestamp", "timestamptz":
		return kindMoment, moment
	case "date":
		return kindDate, moment
	case "json", "jsonb", "array":
		return kindOther, document
	}
	return kindText, anything
}
