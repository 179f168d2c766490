package cases

import (
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/rules"
	"golang.org/x/tools/txtar"
)

// update makes TestNative rewrite the messages of the cases' faults. It never
// changes their places.
var update = flag.Bool("update", false, "rewrite the golden parts of the cases")

func rewriteFaults(t *testing.T, c *harness.Case, faults []string) {
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

// checkFaults compares the faults of a policy that must not load with those of
// the case, and checks that its twin loads.
func checkFaults(t *testing.T, c *harness.Case) {
	t.Helper()
	_, _, err := c.ReadPolicy(c.Policy)
	var faults rules.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("policy.yaml: want faults, found %v", err)
	}
	var got, wantPlaces, gotPlaces []string
	for i, f := range faults {
		mark := ""
		if i < len(c.Faults) && strings.HasPrefix(c.Faults[i], harness.CommandOnly) {
			mark = harness.CommandOnly
		}
		got = append(got, mark+f.Error())
		gotPlaces = append(gotPlaces, f.Place)
	}
	for _, l := range c.Faults {
		place, _, placed := strings.Cut(strings.TrimPrefix(l, harness.CommandOnly)+" ", ": ")
		if !placed {
			place = "" // a fault of the whole file
		}
		wantPlaces = append(wantPlaces, place)
	}
	switch {
	case !slices.Equal(gotPlaces, wantPlaces):
		t.Errorf("faults at\n%s\nwant them at\n%s", strings.Join(got, "\n"), strings.Join(wantPlaces, "\n"))
	case *update:
		rewriteFaults(t, c, got)
	case !slices.Equal(got, c.Faults):
		t.Errorf("faults:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.Faults, "\n"))
	}
	if _, _, err := c.ReadPolicy(c.Loads); err != nil {
		t.Errorf("loads.yaml: %v", err)
	}
}
