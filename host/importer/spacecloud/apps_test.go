package spacecloud

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/policy/lint"
)

var update = flag.Bool("update", false, "write the policies and reports of testdata/apps")

// TestApps imports the configurations of applications, from the first documents to
// exports and resource files: each becomes the policy beside it, with the report beside
// it, which loads without a warning, but for what was so before, and decides as its tests say.
func TestApps(t *testing.T) {
	dirs, err := filepath.Glob("testdata/apps/*")
	if err != nil || len(dirs) < 10 {
		t.Fatalf("%d applications: %v", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			text, report := imported(t, dir)
			golden(t, filepath.Join(dir, "policy.yaml"), text)
			golden(t, filepath.Join(dir, "report.txt"), report)
			warnings(t, dir)
			decisions(t, dir)
		})
	}
}

// imported imports the files of a folder but for those that belong to the policy.
func imported(t *testing.T, dir string) (text, report []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	var docs []*policyfile.Documents
	for _, file := range files {
		if slices.Contains([]string{"policy.yaml", "policy_test.yaml", "report.txt"}, filepath.Base(file)) {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := policyfile.ParseDocuments(filepath.Base(file), data)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, d)
	}
	drafts, err := Import(docs)
	if err != nil || len(drafts) != 1 {
		t.Fatalf("%d projects: %v", len(drafts), err)
	}
	if _, err := drafts[0].Settle(); err != nil {
		t.Fatal(err)
	}
	if text, err = drafts[0].Render(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := drafts[0].Report.Write(&b); err != nil {
		t.Fatal(err)
	}
	return text, b.Bytes()
}

func golden(t *testing.T, file string, text []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("%s (-update writes it):\n%s", file, diff)
	}
}

// accepted are the warnings about what was so in the source too.
var accepted = []lint.Code{lint.AESCFB, lint.AllowAll, lint.UnsharedKeys}

func warnings(t *testing.T, dir string) {
	t.Helper()
	_, _, list, err := policyfile.Load(filepath.Join(dir, "policy.yaml"), policy.Options{AllowUnset: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range list {
		if !slices.Contains(accepted, w.Code) {
			t.Errorf("a warning: %s: %s [%s]", w.Place, w.Message, w.Code)
		}
	}
}

func decisions(t *testing.T, dir string) {
	t.Helper()
	s, err := policytest.Load(filepath.Join(dir, "policy_test.yaml"), policytest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	native := policytest.NewNative(s.Policy, 0)
	native.Coverage = policytest.NewCoverage(s)
	for _, c := range s.Cases {
		if result := s.Run(native, c); result.Outcome != policytest.Pass {
			t.Errorf("%s: %s", c.Name, (&policytest.Text{}).Detail(s, &result))
		}
	}
	if totals := native.Coverage.Totals(); totals.Percent() < 100 {
		t.Errorf("the tests show %.1f%% of the outcomes", totals.Percent())
	}
}
