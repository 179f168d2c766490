package soak

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// target is a proxy under load, and the processes whose memory is watched.
type target struct {
	name, url string
	share     int64 // of the requests
	processes map[string]int
	// swap makes the target decide by the policy with a mark.
	swap   func(mark string) error
	client *http.Client
	tokens sync.Map // claims → token

	began   time.Time
	sent    atomic.Int64
	swapped atomic.Int64
	mu      sync.Mutex
	counts  map[string]int // kinds and marks
	lost    int            // requests without the answer that they must get
	faults  map[string]int
	memory  map[string][]sample
}

func newTarget(name, url string, share int) *target {
	return &target{
		name: name, url: url, share: int64(share), processes: map[string]int{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *workers}},
		counts: map[string]int{}, faults: map[string]int{}, memory: map[string][]sample{},
	}
}

func (s *target) count(what string) {
	s.mu.Lock()
	s.counts[what]++
	s.mu.Unlock()
}

func (s *target) wrong(what string) {
	s.mu.Lock()
	if len(s.faults) < 20 {
		s.faults[what]++
	} else {
		s.faults["more"]++
	}
	s.mu.Unlock()
}

// reloads replaces the policy, one with the mark a by one with b and back, until ctx ends.
func (s *target) reloads(ctx context.Context) {
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(*reload):
		}
		mark := []string{"a", "b"}[n%2]
		if err := s.swap(mark); err != nil {
			s.wrong("reload: " + err.Error())
			continue
		}
		if s.decides(ctx, mark) {
			s.swapped.Add(1)
		}
	}
}

// decides waits until the policy with a mark decides.
func (s *target) decides(ctx context.Context, mark string) bool {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if ctx.Err() != nil {
			return false
		}
		k := &kinds[2] // it does not reach the upstream
		if a, err := s.send(k, 0); err == nil && k.judge(&a) == nil && a.mark == mark {
			return true
		}
	}
	s.wrong("the policy " + mark + " did not decide within a minute")
	return false
}

// files is a folder with the policy and the database of a target.
type files struct{ dir, policy, database string }

func newFiles(t *testing.T) *files {
	t.Helper()
	dir := t.TempDir()
	f := &files{dir, filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "social.db")}
	db, err := sql.Open("sqlite", f.database)
	if err == nil {
		_, err = db.Exec(`create table users (id text); insert into users values ('ana'), ('bob')`)
		db.Close()
	}
	if err == nil {
		err = f.write("a")
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// write replaces the policy by a rename.
func (f *files) write(mark string) error {
	part := f.policy + ".new"
	if err := os.WriteFile(part, []byte(policyText(mark, f.database)), 0o600); err != nil {
		return err
	}
	return os.Rename(part, f.policy)
}

// startEnvoy starts Envoy, whose filter comes by config discovery, and its companion.
func startEnvoy(t *testing.T, up *upstream) *target {
	t.Helper()
	f := newFiles(t)
	companion := start(t, "serve", f.policy, "--listen", "127.0.0.1:0")
	configure := func() ([]byte, error) {
		cmd := exec.Command(harness.Command(t), "envoy", f.policy, "--ecds", f.dir, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
			"--upstream", up.URL, "--companion", companion.url, "--module", harness.ModuleFile(t), "--format", "json")
		var log bytes.Buffer
		cmd.Stderr = &log
		out, err := cmd.Output()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, &log)
		}
		return out, err
	}
	config, err := configure()
	if err != nil {
		t.Fatal(err)
	}
	envoy := harness.Start(t, config, nil, 2)
	envoy.Ready(t)
	s := newTarget("envoy", "http://"+envoy.Listeners(t)["rulegate"], *requests*4/5)
	s.processes["envoy"], s.processes["companion"] = envoy.Cmd.Process.Pid, companion.cmd.Process.Pid
	s.swap = func(mark string) error {
		if err := f.write(mark); err != nil {
			return err
		}
		if err := companion.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			return err
		}
		_, err := configure()
		return err
	}
	if !s.decides(t.Context(), "a") {
		t.Fatalf("Envoy does not decide: %v\n%s", s.faults, harness.Tail(envoy.Log(), 20))
	}
	return s
}

// startRun starts `rulegate run`, which is told of every second change by SIGHUP, and
// notices the others by --watch.
func startRun(t *testing.T, up *upstream) *target {
	t.Helper()
	f := newFiles(t)
	p := start(t, "run", f.policy, "--watch", "--listen", "127.0.0.1:0", "--upstream", up.URL, "--module", harness.ModuleFile(t))
	s := newTarget("run", p.url, *requests-*requests*4/5)
	s.processes["run"] = p.cmd.Process.Pid
	s.swap = func(mark string) error {
		if err := f.write(mark); err != nil || mark == "a" {
			return err
		}
		return p.cmd.Process.Signal(syscall.SIGHUP)
	}
	return s
}

// process is a rulegate command that serves.
type process struct {
	cmd *exec.Cmd
	url string
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(harness.Command(t), args...)}
	log := filepath.Join(t.TempDir(), "log")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true} // Ctrl-C is for the test alone
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.cmd.Stderr, err = os.Create(log)
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for p.url == "" && lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), "ready on "); ok {
			p.url, _, _ = strings.Cut(at, " ")
		}
	}
	if p.url == "" {
		text, _ := os.ReadFile(log)
		t.Fatalf("rulegate %s: not ready\n%s", args[0], text)
	}
	go io.Copy(io.Discard, out)
	return p
}
