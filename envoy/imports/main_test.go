// Package imports sends the same requests through what another proxy does with a
// configuration and through the policy that an importer makes of it, both in Envoy.
package imports

import (
	"os"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
