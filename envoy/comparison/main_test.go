package comparison

import (
	"flag"
	"os"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

var update = flag.Bool("update", false, "write the outcomes and COMPARISON.md")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(harness.Main(m))
}
