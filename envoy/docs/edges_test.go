package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestEdgesDocument checks that the last column of each row of plugin/HTTP.md
// names cases or tests that exist.
func TestEdgesDocument(t *testing.T) {
	text, err := os.ReadFile(harness.Repository("plugin/HTTP.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t, "envoy", "rules", "plugin")
	word := regexp.MustCompile("`([^`]+)`")
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		if !strings.HasPrefix(line, "| ") || strings.Contains(line, "| shown by |") {
			continue
		}
		rows++
		shown := word.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(shown) == 0 {
			t.Errorf("no test or case in the row %s", line)
		}
		for _, m := range shown {
			name, subtests, _ := strings.Cut(m[1], "/")
			if !strings.HasPrefix(name, "Test") {
				if _, err := os.Stat(harness.Repository("testdata/cases", m[1]+".txtar")); err != nil {
					t.Errorf("no case %s", m[1])
				}
				continue
			}
			literals, ok := tests[name]
			if !ok {
				t.Errorf("no test %s", name)
				continue
			}
			for part := range strings.SplitSeq(subtests, "/") {
				if part = strings.ReplaceAll(part, "_", " "); part != "" && !literals[part] {
					t.Errorf("no subtest %q of %s", part, m[1])
				}
			}
		}
	}
	if rows < 40 {
		t.Errorf("found %d rows: is the table still read?", rows)
	}
}

// testNames maps each test function under the folders to the string literals of
// its package's test files: the names of its subtests are among them.
func testNames(t *testing.T, folders ...string) map[string]map[string]bool {
	t.Helper()
	tests := map[string]map[string]bool{}
	literals := map[string]map[string]bool{} // by folder
	for _, folder := range folders {
		err := filepath.WalkDir(harness.Repository(folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			dir := filepath.Dir(path)
			if literals[dir] == nil {
				literals[dir] = map[string]bool{}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					tests[n.Name.Name] = literals[dir]
				case *ast.BasicLit:
					if s, err := strconv.Unquote(n.Value); err == nil {
						literals[dir][s] = true
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return tests
}
