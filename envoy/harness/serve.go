package harness

import (
	"bufio"
	"bytes"
	"context"
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
		out, err := exec.Command("go", "build", "-o", c.dir, Repository("host/cli/rulegate")).CombinedOutput()
		if c.err = err; err != nil {
			c.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	return filepath.Join(c.dir, "rulegate"), c.err
}

// Served is a `rulegate serve` that this test started.
type Served struct {
	Cmd    *exec.Cmd
	URL    string
	admin  string // a Unix socket
	Stderr bytes.Buffer
	Done   chan struct{}
}

// Serve starts the companion with a policy; listen is its --listen.
func Serve(t testing.TB, policy, listen string, flags ...string) *Served {
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
	s := &Served{admin: filepath.Join(dir, "admin"), Done: make(chan struct{})}
	s.Cmd = exec.Command(bin, append([]string{"serve", file, "--listen", listen, "--admin", "unix:" + s.admin}, flags...)...)
	s.Cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.Cmd.Stderr = &s.Stderr
	out, err := s.Cmd.StdoutPipe()
	if err == nil {
		err = s.Cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for s.URL == "" && lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), "ready on "); ok {
			s.URL = at
		}
	}
	go func() {
		io.Copy(io.Discard, out)
		s.Cmd.Wait()
		close(s.Done)
	}()
	t.Cleanup(s.Kill)
	if s.URL == "" {
		s.Kill()
		t.Fatalf("the companion ended:\n%s", s.Stderr.String())
	}
	return s
}

// Kill ends it at once; its output may be read then.
func (s *Served) Kill() {
	s.Cmd.Process.Kill()
	<-s.Done
}

// Gauge reads a metric of the companion's.
func (s *Served) Gauge(t testing.TB, name string) float64 {
	t.Helper()
	client := &http.Client{Timeout: AnswerWithin, Transport: &http.Transport{
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

// Eventually waits for what must come, however slow the machine is.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}
