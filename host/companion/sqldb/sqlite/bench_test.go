package sqlite

import (
	"context"
	"testing"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
)

func BenchmarkQuery(b *testing.B) {
	db, err := open(dbtest.SQLite(b, `CREATE TABLE users (id TEXT, public BOOLEAN, age INTEGER); INSERT INTO users VALUES ('ann', 1, 30), ('bob', 0, 20), ('cid', 0, 40)`), 4)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e, err := query.Parse(value.Obj(value.Member{Key: "id", Value: value.Str("ann")}))
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			if _, err := db.Query(ctx, query.Query{Table: "users", Where: e, Columns: []string{"public"}, Limit: 1, Bytes: 1 << 20}); err != nil {
				b.Fatal(err)
			}
			cancel()
		}
	})
	b.Run("bare driver", func(b *testing.B) {
		b.ReportAllocs()
		bare := db.db
		for b.Loop() {
			ctx, cancel := context.WithCancel(context.Background())
			var public any
			if err := bare.QueryRowContext(ctx, `SELECT +public FROM users WHERE id = ? LIMIT 1`, "ann").Scan(&public); err != nil {
				b.Fatal(err)
			}
			cancel()
		}
	})
}
