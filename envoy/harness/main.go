// Package harness has the helpers of the end-to-end tests: it starts Envoy
// (Bootstrap, Process), the embedded gateway (Gateway), upstreams, companions and
// `rulegate serve`, reads the cases of testdata/cases, and sends requests with
// tokens. envoy/README.md says where a test goes.
package harness

import (
	"os"
	"testing"
	"time"
)

// Main runs a package's tests, and then removes the command that Serve built.
func Main(m *testing.M) int {
	// A zone with summer time: a test then fails if a date depends on the
	// machine's zone.
	if zone, err := time.LoadLocation("Europe/Berlin"); err == nil {
		time.Local = zone
	}
	defer func() { os.RemoveAll(command.dir) }()
	return m.Run()
}
