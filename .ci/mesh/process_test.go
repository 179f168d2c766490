package mesh

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// work returns a path in the work folder.
func work(name ...string) string {
	return filepath.Join(append([]string{os.Getenv(inside)}, name...)...)
}

// program returns the path of a program that .ci/mesh/build has built.
func program(name string) string {
	return filepath.Join(os.Getenv("RULEGATE_MESH_PROGRAMS"), name)
}

const root = "../.."

// command returns the path of a program of this repository.
func command(name string) string {
	path, err := filepath.Abs(filepath.Join(root, "bin", name))
	if err != nil {
		panic(err)
	}
	return path
}

func rulegate(args ...string) []string { return append([]string{command("rulegate")}, args...) }

// process is a program that runs beside the tests. Its output is in a file.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

// launch starts a program, which lives until stop or the end of all tests.
func launch(name string, env []string, line ...string) (*process, error) {
	p := &process{name: name, cmd: exec.Command(line[0], line[1:]...), log: work("log", name), ended: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env, p.cmd.Dir = out, out, append(os.Environ(), env...), work("in", name)
	if err := os.MkdirAll(p.cmd.Dir, 0o755); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// start starts a program for one test, which gets the end of its log if it fails.
func start(t *testing.T, name string, env []string, line ...string) *process {
	t.Helper()
	p, err := launch(name, env, line...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Log(p.tail())
		}
	})
	return p
}

func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// says reports whether a text is in the program's log.
func (p *process) says(text string) error {
	log, err := os.ReadFile(p.log)
	if err == nil && !bytes.Contains(log, []byte(text)) {
		err = fmt.Errorf("no %q in the log of %s", text, p.name)
	}
	return err
}

// tail returns the end of the program's log.
func (p *process) tail() string {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Sprintf("the end of the log of %s:\n%s", p.name, strings.Join(lines[max(0, len(lines)-40):], "\n"))
}

// within tries something until it succeeds, and fails when the time is over or a program
// has ended. A nil program is none.
func within(limit time.Duration, p *process, try func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %v: %w", limit, err)
		}
		if p != nil {
			select {
			case <-p.ended:
				return fmt.Errorf("%s has ended: %w\n%s", p.name, err, p.tail())
			default:
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func wait(t *testing.T, what string, p *process, try func() error) {
	t.Helper()
	from := time.Now()
	if err := within(2*time.Minute, p, try); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	t.Logf("%s after %v", what, time.Since(from).Round(100*time.Millisecond))
}

// output runs a program to its end and returns its standard output. The error has its
// standard error.
func output(input string, line ...string) (string, error) {
	cmd := exec.Command(line[0], line[1:]...)
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &said
	cmd.Env = append(os.Environ(), "KUBECONFIG="+work("kubeconfig"), "HOME="+work("home")) // kubectl and helm keep caches
	if err := cmd.Run(); err != nil {
		return out.String(), errors.Join(fmt.Errorf("%s: %w", strings.Join(line, " "), err), errors.New(said.String()+out.String()))
	}
	return out.String(), nil
}

func must(t *testing.T, line ...string) string {
	t.Helper()
	out, err := output("", line...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := work(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
