package docs

import (
	"bytes"
	"context"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/rulegate/rulegate/envoy/harness"
)

// documents returns the paths of all Markdown files of the repository, relative
// to its root. Hidden folders such as .cache are skipped.
func documents(t *testing.T) []string {
	t.Helper()
	root := harness.Repository()
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 8 {
		t.Fatalf("found only %q in %s", files, root)
	}
	return files
}

// TestDocumentSessions runs the commands of each document in order, as a reader
// who pastes them does, and compares their output with the document's.
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

// session is the blocks of a document to run, and the output shown for each.
type session struct {
	dir     string
	runs    []block
	outputs []string
}

// marker goes between the outputs of two blocks.
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
	for _, name := range []string{"bin", "envoy", "Makefile", ".ci"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	// The ports in the documents may be taken, so each is replaced by a free one.
	free := map[string]string{}
	var held []net.Listener // open until all ports are chosen, so that they differ
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
			if err := os.WriteFile(filepath.Join(s.dir, b.arg), []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
		case "run":
			b.text = onFree(b.text)
			s.runs, s.outputs = append(s.runs, b), append(s.outputs, "")
		case "output":
			if len(s.runs) == 0 {
				t.Fatalf("%v: output without a block that runs", b)
			}
			s.outputs[len(s.outputs)-1] = onFree(b.text)
		}
	}
	return s
}

// run returns the output of each block, stdout and stderr together.
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
	// A process group of its own, so that all processes it starts can be killed.
	bash.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	end := func() error { return syscall.Kill(-bash.Process.Pid, syscall.SIGKILL) }
	bash.Cancel = end
	bash.WaitDelay = 5 * time.Second
	if err := bash.Start(); err != nil {
		t.Fatal(err)
	}
	defer end()
	if err := bash.Wait(); err != nil {
		t.Fatalf("the session failed: %v\n%s", err, out.String())
	}
	printed := strings.Split(out.String(), marker)
	if len(printed) != len(s.runs)+1 {
		t.Fatalf("want the output of %d blocks, found %d parts:\n%s", len(s.runs), len(printed), out.String())
	}
	return printed
}

// TestDocumentTargets checks that each make target in a document exists.
func TestDocumentTargets(t *testing.T) {
	for _, file := range documents(t) {
		for _, b := range readBlocks(t, file) {
			if b.use != "make" {
				continue
			}
			for line := range strings.Lines(b.text) {
				words := strings.Fields(line)
				if len(words) == 0 || words[0] != "make" {
					t.Errorf("%v: want a make command, found %q", b, line)
					continue
				}
				out, err := exec.Command("make", append([]string{"-C", harness.Repository(), "--dry-run"}, words[1:]...)...).CombinedOutput()
				if err != nil {
					t.Errorf("%v: %s: %v\n%s", b, line, err, out)
				}
			}
		}
	}
}

// TestDocumentRoutes checks the routes in a document as part of a small policy.
func TestDocumentRoutes(t *testing.T) {
	const head = `project: shop
auth: {tokens: [{name: own, alg: HS256, secret: "a secret of more than 32 bytes, here", primary: true}]}
routes:
  - {name: order, match: {methods: [POST], path: /v1/orders}, rule: {rule: authenticated}}
`
	for _, file := range documents(t) {
		for _, b := range readBlocks(t, file) {
			if b.use != "routes" {
				continue
			}
			policy := filepath.Join(t.TempDir(), "policy.yaml")
			text := head + "  " + strings.ReplaceAll(b.text, "\n", "\n  ") + "\n"
			if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(harness.Repository("bin/rulegate"), "check", policy).CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", b, err, out)
			}
		}
	}
}

// TestDocumentConfiguration looks for the Envoy lines of a document in the
// configuration that is generated for the document's own policy.yaml.
func TestDocumentConfiguration(t *testing.T) {
	for _, file := range documents(t) {
		blocks := readBlocks(t, file)
		generated := ""
		for _, b := range blocks {
			if generated == "" && (b.use == "generated" || b.use == "filter") {
				generated = generate(t, file, blocks)
			}
			switch b.use {
			case "generated":
				for line := range strings.Lines(b.text) {
					if !strings.Contains(generated, strings.TrimSpace(line)) {
						t.Errorf("%v: %q is not in the configuration", b, line)
					}
				}
			case "filter":
				validateFilter(t, b, generated)
			}
		}
	}
}

// generate returns the configuration for the policy.yaml among the blocks.
func generate(t *testing.T, file string, blocks []block) string {
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	i := slices.IndexFunc(blocks, func(b block) bool { return b.use == "file" && b.arg == "policy.yaml" })
	if i < 0 {
		t.Fatalf("%s: want a block `yaml file policy.yaml`, found none", file)
	}
	if err := os.WriteFile(policy, []byte(blocks[i].text), 0o600); err != nil {
		t.Fatal(err)
	}
	module := harness.Repository("bin/rulegate.wasm")
	out, err := exec.Command(harness.Repository("bin/rulegate"), "envoy", policy, "--module", module, "--upstream", "http://127.0.0.1:10002").Output()
	if err != nil {
		t.Fatalf("rulegate envoy: %v", err)
	}
	return string(out)
}

// validateFilter replaces the module's filter in a generated configuration with
// the one of an EnvoyFilter, and has Envoy validate the result.
func validateFilter(t *testing.T, b block, generated string) {
	module := harness.Repository("bin/rulegate.wasm")
	text := strings.ReplaceAll(b.text, "/etc/rulegate/rulegate.wasm", module)
	var patch any
	if err := yaml.Unmarshal([]byte(text), &patch); err != nil {
		t.Fatalf("%v: %v", b, err)
	}
	filter := follow(t, patch, "spec", "configPatches", 0, "patch", "value")
	var config any
	if err := yaml.Unmarshal([]byte(generated), &config); err != nil {
		t.Fatal(err)
	}
	manager := follow(t, config, "static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config")
	manager.(map[string]any)["http_filters"].([]any)[0] = filter
	out, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(harness.Binary(t), "--mode", "validate", "-c", file, "--log-level", "warning")
	cmd.Env = append(os.Environ(), "JWT_SECRET=a secret of more than 32 bytes, here")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", b, err, out)
	}
}

// follow returns the value under a path of keys and indices.
func follow(t *testing.T, v any, steps ...any) any {
	t.Helper()
	for _, step := range steps {
		ok := false
		switch step := step.(type) {
		case string:
			var m map[string]any
			if m, ok = v.(map[string]any); ok {
				v, ok = m[step]
			}
		case int:
			var list []any
			if list, ok = v.([]any); ok && step < len(list) {
				v = list[step]
			}
		}
		if !ok {
			t.Fatalf("no %v in %v", step, steps)
		}
	}
	return v
}
