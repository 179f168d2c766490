package docs

import (
	"path/filepath"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/policytest"
)

// TestExamplePolicies runs the tests of each example's policy. They must show every
// outcome of every clause, and notice every mutant.
func TestExamplePolicies(t *testing.T) {
	policies, err := filepath.Glob(harness.Repository("envoy/*/policy.yaml"))
	if err != nil || len(policies) < 3 {
		t.Fatalf("found %q, %v", policies, err)
	}
	for _, path := range policies {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			_, files, err := policytest.Find([]string{path})
			if err != nil {
				t.Fatal(err)
			}
			policytest.Run(t, files...)
			covered(t, files)
		})
	}
}

// covered checks the coverage of a policy, and its mutants.
func covered(t *testing.T, files []string) {
	var coverage *policytest.Coverage
	s := policytest.Session{Files: files, Reporter: &policytest.JSON{Out: t.Output()}}
	s.NewRunner = func(suite *policytest.Suite) (policytest.Runner, error) {
		n := policytest.NewNative(suite.Policy, 0)
		if coverage == nil {
			coverage = policytest.NewCoverage(suite)
		}
		n.Coverage = coverage
		return n, nil
	}
	suites, results, sum := s.Run(t.Context())
	if !sum.OK() {
		t.Fatalf("%+v", sum)
	}
	if total := coverage.Totals(); total.Hit != total.All || total.Asked != total.Routes {
		coverage.WriteText(t.Output(), false)
		t.Errorf("not covered: %+v", total)
	}
	m, err := policytest.Mutate(t.Context(), suites, results, 1000, 0, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range m.Survivors {
		t.Error(m.Show(x))
	}
	if m.All() < 3 || m.LeftOut > 0 {
		t.Errorf("%s", m.Describe())
	}
}
