// Package recipes tests the recipes: each is checked, its tests pass natively, in the
// module and in Envoy, cover the policy whole, and notice every mutant.
package recipes

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/rules/policy"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// recipes lists the folders of the recipes.
func recipes(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*/policy.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recipes: %v", len(files), err)
	}
	var names []string
	for _, file := range files {
		names = append(names, filepath.Dir(file))
	}
	return names
}

func load(t *testing.T, name string) *policytest.Suite {
	t.Helper()
	s, err := policytest.Load(filepath.Join(name, "policy_test.yaml"), policytest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRecipes checks each recipe: no warning, every outcome shown, every mutant noticed.
func TestRecipes(t *testing.T) {
	for _, name := range recipes(t) {
		t.Run(name, func(t *testing.T) {
			_, _, warnings, err := policyfile.Load(filepath.Join(name, "policy.yaml"), policy.Options{AllowUnset: true})
			if err != nil || len(warnings) > 0 {
				t.Errorf("%v %v", err, warnings)
			}
			s := load(t, name)
			native := policytest.NewNative(s.Policy, 0)
			native.Coverage = policytest.NewCoverage(s)
			results := run(t, s, native)
			if totals := native.Coverage.Totals(); totals.Percent() < 100 {
				t.Errorf("the tests show %.1f%% of the outcomes", totals.Percent())
			}
			m, err := policytest.Mutate(t.Context(), []*policytest.Suite{s}, map[*policytest.Suite][]policytest.Result{s: results}, 5000, 0, func(int, int) {})
			if err != nil {
				t.Fatal(err)
			}
			for _, mutant := range m.Survivors {
				t.Error(m.Show(mutant))
			}
			readme(t, name)
		})
	}
}

// readme checks that a recipe is explained in about ten lines, and is in the list.
func readme(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(name, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines < 5 || lines > 12 {
		t.Errorf("README.md has %d lines", lines)
	}
	list, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(list), "("+name+"/README.md)") {
		t.Error("it is not in the list of recipes")
	}
}

func run(t *testing.T, s *policytest.Suite, r policytest.Runner) (results []policytest.Result) {
	t.Helper()
	for _, c := range s.Cases {
		result := s.Run(r, c)
		results = append(results, result)
		if result.Outcome != policytest.Pass {
			t.Errorf("%s: %s", c.Name, (&policytest.Text{}).Detail(s, &result))
		}
	}
	return results
}

func TestRecipesInTheModule(t *testing.T) {
	wasm, err := os.ReadFile(harness.ModuleFile(t))
	if err != nil {
		t.Fatal(err)
	}
	module, err := gateway.Load(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range recipes(t) {
		t.Run(name, func(t *testing.T) {
			s := enforced(t, name)
			m, err := policytest.NewModule(t.Context(), s, module, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			})
			run(t, s, m)
		})
	}
}

// clocked are the recipes whose tests set a time, which Envoy's clock does not have.
var clocked = []string{"time-windows"}

// TestRecipesInEnvoy decides the tests of all recipes in one Envoy. Where a request was
// refused, the client learns no clause and no reason.
func TestRecipesInEnvoy(t *testing.T) {
	e := newProxies(t)
	for _, name := range recipes(t) {
		e.add(t, name, enforced(t, name))
	}
	e.add(t, inShadow+" as it is", load(t, inShadow))
	e.start(t)
	for _, p := range e.proxies {
		t.Run(p.name, func(t *testing.T) {
			if p.name == inShadow+" as it is" {
				passes(t, p.suite, p.module)
				return
			}
			for _, c := range p.suite.Cases {
				if slices.Contains(clocked, p.name) && c.As != policytest.Nobody {
					continue
				}
				result := p.suite.Run(p.module, c)
				if result.Err != nil {
					t.Errorf("%s: %v", c.Name, result.Err)
				}
				for _, d := range result.Differences {
					if d.What != "clause" && d.What != "reason" {
						t.Errorf("%s: %s", c.Name, d)
					}
				}
			}
		})
	}
}
