package dbtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
)

func TestServersOnlyReadAndStopInTime(t *testing.T) {
	slow := map[string]string{
		"postgres": `CREATE OR REPLACE VIEW slow AS SELECT 1::bigint AS id, pg_sleep(30)::text AS s`,
		"mariadb":  `CREATE OR REPLACE VIEW slow AS SELECT 1 AS id, SLEEP(30) AS s`,
	}
	writing := map[string][]string{
		"postgres": {`DROP TABLE IF EXISTS log_`, `CREATE TABLE log_ (id BIGINT)`,
			`CREATE OR REPLACE FUNCTION note() RETURNS bigint LANGUAGE sql AS 'INSERT INTO log_ VALUES (1) RETURNING 1::bigint'`, `CREATE OR REPLACE VIEW noted AS SELECT note() AS id`},
		"mariadb": {`DROP TABLE IF EXISTS log_`, `CREATE TABLE log_ (id BIGINT)`, `DROP FUNCTION IF EXISTS note`,
			`CREATE FUNCTION note() RETURNS bigint BEGIN INSERT INTO log_ VALUES (1); RETURN 1; END`, `CREATE OR REPLACE VIEW noted AS SELECT note() AS id`},
	}
	sqlServers(t, func(t *testing.T, s *dbServer) {
		db := s.load(t, append([]string{slow[s.name]}, writing[s.name]...))
		if got, err := dbtest.IDs(t, db, "noted", ``); err == nil {
			t.Errorf("a view that writes: %q", got)
		}
		if got, err := dbtest.IDs(t, db, "log_", ``); err != nil || got != "" {
			t.Errorf("written: %q, %v", got, err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		if _, err := db.Query(ctx, query.Query{Table: "slow", Where: query.And{}, Limit: 1, Bytes: 1000}); failure.PhraseOf(err, failure.Database) != failure.TimedOut {
			t.Errorf("slow: %v", err)
		}
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("slow took %v", d)
		}
		if got, err := dbtest.IDs(t, db, "log_", ``); err != nil || got != "" {
			t.Errorf("after it: %q, %v", got, err)
		}
		running := map[string]string{
			"postgres": `SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%"slow"%' AND pid <> pg_backend_pid()`,
			"mariadb":  "SELECT count(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%`slow`%' AND ID <> CONNECTION_ID()",
		}
		for n, end := 1, time.Now().Add(10*time.Second); n > 0; {
			if n = s.Count(t, running[s.name]); n > 0 && time.Now().After(end) {
				t.Fatal("the server still runs the cancelled query")
			}
		}
	})
}

func TestATableThatChangesIsSeen(t *testing.T) {
	sqlServers(t, func(t *testing.T, s *dbServer) {
		db := s.load(t, []string{`DROP TABLE IF EXISTS moving`, `CREATE TABLE moving (id INT, v VARCHAR(9))`, `INSERT INTO moving VALUES (1, '1')`})
		if got, err := dbtest.IDs(t, db, "moving", `{"v":"1"}`); err != nil || got != "1" {
			t.Fatalf("%q, %v", got, err)
		}
		s.Exec(t, `DROP TABLE moving`, `CREATE TABLE moving (id BIGINT, w BOOLEAN, v VARCHAR(9))`, `INSERT INTO moving VALUES (2, TRUE, '1')`)
		if got, err := dbtest.IDs(t, db, "moving", `{"v":"1"}`); err != nil || got != "2" {
			t.Errorf("after the change: %q, %v", got, err)
		}
		dbtest.IDs(t, db, "moving", `{"w":true}`) // fails by the cached catalogue; the next query asks again
		if got, err := dbtest.IDs(t, db, "moving", `{"w":true}`); err != nil || got != "2" {
			t.Errorf("a new column: %q, %v", got, err)
		}
	})
}

// While a server is down, queries fail as refused. After its restart they succeed.
func TestServersThatRestart(t *testing.T) {
	allServers(t, func(t *testing.T, s *dbServer) {
		db := s.loadTyped(t)
		for range 3 {
			if got, err := dbtest.IDs(t, db, "things", `{"name":"alice"}`); err != nil || got != "1" {
				t.Fatalf("before: %q, %v", got, err)
			}
		}
		s.Stop()
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if got, err := dbtest.IDs(t, db, "things", `{"name":"alice"}`); err != nil || got != "1" {
			t.Errorf("right after a restart: %q, %v", got, err)
		}
		s.Stop()
		for range 2 {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			_, err := db.Query(ctx, query.Query{Table: "things", Where: query.And{}, Limit: 1, Bytes: 1000})
			if failure.PhraseOf(err, failure.Database) != failure.Refused {
				t.Errorf("while the server is down: %v", err)
			}
			if db.Ping(ctx) == nil {
				t.Error("a ping succeeds while the server is down")
			}
			cancel()
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if got, err := dbtest.IDs(t, db, "things", `{"name":"alice"}`); err != nil || got != "1" {
			t.Errorf("after its restart: %q, %v", got, err)
		}
	})
}
