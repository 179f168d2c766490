// Package reporttest runs the validators of formats that CI servers read.
package reporttest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// validators returns the folder of the validators, which .ci/validators downloads. root is the
// path of the repository. Without them the test fails in CI, and is skipped elsewhere.
func validators(t *testing.T, root string) string {
	t.Helper()
	get := exec.Command(filepath.Join(root, ".ci", "validators"))
	get.Stderr = os.Stderr
	folder, err := get.Output()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no validators: %v", err)
		}
		t.Skipf("no validators: %v", err)
	}
	return strings.TrimSpace(string(folder))
}

// SARIF returns what the validator of SARIF's makers says about logs: errors and warnings,
// a line each.
func SARIF(t *testing.T, root string, logs ...string) (said []string) {
	t.Helper()
	tool := filepath.Join(validators(t, root), "node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool")
	cmd := exec.Command(tool, append(append([]string{"validate"}, logs...), "--level", "Error;Warning")...)
	// A folder of its own: runs at the same time extract the tool's files.
	cmd.Env = append(os.Environ(), "DOTNET_BUNDLE_EXTRACT_BASE_DIR="+t.TempDir())
	out, _ := cmd.CombinedOutput() // it fails if it finds an error
	if !bytes.Contains(out, []byte("files scanned")) {
		t.Fatalf("the validator did not run: %s", out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, ": error ") || strings.Contains(line, ": warning ") {
			said = append(said, strings.TrimSpace(line))
		}
	}
	return said
}

// Python runs a program of a Python package among the validators: check-jsonschema or
// pre-commit. It returns its output; err is that of the program.
func Python(t *testing.T, root, dir, module string, args ...string) (out string, err error) {
	t.Helper()
	cmd := exec.Command("python3", append([]string{"-m", module}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(validators(t, root), "python"), "HOME="+t.TempDir())
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// YAMLLanguageServer returns the command line of the language server of YAML.
func YAMLLanguageServer(t *testing.T, root string) *exec.Cmd {
	t.Helper()
	return exec.Command("node", filepath.Join(validators(t, root), "node_modules/yaml-language-server/bin/yaml-language-server"), "--stdio")
}
