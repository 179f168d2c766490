package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const root = "../../.."

func TestTakenPortIsNamed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	for _, c := range []struct {
		first int
		envoy bool
		whose string // the part in the error; "" for no error
	}{
		{port, false, "the gateway"},
		{port - 1, true, "Envoy's admin page"},
		{port - 1, false, ""},
		{port - 2, false, "the upstream"},
		{port - 3, false, "the webhook"},
		{port - 4, true, "the companion"},
		{port - 4, false, ""},
	} {
		_, err := choosePorts(c.first, c.envoy)
		named := err != nil && strings.Contains(err.Error(), fmt.Sprintf("port %d, for %s", port, c.whose))
		if named != (c.whose != "") {
			t.Errorf("first port %d below it, envoy %v: %v", port-c.first, c.envoy, err)
		}
	}
}

func TestPortsOutOfRange(t *testing.T) {
	for _, first := range []int{-1, 65532, 70000} {
		if _, err := choosePorts(first, true); err == nil {
			t.Errorf("want an error for the first port %d", first)
		}
	}
}

// TestLineIsOneCommand lets bash split a command into words.
func TestLineIsOneCommand(t *testing.T) {
	line := try{
		url: "http://127.0.0.1:1/a?b=c&d", body: `{"it's": "$(false) \"x\""}`,
		headers: [][2]string{{"A", "`false` b"}},
	}.line()
	words, ok := strings.CutPrefix(line, "curl ")
	if !ok {
		t.Fatal(line)
	}
	out, err := exec.Command("bash", "-c", `printf '%s\n' `+words).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "-si\n-H\nA: `false` b\n-H\nContent-Type: application/json\n-d\n{\"it's\": \"$(false) \\\"x\\\"\"}\nhttp://127.0.0.1:1/a?b=c&d\n"
	if string(out) != want {
		t.Errorf("want\n%sfound\n%s", want, out)
	}
}

func TestCompare(t *testing.T) {
	expected := try{status: 200, shows: []string{`"author": "ana"`}, hides: []string{"cleo"}}
	for _, c := range []struct {
		answer string
		ok     bool
	}{
		{"HTTP/1.1 200 OK\r\n\r\n{\"author\": \"ana\"}", true},
		{"HTTP/1.1 403 Forbidden\r\n\r\n{\"author\": \"ana\"}", false},
		{"HTTP/1.1 200 OK\r\n\r\n{\"author\": \"ben\"}", false},
		{"HTTP/1.1 200 OK\r\n\r\n{\"author\": \"ana\", \"as\": \"cleo\"}", false},
		{"", false},
	} {
		if err := expected.compare(c.answer); (err == nil) != c.ok {
			t.Errorf("%q: %v", c.answer, err)
		}
	}
}

func TestLinesAreKeptWhole(t *testing.T) {
	var out bytes.Buffer
	log := &prefixed{to: &out, held: true}
	w := log.writer("envoy")
	fmt.Fprint(w, "one\ntw")
	fmt.Fprint(w, "o\n")
	if out.Len() > 0 {
		t.Errorf("written while held: %q", out.String())
	}
	log.release()
	fmt.Fprint(w, "three\n")
	if want := "envoy     | one\nenvoy     | two\nenvoy     | three\n"; out.String() != want {
		t.Errorf("want %q, found %q", want, out.String())
	}
}

// ways returns the launcher's arguments for make run and for make run-embedded.
func ways(t *testing.T) map[string][]string {
	if _, err := os.Stat(filepath.Join(root, "bin/quickstart/launch")); err != nil {
		t.Fatalf("%v: run make build quickstart", err)
	}
	envoy := os.Getenv("ENVOY")
	if envoy == "" {
		t.Fatal("ENVOY is not set: ENVOY=$(make -s envoy) go test ./envoy/...")
	}
	return map[string][]string{"envoy": {"-envoy", envoy}, "embedded": nil}
}

// started is a launcher that has printed ready, with the processes that it started.
type started struct {
	cmd      *exec.Cmd
	children []int
	err      *bytes.Buffer // its standard error
}

func start(t *testing.T, args ...string) *started {
	s := &started{err: &bytes.Buffer{}}
	s.cmd = exec.Command(filepath.Join(root, "bin/quickstart/launch"), append([]string{"-root", root, "-port", "0", "-state", t.TempDir()}, args...)...)
	s.cmd.Stderr = s.err
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() == "ready" {
			s.children = childrenOf(t, s.cmd.Process.Pid)
			go func() { // read on, so that the launcher never blocks
				for lines.Scan() {
				}
			}()
			return s
		}
	}
	s.cmd.Wait()
	t.Fatalf("not ready:\n%s", s.err)
	return nil
}

// childrenOf lists the processes whose parent is pid.
func childrenOf(t *testing.T, pid int) (children []int) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || stats == nil {
		t.Skip("no /proc: cannot list processes")
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended
		}
		_, after, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			children = append(children, child)
		}
	}
	return children
}

// ended waits for the launcher and for all processes that it started.
func (s *started) ended(t *testing.T) (code int) {
	t.Helper()
	err := s.cmd.Wait()
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range s.children {
		for syscall.Kill(pid, 0) == nil && !zombie(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d still runs", pid)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return code
}

// zombie reports whether a process has ended but its parent has not waited for it.
func zombie(pid int) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(after, "Z")
}

func TestSignalsEndEverything(t *testing.T) {
	arguments := ways(t)
	for _, c := range []struct {
		way    string
		signal syscall.Signal
		code   int
	}{
		{"embedded", syscall.SIGINT, 0},
		{"embedded", syscall.SIGTERM, 0},
		{"embedded", syscall.SIGHUP, 0},
		{"embedded", syscall.SIGKILL, -1}, // Linux kills the parts
		{"envoy", syscall.SIGTERM, 0},
	} {
		t.Run(c.way+"/"+c.signal.String(), func(t *testing.T) {
			t.Parallel()
			s := start(t, arguments[c.way]...)
			if len(s.children) != parts[c.way] {
				t.Errorf("want %d processes, found %v", parts[c.way], s.children)
			}
			s.cmd.Process.Signal(c.signal)
			if found := s.ended(t); found != c.code {
				t.Errorf("exit code: want %d, found %d\n%s", c.code, found, s.err)
			}
		})
	}
}

// parts is the number of processes that each way starts.
var parts = map[string]int{"envoy": 3, "embedded": 2}

func TestEndOfAPartEndsEverything(t *testing.T) {
	arguments := ways(t)
	for _, c := range []struct {
		way  string
		part int
	}{
		{"embedded", 0}, // the upstream
		{"embedded", 1}, // the gateway
		{"envoy", 1},    // the companion
	} {
		t.Run(fmt.Sprintf("%s/%d", c.way, c.part), func(t *testing.T) {
			t.Parallel()
			s := start(t, arguments[c.way]...)
			syscall.Kill(s.children[c.part], syscall.SIGKILL)
			if found := s.ended(t); found != 1 {
				t.Errorf("exit code: want 1, found %d", found)
			}
			if !strings.Contains(s.err.String(), "ended by itself") {
				t.Errorf("no reason in its output:\n%s", s.err)
			}
		})
	}
}

// TestCheckSeesAnotherPolicy changes a role in the policy and expects that exactly
// the one command fails that needs it.
func TestCheckSeesAnotherPolicy(t *testing.T) {
	ways(t)
	text, err := os.ReadFile(filepath.Join(root, "envoy/quickstart/policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "[moderator, admin]", "[admin]", 1)
	if changed == string(text) {
		t.Fatal("the policy has no roles to change")
	}
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(root, "bin/quickstart/launch"), "-root", root, "-port", "0", "-check", "-policy", policy).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "FAIL allowed: Mia") || strings.Count(string(out), "FAIL ") != 1 {
		t.Errorf("want only Mia's try to fail: %v\n%s", err, out)
	}
}

// TestFaultyPolicyStartsNothing expects the fault in the output and no process.
func TestFaultyPolicyStartsNothing(t *testing.T) {
	ways(t)
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("project: p\nroutes:\n  - {name: a, match: {path: /a}, rule: {rule: alow}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(root, "bin/quickstart/launch"), "-root", root, "-port", "0", "-state", t.TempDir(), "-policy", policy).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "alow") {
		t.Errorf("want the fault: %v\n%s", err, out)
	}
}
