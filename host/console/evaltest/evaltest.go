// Package evaltest runs the evaluator of the console's page in Node.js, for tests: the
// same wasm, with the same support from Go's wasm_exec.js, as in a browser.
package evaltest

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Evaluator is a running evaluator. It answers one question at a time.
type Evaluator struct {
	t      testing.TB
	mu     sync.Mutex
	in     io.Writer
	out    *bufio.Reader
	stderr *strings.Builder
}

// Build compiles the evaluator with the flags of the page, and returns its path.
func Build(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "eval.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-gcflags=all=-l", "-ldflags=-s -w", "-o", path, "github.com/rulegate/rulegate/host/console/eval")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// runner answers each line of standard input with a line.
const runner = `
require(process.argv[2])
const go = new Go()
WebAssembly.instantiate(require('fs').readFileSync(process.argv[3]), go.importObject).then(({instance}) => {
  go.run(instance)
  require('readline').createInterface({input: process.stdin, crlfDelay: Infinity})
    .on('line', line => process.stdout.write(globalThis.rulegate(line)))
    .on('close', () => process.exit(0))
})`

// Start starts an evaluator, which ends with the test.
func Start(t testing.TB) *Evaluator {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		const missing = "no Node.js in the PATH: install the package nodejs"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "runner.js")
	if err := os.WriteFile(script, []byte(runner), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, script, filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"), Build(t))
	e := &Evaluator{t: t, stderr: &strings.Builder{}}
	cmd.Stderr = e.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // ends the runner
		_ = cmd.Wait()
	})
	e.in, e.out = in, bufio.NewReaderSize(out, 1<<20)
	return e
}

// Ask asks a question, as package engine describes it, and reads the answer into v.
func (e *Evaluator) Ask(question, v any) {
	e.t.Helper()
	text, err := json.Marshal(question)
	if err != nil {
		e.t.Fatal(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.in.Write(append(text, '\n')); err != nil {
		e.t.Fatalf("%v\n%s", err, e.stderr)
	}
	line, err := e.out.ReadBytes('\n')
	if err != nil {
		e.t.Fatalf("%v\n%s", err, e.stderr)
	}
	if err := json.Unmarshal(line, v); err != nil {
		e.t.Fatalf("%v: %s", err, line)
	}
}
