package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // database/sql's driver pgx
)

func init() { mysql.SetLogger(&mysql.NopLogger{}) }

func startPostgres() (*Server, error) {
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	s := &Server{Name: "postgres", Type: "sql-postgres", signal: "QUIT", driver: "pgx"}
	as, err := s.folder("postgres")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(s.dir, "data")
	if err := run(s.dir, append(as, initdb, "-D", data, "-U", "rulegate", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")); err != nil {
		return nil, err
	}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	s.argv = append(as, filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-F", "-p", strconv.Itoa(s.Port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=40")
	s.Conn = fmt.Sprintf("postgres://rulegate@%s/postgres?sslmode=disable", s.Addr())
	s.admin = s.Conn
	s.ping = s.pingSQL(s.Conn)
	return s, s.Start()
}

func startMariaDB() (*Server, error) {
	install, err := program("mariadb-install-db", "mysql_install_db")
	if err != nil {
		return nil, err
	}
	binary, err := program("mariadbd", "mysqld")
	if err != nil {
		return nil, err
	}
	s := &Server{Name: "mariadb", Type: "sql-mysql", signal: "KILL", driver: "mysql", quoting: "SET SESSION sql_mode = 'ANSI_QUOTES'"}
	as, err := s.folder("mysql")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(s.dir, "data")
	if err := run(s.dir, append(as, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")); err != nil {
		return nil, err
	}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	s.argv = append(as, binary, "--no-defaults", "--datadir="+data, "--socket="+filepath.Join(s.dir, "s"), "--pid-file="+filepath.Join(s.dir, "mariadbd.pid"),
		"--port="+strconv.Itoa(s.Port), "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin", "--max-connections=40")
	server := fmt.Sprintf("root@tcp(%s)/", s.Addr())
	s.Conn = server + "app"
	s.admin = s.Conn + "?multiStatements=true&charset=utf8mb4"
	s.ping = s.pingSQL(server)
	if err := s.Start(); err != nil {
		return nil, err
	}
	db, err := sql.Open("mysql", server)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	_, err = db.Exec("CREATE DATABASE app CHARACTER SET utf8mb4")
	return s, err
}

func (s *Server) pingSQL(conn string) func(context.Context) error {
	return func(ctx context.Context) error {
		db, err := sql.Open(s.driver, conn)
		if err != nil {
			return err
		}
		defer db.Close()
		return db.PingContext(ctx)
	}
}

// SQL returns a connection as the server's owner.
func (s *Server) SQL(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(s.driver, s.admin)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// Exec runs statements as the server's owner.
func (s *Server) Exec(t testing.TB, statements ...string) {
	t.Helper()
	db, err := sql.Open(s.driver, s.admin)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if s.quoting != "" {
		statements = append([]string{s.quoting}, statements...)
	}
	for _, text := range statements {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%.200s: %v", text, err)
		}
	}
}

// Count returns the number that a query selects.
func (s *Server) Count(t testing.TB, query string) (n int) {
	t.Helper()
	db, err := sql.Open(s.driver, s.admin)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Crowd takes all connections of the server until leave. No other test may need a
// connection meanwhile.
func (s *Server) Crowd(t testing.TB) (leave func()) {
	t.Helper()
	db, err := sql.Open(s.driver, s.admin)
	if err != nil {
		t.Fatal(err)
	}
	var held []*sql.Conn
	leave = func() {
		for _, c := range held {
			c.Close()
		}
		db.Close()
	}
	for failed := 0; failed < 5; { // closed connections of others are freed late
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		c, err := db.Conn(ctx)
		cancel()
		if err != nil {
			failed++
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if held = append(held, c); len(held) > 1000 {
			leave()
			t.Fatalf("%s gives more than a thousand connections", s.Name)
		}
	}
	return leave
}

// Explain returns the server's plan of a query, in a line.
func (s *Server) Explain(t testing.TB, text string, args ...any) string {
	t.Helper()
	rows, err := s.SQL(t).Query("EXPLAIN "+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	cells := make([]sql.NullString, len(columns))
	into := make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	var plan []string
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, c := range cells {
			if columns[i] != "possible_keys" { // the keys that are not used
				plan = append(plan, c.String)
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, " ")
}

// Indexed makes the table indexed, with an index on each of its columns, and
// IndexedFinds are finds that must use one.
func (s *Server) Indexed(t testing.TB) {
	t.Helper()
	series := map[string]string{"postgres": "SELECT g, 'v' || g FROM generate_series(1, 20000) g", "mariadb": "SELECT seq, CONCAT('v', seq) FROM seq_1_to_20000"}
	analyze := map[string]string{"postgres": "ANALYZE indexed", "mariadb": "ANALYZE TABLE indexed"}
	s.Exec(t, `DROP TABLE IF EXISTS indexed`, `CREATE TABLE indexed (id BIGINT PRIMARY KEY, v VARCHAR(50))`, `CREATE INDEX indexed_v ON indexed (v)`,
		`INSERT INTO indexed `+series[s.Name], analyze[s.Name])
}

var IndexedFinds = []string{`{"id":5}`, `{"v":"v5"}`, `{"v":{"$in":["v5","v6"]}}`, `{"id":{"$in":[5,6]}}`}
