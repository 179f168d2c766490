package recipes

import (
	"os"
	"path"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
)

// inShadow is the recipe with a route in shadow, whose tests say what it decides, and not
// what a proxy does.
const inShadow = "roll-out"

// enforced loads a recipe after its last step: without the lines that keep a route in
// shadow. Others are as they are.
func enforced(t *testing.T, name string) *policytest.Suite {
	t.Helper()
	if name != inShadow {
		return load(t, name)
	}
	files := read(t, name)
	policy, lines := path.Join(name, "policy.yaml"), 0
	var kept strings.Builder
	for line := range strings.Lines(files[policy]) {
		if strings.HasPrefix(line, "    mode: shadow") || strings.HasPrefix(line, "    lint: {off: [in-shadow]") {
			lines++
			continue
		}
		kept.WriteString(line)
	}
	if lines != 2 {
		t.Fatalf("%d lines of %s keep a route in shadow", lines, policy)
	}
	files[policy] = kept.String()
	s, err := policytest.Load(path.Join(name, "policy_test.yaml"), policytest.Options{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read reads the files of a recipe.
func read(t *testing.T, name string) policyfile.Memory {
	t.Helper()
	files := policyfile.Memory{}
	for _, file := range []string{"policy.yaml", "policy_test.yaml"} {
		text, err := os.ReadFile(path.Join(name, file))
		if err != nil {
			t.Fatal(err)
		}
		files[path.Join(name, file)] = string(text)
	}
	return files
}

func TestShadowPassesInTheModule(t *testing.T) {
	wasm, err := os.ReadFile(harness.ModuleFile(t))
	if err != nil {
		t.Fatal(err)
	}
	module, err := gateway.Load(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, inShadow)
	m, err := policytest.NewModule(t.Context(), s, module, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	passes(t, s, m)
}

// passes checks what a proxy does while the route is in shadow: the requests that its
// rule refuses pass, and those of the other route are refused.
func passes(t *testing.T, s *policytest.Suite, proxy policytest.Runner) {
	t.Helper()
	native := policytest.NewNative(s.Policy, 0)
	passed, refused := 0, 0
	for _, c := range s.Cases {
		decided, err := native.Decide(c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := proxy.Decide(c)
		if err != nil {
			t.Fatal(err)
		}
		shadow := decided.Resource != nil && decided.Resource.Shadow
		switch passes, would := got.Upstream != nil, decided.Upstream != nil; {
		case shadow && !passes:
			t.Errorf("%s: the request is refused: %d", c.Name, got.Status)
		case shadow && !would:
			passed++
		case !shadow && passes != would:
			t.Errorf("%s: want %t for a pass, found %t", c.Name, would, passes)
		case !shadow && !passes:
			refused++
		}
	}
	if passed < 3 || refused < 1 {
		t.Errorf("%d requests pass that would be refused, and %d are refused", passed, refused)
	}
}
