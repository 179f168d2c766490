package envoy

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// command is rulegate, built once for all tests; TestMain takes it away.
var command struct {
	sync.Once
	dir string
	err error
}

func buildCommand() (string, error) {
	c := &command
	c.Do(func() {
		if c.dir, c.err = os.MkdirTemp("", "rulegate"); c.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", c.dir, repository("host/cli/rulegate")).CombinedOutput()
		if c.err = err; err != nil {
			c.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	return filepath.Join(c.dir, "rulegate"), c.err
}

// served is a `rulegate serve` that this test started.
type served struct {
	cmd    *exec.Cmd
	url    string
	admin  string // a Unix socket
	stderr bytes.Buffer
	done   chan struct{}
}

// serve starts the companion with a policy; listen is its --listen.
func serve(t testing.TB, policy, listen string, flags ...string) *served {
	t.Helper()
	bin, err := buildCommand()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &served{admin: filepath.Join(dir, "admin"), done: make(chan struct{})}
	s.cmd = exec.Command(bin, append([]string{"serve", file, "--listen", listen, "--admin", "unix:" + s.admin}, flags...)...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for s.url == "" && lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), "ready on "); ok {
			s.url = at
		}
	}
	go func() {
		io.Copy(io.Discard, out)
		s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(s.kill)
	if s.url == "" {
		s.kill()
		t.Fatalf("the companion ended:\n%s", s.stderr.String())
	}
	return s
}

// kill ends it at once; its output may be read then.
func (s *served) kill() {
	s.cmd.Process.Kill()
	<-s.done
}

// gauge reads a metric of the companion's.
func (s *served) gauge(t testing.TB, name string) float64 {
	t.Helper()
	client := &http.Client{Timeout: answerWithin, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", s.admin)
		},
	}}
	resp, err := client.Get("http://companion/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no metric %s in\n%s", name, text)
	}
	v, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// eventually waits for what must come, however slow the machine is.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// bansFile is a SQLite file in which u2 is banned, for the policy bans.
func bansFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "social.db")
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.Exec(`CREATE TABLE bans (id TEXT); INSERT INTO bans VALUES ('u2')`)
		db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
