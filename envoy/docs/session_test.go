package docs

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestDocumentSessions runs the commands of each document in order, in one bash,
// and looks for each line of the output that the document shows.
func TestDocumentSessions(t *testing.T) {
	for _, file := range documents(t) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, readBlocks(t, file))
			if len(s.runs) == 0 {
				return
			}
			printed := s.run(t)
			for i, b := range s.runs {
				for line := range strings.Lines(s.outputs[i]) {
					if !strings.Contains(printed[i], strings.TrimRight(line, "\n")) {
						t.Errorf("%v: want %q in its output, found:\n%s", b, line, printed[i])
					}
				}
			}
		})
	}
}

// session holds the blocks of one document that run.
type session struct {
	dir     string // the folder that they run in
	runs    []block
	outputs []string // the output that the document shows for each of runs
}

// marker separates the outputs of two blocks.
const marker = "\x1e\n"

var documentPorts = regexp.MustCompile(`127\.0\.0\.1:[12]000\d`)

func newSession(t *testing.T, blocks []block) *session {
	s := &session{dir: t.TempDir()}
	root := harness.Repository()
	for _, name := range []string{"bin/rulegate", "bin/rulegate.wasm", "bin/quickstart/upstream"} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Fatalf("%v: run make build quickstart", err)
		}
	}
	for _, name := range []string{"bin", "envoy", "host", "Makefile", ".ci"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	// A document's ports may be taken on this machine, so each is replaced by a free one.
	free := map[string]string{}
	var held []net.Listener // open until all ports are chosen, so that no two are the same
	defer func() {
		for _, listener := range held {
			listener.Close()
		}
	}()
	onFree := func(text string) string {
		return documentPorts.ReplaceAllStringFunc(text, func(address string) string {
			if free[address] == "" {
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				held = append(held, listener)
				free[address] = listener.Addr().String()
			}
			return free[address]
		})
	}
	for _, b := range blocks {
		switch b.use {
		case "file":
			path := filepath.Join(s.dir, b.arg)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
		case "run":
			b.text = onFree(b.text)
			s.runs, s.outputs = append(s.runs, b), append(s.outputs, "")
		case "output":
			if len(s.runs) == 0 {
				t.Fatalf("%v: no block to run stands above this output", b)
			}
			s.outputs[len(s.outputs)-1] = onFree(b.text)
		}
	}
	return s
}

// run returns the output of each block, standard output and standard error mixed.
func (s *session) run(t *testing.T) []string {
	var script strings.Builder
	for _, b := range s.runs {
		script.WriteString(b.text + "printf '" + `\036\n` + "'\n")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script.String())
	bash.Dir = s.dir
	var out bytes.Buffer
	bash.Stdout, bash.Stderr = &out, &out
	// Its children are in its process group, so that one kill ends all of them.
	bash.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	end := func() error { return syscall.Kill(-bash.Process.Pid, syscall.SIGKILL) }
	bash.Cancel = end
	bash.WaitDelay = 5 * time.Second
	if err := bash.Start(); err != nil {
		t.Fatal(err)
	}
	defer end()
	if err := bash.Wait(); err != nil {
		t.Fatalf("a command failed: %v\n%s", err, out.String())
	}
	printed := strings.Split(out.String(), marker)
	if len(printed) != len(s.runs)+1 {
		t.Fatalf("want the output of %d blocks, found %d parts:\n%s", len(s.runs), len(printed), out.String())
	}
	return printed
}
