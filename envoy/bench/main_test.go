// Package bench measures the time and memory that rulegate takes, in Envoy and in
// the embedded gateway.
package bench

import (
	"os"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
