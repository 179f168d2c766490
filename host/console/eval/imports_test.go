package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestImports keeps out of the page what it does not use: a package costs bytes, and its
// initialization is a part of the time to the first decision.
func TestImports(t *testing.T) {
	list := exec.Command("go", "list", "-deps", ".")
	list.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(out))
	found := false
	for _, name := range linked {
		found = found || name == "github.com/rulegate/rulegate/rules"
		for _, unused := range []string{"crypto/tls", "database/sql", "encoding/xml", "go.opentelemetry.io/", "html/template", "log/slog", "net/http", "text/template"} {
			if strings.HasPrefix(name, unused) {
				t.Errorf("the evaluator is linked with %s", name)
			}
		}
	}
	if !found {
		t.Fatal("no package rules in the evaluator: has the list's format changed?")
	}
}
