package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestSecurityDocument requires that the tests, cases and folders which SECURITY.md
// names for its promises exist. A name that ends with … stands for several cases.
func TestSecurityDocument(t *testing.T) {
	_, table, ok := strings.Cut(prose(t, "SECURITY.md"), "| tested by |")
	if !ok {
		t.Fatal("SECURITY.md has no column `tested by`")
	}
	tests := testNames(t, "envoy", "rules", "plugin")
	word := regexp.MustCompile("`([^`]+)`")
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		if len(cells) != 2 {
			continue
		}
		rows++
		for _, m := range word.FindAllStringSubmatch(cells[1], -1) {
			if !exists(tests, m[1]) {
				t.Errorf("SECURITY.md: no test, case or folder %s", m[1])
			}
		}
	}
	if rows < 8 {
		t.Errorf("found only %d promises", rows)
	}
}

func exists(tests map[string]map[string]bool, name string) bool {
	if strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") {
		_, ok := tests[name]
		return ok
	}
	pattern := strings.ReplaceAll(name, "…", "*")
	cases, err := filepath.Glob(harness.Repository("testdata/cases", pattern+".txtar"))
	if err == nil && len(cases) > 0 {
		return true
	}
	_, err = os.Stat(harness.Repository(name))
	return err == nil
}
