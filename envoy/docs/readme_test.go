package docs

import (
	"os"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestReadmeSize keeps the README short: a detail belongs on the page of its reader.
func TestReadmeSize(t *testing.T) {
	const limit = 9 << 10
	info, err := os.Stat(harness.Repository("README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > limit {
		t.Errorf("README.md: want at most %d bytes, found %d", limit, info.Size())
	}
}
