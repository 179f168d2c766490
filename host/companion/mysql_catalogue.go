package companion

import (
	"context"
	"database/sql"
	"strings"
	"unicode/utf8"
)

// Names are compared by bytes, whatever the server takes for the same.
const (
	mysqlColumns = `
SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, coalesce(CHARACTER_SET_NAME, ''), VERSION(), DATABASE()
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND CAST(TABLE_NAME AS BINARY) = CAST(? AS BINARY)
ORDER BY ORDINAL_POSITION`
	// MariaDB's JSON is a longtext with this check, https://mariadb.com/kb/en/json/.
	mariadbJSON = `
SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME = ? AND CHECK_CLAUSE LIKE 'json_valid(%'`
)

func describeMySQL(ctx context.Context, db *sql.DB, name string) (*table, error) {
	if len(name) > 64*4 || strings.Contains(name, "\x00") || !utf8.ValidString(name) {
		return nil, faultf(badCall, "no table %q", name)
	}
	t := &table{name: name, byName: map[string]int{}}
	rows, err := db.QueryContext(ctx, mysqlColumns, name, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c column
		var full, charset, schema string
		if err := rows.Scan(&c.name, &c.typ, &full, &charset, &t.server, &schema); err != nil {
			return nil, err
		}
		c.kind, c.declared = mysqlKind(c.typ, strings.ToLower(full))
		c.bare = charset == "utf8mb4" && c.typ != "enum" && c.typ != "set"
		t.from = backquote(schema) + "." + backquote(name)
		t.byName[c.name] = len(t.columns)
		t.columns = append(t.columns, c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(t.columns) == 0 {
		return nil, faultf(badCall, "no table %q", name)
	}
	if strings.Contains(t.server, "MariaDB") {
		return t, markJSON(ctx, db, t)
	}
	return t, nil
}

// markJSON finds the columns of MariaDB that were declared as JSON.
func markJSON(ctx context.Context, db *sql.DB, t *table) error {
	rows, err := db.QueryContext(ctx, mariadbJSON, t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var clause string
		if err := rows.Scan(&clause); err != nil {
			return err
		}
		for i := range t.columns {
			if c := &t.columns[i]; c.kind == kindText && clause == "json_valid("+backquote(c.name)+")" {
				c.kind, c.declared = kindOther, document
			}
		}
	}
	return rows.Err()
}

func mysqlKind(typ, full string) (kind, declared) {
	switch typ {
	case "tinyint":
		if strings.HasPrefix(full, "tinyint(1)") {
			return kindBool, boolean
		}
		return kindInt, anything
	case "smallint", "mediumint", "int", "bigint", "year":
		return kindInt, anything
	case "bit":
		if full == "bit(1)" {
			return kindBool, boolean
		}
		return kindInt, anything
	case "decimal":
		return kindDecimal, anything
	case "float", "double":
		return kindFloat, anything
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return kindBytes, anything
	case "datetime", "timestamp":
		return kindMoment, moment
	case "date":
		return kindDate, moment
	case "json":
		return kindOther, document
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "time", "uuid", "inet4", "inet6":
		return kindText, anything
	}
	return kindOther, anything // geometries and what is to come: only NULL or not
}

func backquote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
