// Package dbtest starts real database servers for tests, each in a temporary
// folder and on a port of its own: PostgreSQL and MariaDB, and FerretDB for the
// protocol of MongoDB. Nothing but tests imports it.
package dbtest

import (
	"bytes"
	"context"
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
	"syscall"
	"testing"
	"time"
)

// Server is a database server that this process started.
type Server struct {
	Name string // postgres, mariadb or mongo
	Type string // of the database in a policy
	Conn string // the connection string in a policy
	Port int

	dir      string
	argv     []string
	signal   string // ends the server at once
	driver   string // of database/sql, for the statements of tests
	admin    string
	quoting  string // a statement after which "…" quotes a name; "" if it always does
	ping     func(ctx context.Context) error
	stdin    io.Closer
	finished chan struct{}
	log      bytes.Buffer
}

// ErrNotInstalled means that this machine does not have the server.
var ErrNotInstalled = errors.New("not installed")

var (
	postgres = sync.OnceValues(startPostgres)
	mariadb  = sync.OnceValues(startMariaDB)
	mongodb  = sync.OnceValues(startMongo)

	startedMu sync.Mutex
	started   []*Server
)

// Names are the servers that Get can start.
var Names = []string{"postgres", "mariadb", "mongo"}

// Get returns the server of a name, and starts it at the first call. If it is not
// installed, the test is skipped, but in CI it fails.
func Get(t testing.TB, name string) *Server {
	t.Helper()
	s, err := map[string]func() (*Server, error){"postgres": postgres, "mariadb": mariadb, "mongo": mongodb}[name]()
	if errors.Is(err, ErrNotInstalled) && os.Getenv("CI") == "" {
		t.Skipf("LEFT OUT: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each runs f as a subtest for the servers of these names, or for all servers.
func Each(t *testing.T, f func(t *testing.T, s *Server), names ...string) {
	t.Helper()
	if len(names) == 0 {
		names = Names
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) { f(t, Get(t, name)) })
	}
}

// End stops all servers and removes their folders; TestMain calls it.
func End() {
	startedMu.Lock()
	defer startedMu.Unlock()
	for _, s := range started {
		s.Stop()
		os.RemoveAll(s.dir)
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
	return "", fmt.Errorf("%s: %w", names[0], ErrNotInstalled)
}

// folder makes the server's folder. Under root, owner gets the folder, and as is the
// command line that runs a program as that user.
func (s *Server) folder(owner string) (as []string, err error) {
	startedMu.Lock()
	started = append(started, s)
	startedMu.Unlock()
	if s.dir, err = os.MkdirTemp("", "rulegate-db-"); err != nil || owner == "" || os.Getuid() != 0 {
		return nil, err
	}
	u, err := user.Lookup(owner)
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return []string{"setpriv", "--reuid=" + u.Uid, "--regid=" + u.Gid, "--clear-groups"}, os.Chown(s.dir, uid, gid)
}

// freePort picks a port below the range of ephemeral ports, so that no listener of
// another test gets the port before the server opens it.
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

// Addr is the address of the server.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// ConnVia is Conn with the address of a proxy before the server.
func (s *Server) ConnVia(addr string) string { return strings.Replace(s.Conn, s.Addr(), addr, 1) }

func run(dir string, argv []string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", argv, err, out)
	}
	return nil
}

// startsWithin bounds the start of a server; the machine may be slow.
const startsWithin = time.Minute

// Start runs the server and waits until it answers. A shell between ends the server
// when the shell's input ends, so that the server never outlives the tests.
func (s *Server) Start() error {
	cmd := exec.Command("sh", append([]string{"-c", `"$@" & p=$!; echo $p >pid; cat; kill -` + s.signal + ` $p; wait $p`, "sh"}, s.argv...)...)
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
	for end := time.Now().Add(startsWithin); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err = s.ping(ctx)
		cancel()
		if err == nil {
			return nil
		}
	}
	s.Stop()
	return fmt.Errorf("%s does not answer: %w\n%s", s.Name, err, s.log.Bytes())
}

// Stop ends the server at once, as a crash would.
func (s *Server) Stop() {
	if s.stdin != nil {
		s.stdin.Close()
		<-s.finished
		os.Remove(filepath.Join(s.dir, "pid"))
		s.stdin = nil
	}
}

// Pause stops the server's process until Resume or the end of the test, so that it
// neither answers nor ends. The processes of PostgreSQL's open connections go on.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	pid := s.tell(t, syscall.SIGSTOP)
	t.Cleanup(func() { s.tell(t, syscall.SIGCONT) })
	// Each thread takes the signal in its own time.
	for end := time.Now().Add(startsWithin); !stopped(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not pause", s.Name)
		}
	}
}

// stopped reports whether all threads of a process are stopped. On a system without
// /proc it reports true.
func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, file := range threads {
		text, err := os.ReadFile(file)
		// proc(5): the state follows the name, which is in brackets and may hold brackets.
		if i := bytes.LastIndex(text, []byte(") ")); err == nil && i >= 0 && !bytes.HasPrefix(text[i+2:], []byte("T")) {
			return false
		}
	}
	return true
}

// Resume ends a Pause.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.tell(t, syscall.SIGCONT)
}

func (s *Server) tell(t testing.TB, sig syscall.Signal) (pid int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "pid"))
	if errors.Is(err, os.ErrNotExist) {
		return 0 // it was stopped meanwhile
	}
	if err != nil {
		t.Fatal(err)
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil && pid > 1 {
		err = syscall.Kill(pid, sig)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// Restart starts a stopped server.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
}
