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

// command is the rulegate command, built once for each package; Main removes it.
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

// Command returns the path of the rulegate command.
func Command(t testing.TB) string {
	t.Helper()
	bin, err := buildCommand()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// ServeProcess is a `rulegate serve` that a test started.
type ServeProcess struct {
	Cmd    *exec.Cmd
	URL    string        // where it serves the module's calls
	admin  string        // the Unix socket of its metrics
	Stderr bytes.Buffer  // read it only after Done
	Done   chan struct{} // closed when it has exited
}

// Serve starts `rulegate serve` with a policy, waits until it is ready and kills
// it when the test ends. listen is the value of --listen.
func Serve(t testing.TB, policy, listen string, flags ...string) *ServeProcess {
	t.Helper()
	return ServeCandidate(t, policy, "", listen, flags...)
}

// ServeCandidate is Serve for a policy whose `shadow` names candidate.yaml.
func ServeCandidate(t testing.TB, policy, candidate, listen string, flags ...string) *ServeProcess {
	t.Helper()
	bin := Command(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"policy.yaml": policy, "candidate.yaml": candidate} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "policy.yaml")
	s := &ServeProcess{admin: filepath.Join(dir, "admin"), Done: make(chan struct{})}
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
			s.URL, _, _ = strings.Cut(at, " ")
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
		t.Fatalf("the companion exited:\n%s", s.Stderr.String())
	}
	return s
}

// Kill sends SIGKILL and waits for the end; Stderr is complete then.
func (s *ServeProcess) Kill() {
	s.Cmd.Process.Kill()
	<-s.Done
}

// Gauge returns the value of a metric of the companion.
func (s *ServeProcess) Gauge(t testing.TB, name string) float64 {
	t.Helper()
	client := &http.Client{Timeout: RequestTimeout, Transport: &http.Transport{
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

// Eventually waits until ok returns true, and fails the test after 30 s.
func Eventually(t testing.TB, condition string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", condition)
		}
	}
}
