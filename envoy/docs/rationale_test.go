package docs

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestModuleImports keeps large packages out of the wasm module; rules/RATIONALE.md
// says why.
func TestModuleImports(t *testing.T) {
	modfile := exec.Command(harness.Repository(".ci/modfile"))
	modfile.Stderr = os.Stderr
	file, err := modfile.Output()
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-modfile="+strings.TrimSpace(string(file)), "-deps", "github.com/rulegate/rulegate/plugin")
	list.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for name := range strings.FieldsSeq(string(out)) {
		linked[name] = true
	}
	if !linked["github.com/rulegate/rulegate/rules"] {
		t.Fatal("no package rules in the module: has the list's format changed?")
	}
	for _, name := range []string{"crypto/x509", "crypto/rsa", "crypto/ecdsa", "net/url", "encoding/json", "net/http", "text/template", "regexp", "database/sql"} {
		if linked[name] {
			t.Errorf("the module is linked with %s", name)
		}
	}
}

var major = regexp.MustCompile(`/v\d+$`)

// TestRationaleNamesDependencies requires that a RATIONALE.md names each module
// that go.mod requires directly.
func TestRationaleNamesDependencies(t *testing.T) {
	text := ""
	for _, file := range documents(t) {
		if path.Base(file) == "RATIONALE.md" {
			text += prose(t, file)
		}
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	for module := range strings.FieldsSeq(string(out)) {
		name := major.ReplaceAllString(strings.TrimPrefix(module, "github.com/"), "")
		if !strings.Contains(text, name) {
			t.Errorf("no RATIONALE.md says what %s saves", module)
		}
	}
}
