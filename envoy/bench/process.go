package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program that the benchmark started.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string // path of its output
	ended chan struct{}
}

// start starts a program with more variables in its environment. It has a process
// group of its own, so that Ctrl-C in a terminal ends only the benchmark, which then
// ends its programs in order. The kernel kills the program if the benchmark dies.
func start(dir, name string, env []string, path string, args ...string) (*process, error) {
	log, err := os.CreateTemp(dir, name+"-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{name: name, cmd: exec.Command(path, args...), log: log.Name(), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop ends the program: kindly, and after five seconds by force.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// readyTimeout is long enough for an Envoy that compiles several modules on a busy
// machine.
const readyTimeout = 5 * time.Minute

// await calls ready every 10 ms until it returns true.
func (p *process) await(ctx context.Context, ready func() bool) error {
	deadline := time.After(readyTimeout)
	for !ready() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.ended:
			return fmt.Errorf("%s ended: %v\n%s", p.name, p.cmd.ProcessState, p.tail())
		case <-deadline:
			return fmt.Errorf("%s is not ready after %v\n%s", p.name, readyTimeout, p.tail())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// tail returns the last lines of the program's output.
func (p *process) tail() string {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// processorTime returns the CPU time of all threads of the program: see sched-stats
// in the kernel's documentation. A nil process takes none.
func (p *process) processorTime() (sum time.Duration, err error) {
	if p == nil {
		return 0, nil
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has ended, or this kernel has no schedstat\n%s", p.name, p.tail())
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // a thread that has ended
		}
		on, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(on, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: want nanoseconds first, found %q", f, text)
		}
		sum += time.Duration(ns)
	}
	return sum, err
}

// resident returns the resident memory of the program in megabytes.
func (p *process) resident() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmRSS:" {
			kilobytes, err := strconv.ParseFloat(f[1], 64)
			return kilobytes / 1024, err
		}
	}
	return 0, fmt.Errorf("%s has ended\n%s", p.name, p.tail())
}
