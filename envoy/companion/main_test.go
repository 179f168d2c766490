// Package companion tests Envoy with a companion that fails: its replies,
// databases, webhooks and restarts.
package companion

import (
	"os"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/companion/dbtest"
)

func TestMain(m *testing.M) {
	code := harness.Main(m)
	dbtest.End()
	os.Exit(code)
}
