package companion

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
)

// dbServer is a database server of its own, in a temporary folder.
type dbServer struct {
	name     string
	dir      string
	port     int
	argv     []string
	signal   string // that ends it at once
	open     func(conn string, conns int) (Database, error)
	conn     string
	driver   string // of database/sql, for what tests write
	admin    string
	quoting  string // a statement that makes "…" a name
	stdin    io.Closer
	finished chan struct{}
	log      bytes.Buffer
}

var errNotInstalled = errors.New("not installed")

var (
	postgresServer = sync.OnceValues(startPostgres)
	mysqlServer    = sync.OnceValues(startMySQL)
	started        []*dbServer
)

func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range started {
		s.stop()
		os.RemoveAll(s.dir)
	}
	os.Exit(code)
}

// servers gives each server that there is here to f. In CI one that is missing is
// a failure.
func servers(t *testing.T, f func(t *testing.T, s *dbServer)) {
	t.Helper()
	for name, get := range map[string]func() (*dbServer, error){"postgres": postgresServer, "mariadb": mysqlServer} {
		t.Run(name, func(t *testing.T) {
			s, err := get()
			if errors.Is(err, errNotInstalled) && os.Getenv("CI") != "true" {
				t.Skipf("LEFT OUT: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			f(t, s)
		})
	}
}

// program finds a program where distributions put servers.
func program(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
		for _, dir := range []string{"/usr/sbin/", "/usr/libexec/", "/usr/local/sbin/"} {
			if _, err := os.Stat(dir + name); err == nil {
				found = append(found, dir+name)
			}
		}
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", fmt.Errorf("%s: %w", names[0], errNotInstalled)
}

// folder is one that the server's user owns; as is what runs it as that user,
// which is nobody else unless the tests run as root.
func folder(owner string) (dir string, as []string, err error) {
	if dir, err = os.MkdirTemp("", "rulegate-db-"); err != nil || os.Getuid() != 0 {
		return dir, nil, err
	}
	u, err := user.Lookup(owner)
	if err != nil {
		return dir, nil, err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return dir, []string{"setpriv", "--reuid=" + u.Uid, "--regid=" + u.Gid, "--clear-groups"}, os.Chown(dir, uid, gid)
}

// freePort picks below the range that the system takes its own choices from, so
// that no listener of another test gets the port before the server has it.
func freePort() (int, error) {
	for range 100 {
		port := 10000 + rand.IntN(20000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port")
}

func startPostgres() (*dbServer, error) {
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	dir, as, err := folder("postgres")
	if err != nil {
		return nil, err
	}
	s := &dbServer{name: "postgres", dir: dir, signal: "QUIT", open: openPostgres, driver: "pgx"}
	started = append(started, s)
	data := filepath.Join(dir, "data")
	if err := run(dir, append(as, initdb, "-D", data, "-U", "rulegate", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")); err != nil {
		return nil, err
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	s.argv = append(as, filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-F", "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=40")
	s.conn = fmt.Sprintf("postgres://rulegate@127.0.0.1:%d/postgres?sslmode=disable", s.port)
	s.admin = s.conn
	return s, s.start()
}

func startMySQL() (*dbServer, error) {
	install, err := program("mariadb-install-db", "mysql_install_db")
	if err != nil {
		return nil, err
	}
	binary, err := program("mariadbd", "mysqld")
	if err != nil {
		return nil, err
	}
	dir, as, err := folder("mysql")
	if err != nil {
		return nil, err
	}
	s := &dbServer{name: "mariadb", dir: dir, signal: "KILL", open: openMySQL, driver: "mysql", quoting: "SET SESSION sql_mode = 'ANSI_QUOTES'"}
	started = append(started, s)
	data := filepath.Join(dir, "data")
	if err := run(dir, append(as, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")); err != nil {
		return nil, err
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	s.argv = append(as, binary, "--no-defaults", "--datadir="+data, "--socket="+filepath.Join(dir, "s"), "--pid-file="+filepath.Join(dir, "pid"),
		"--port="+strconv.Itoa(s.port), "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin")
	s.conn = fmt.Sprintf("root@tcp(127.0.0.1:%d)/app", s.port)
	s.admin = s.conn + "?multiStatements=true&charset=utf8mb4"
	if err := s.start(); err != nil {
		return nil, err
	}
	db, err := sql.Open("mysql", fmt.Sprintf("root@tcp(127.0.0.1:%d)/", s.port))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	_, err = db.Exec("CREATE DATABASE app CHARACTER SET utf8mb4")
	return s, err
}

func run(dir string, argv []string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", argv, err, out)
	}
	return nil
}

// start runs the server below a shell that ends it when its input does, so that
// it never outlives the tests, and waits until it answers.
func (s *dbServer) start() error {
	cmd := exec.Command("sh", append([]string{"-c", `"$@" & p=$!; cat; kill -` + s.signal + ` $p; wait $p`, "sh"}, s.argv...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &s.log, &s.log
	cmd.WaitDelay = 5 * time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.stdin, s.finished = stdin, make(chan struct{})
	go func() {
		cmd.Wait()
		close(s.finished)
	}()
	db, err := sql.Open(s.driver, strings.Replace(s.conn, "/app", "/", 1))
	if err != nil {
		return err
	}
	defer db.Close()
	for range 300 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err = db.PingContext(ctx)
		cancel()
		if err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.stop()
	return fmt.Errorf("%s does not answer: %w\n%s", s.name, err, s.log.Bytes())
}

func (s *dbServer) stop() {
	if s.stdin != nil {
		s.stdin.Close()
		<-s.finished
		s.stdin = nil
	}
}

// exec runs statements as the server's owner.
func (s *dbServer) exec(t testing.TB, statements ...string) {
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

func (s *dbServer) count(t testing.TB, query string) (n int) {
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

// explain gives the server's plan of a query, in a line.
func (s *dbServer) explain(t testing.TB, d Database, q Query) string {
	t.Helper()
	db, err := sql.Open(s.driver, s.conn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var text string
	var args []any
	switch d := d.(type) {
	case *postgresDB:
		x, err := newServerQuery(d.dialect, d.catalogue.find(q.Table), q)
		if err != nil {
			t.Fatal(err)
		}
		f := x.text(q.Limit)
		text, args = f.params(func(n int) string { return fmt.Sprintf("$%d", n) }), f.args
	case *mysqlDB:
		x, err := newServerQuery(d.dialect, d.catalogue.find(q.Table), q)
		if err != nil {
			t.Fatal(err)
		}
		f := x.text(q.Limit)
		text, args = f.params(func(int) string { return "?" }), f.args
	}
	rows, err := db.Query("EXPLAIN "+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	var plan []string
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, c := range cells {
			if columns[i] != "possible_keys" {
				plan = append(plan, c.String)
			}
		}
	}
	return strings.Join(plan, " ")
}

// connect opens the server as the companion does.
func (s *dbServer) connect(t testing.TB, conns int) Database {
	t.Helper()
	db, err := s.open(s.conn, conns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func init() { mysql.SetLogger(&mysql.NopLogger{}) }
