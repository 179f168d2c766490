package harness

import (
	"os"
	"testing"
	"time"
)

// Main runs a package's tests and then removes the command that serve built.
func Main(m *testing.M) int {
	// A zone with summer time, so that a test would notice if the machine's
	// zone got into a date.
	if zone, err := time.LoadLocation("Europe/Berlin"); err == nil {
		time.Local = zone
	}
	defer func() { os.RemoveAll(command.dir) }()
	return m.Run()
}
