package envoy

import (
	"flag"
	"os"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// update rewrites the messages of the cases' faults; their places stay.
var update = flag.Bool("update", false, "rewrite the golden parts of the cases")

// runTests runs a package's tests and then removes the command that serve built.
func runTests(m *testing.M) int {
	// A zone with summer time, so that a test would notice if the machine's
	// zone got into a date.
	if zone, err := time.LoadLocation("Europe/Berlin"); err == nil {
		time.Local = zone
	}
	defer func() { os.RemoveAll(command.dir) }()
	return m.Run()
}

func rewriteFaults(t *testing.T, c *Case, faults []string) {
	t.Helper()
	data, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	ar := txtar.Parse(data)
	for i := range ar.Files {
		if ar.Files[i].Name != "faults" {
			continue
		}
		text := ""
		for _, f := range faults {
			text += f + "\n"
		}
		ar.Files[i].Data = []byte(text + "\n")
	}
	if err := os.WriteFile(c.Path, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}
