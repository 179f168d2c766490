package envoy

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestEdgesDocument: each row of plugin/HTTP.md names cases or tests that there
// are.
func TestEdgesDocument(t *testing.T) {
	text, err := os.ReadFile("../plugin/HTTP.md")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("grep", "-rhoE", "--include=*_test.go", "^func Test[A-Za-z0-9]+|name: +\"[a-z ]+\", setup|t.Run\\(\"[^\"]+\"", ".", "../rules", "../plugin").Output()
	if err != nil {
		t.Fatal(err)
	}
	tests := string(out)
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
			t.Errorf("nothing shows %s", line)
		}
		for _, m := range shown {
			if !strings.HasPrefix(m[1], "Test") {
				if _, err := os.Stat("../testdata/cases/" + m[1] + ".txtar"); err != nil {
					t.Errorf("no case %s", m[1])
				}
				continue
			}
			for i, part := range strings.Split(m[1], "/") {
				part = strings.ReplaceAll(part, "_", " ")
				if i == 0 && !strings.Contains(tests, "func "+part+"\n") || i > 0 && !strings.Contains(tests, `"`+part+`"`) {
					t.Errorf("no test %s of %s", part, m[1])
				}
			}
		}
	}
	if rows < 40 {
		t.Errorf("found %d rows", rows)
	}
}
