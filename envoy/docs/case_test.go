package docs

import (
	"os"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestDocumentCases compares each case that a document shows with its file.
func TestDocumentCases(t *testing.T) {
	for _, file := range documents(t) {
		for _, b := range readBlocks(t, file) {
			if b.use != "case" {
				continue
			}
			text, err := os.ReadFile(harness.Repository("testdata/cases", b.arg+".txtar"))
			if err != nil {
				t.Errorf("%v: %v", b, err)
			} else if strings.TrimSpace(string(text)) != strings.TrimSpace(b.text) {
				t.Errorf("%v: the block differs from %s.txtar", b, b.arg)
			}
		}
	}
}
