package docs

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/rulegate/rulegate/envoy/harness"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#{1,6} +(.*)`)
)

// TestDocumentLinks requires that each relative link of a document leads to a
// file of the repository, and each anchor to a heading.
func TestDocumentLinks(t *testing.T) {
	found := 0
	for _, file := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(prose(t, file), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			found++
			target, anchor, _ := strings.Cut(m[1], "#")
			if target == "" {
				target = file
			} else {
				target = path.Join(path.Dir(file), target)
			}
			if _, err := os.Stat(harness.Repository(target)); err != nil {
				t.Errorf("%s: link %s: %v", file, m[1], err)
				continue
			}
			if anchor != "" && !anchors(t, target)[anchor] {
				t.Errorf("%s: link %s: no such heading in %s", file, m[1], target)
			}
		}
	}
	if found < 50 {
		t.Errorf("found only %d links: are they still read?", found)
	}
}

// prose returns the text of a document without its fenced blocks.
func prose(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(harness.Repository(file))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	open := false
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "```") {
			open = !open
		} else if !open {
			out.WriteString(line)
		}
	}
	return out.String()
}

// anchors returns the anchors that GitHub makes of a document's headings: lower
// case, spaces as hyphens, without punctuation. Repeated headings, which GitHub
// numbers, fail the test.
func anchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for line := range strings.Lines(prose(t, file)) {
		m := heading.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		text := link.ReplaceAllString(m[1], "]")
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, text)
		if all[anchor] {
			t.Errorf("%s: two headings have the anchor #%s", file, anchor)
		}
		all[anchor] = true
	}
	return all
}
