package docs

import (
	"os"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestDocumentCode looks for the code that a document shows in the file that it is from.
func TestDocumentCode(t *testing.T) {
	for _, file := range documents(t) {
		for _, b := range readBlocks(t, file) {
			if b.use != "from" {
				continue
			}
			text, err := os.ReadFile(harness.Repository(b.arg))
			if err != nil {
				t.Errorf("%v: %v", b, err)
			} else if !strings.Contains(string(text), b.text) {
				t.Errorf("%v: %s does not have these lines", b, b.arg)
			}
		}
	}
}

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
