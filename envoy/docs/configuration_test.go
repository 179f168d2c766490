package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"go.yaml.in/yaml/v4"
)

// TestDocumentTargets requires that each make command of a document has its targets.
func TestDocumentTargets(t *testing.T) {
	for _, file := range documents(t) {
		for _, b := range readBlocks(t, file) {
			if b.use != "make" {
				continue
			}
			for line := range strings.Lines(b.text) {
				words := strings.Fields(line)
				if len(words) == 0 || words[0] != "make" {
					t.Errorf("%v: want a make command, found %q", b, line)
					continue
				}
				out, err := exec.Command("make", append([]string{"-C", harness.Repository(), "--dry-run"}, words[1:]...)...).CombinedOutput()
				if err != nil {
					t.Errorf("%v: %s: %v\n%s", b, line, err, out)
				}
			}
		}
	}
}

// TestDocumentRoutes puts the routes that a document shows into a small policy and
// checks it.
func TestDocumentRoutes(t *testing.T) {
	const head = `project: shop
auth: {tokens: [{name: own, alg: HS256, secret: "a secret of more than 32 bytes, here", primary: true}]}
routes:
  - {name: order, match: {methods: [POST], path: /v1/orders}, rule: {rule: authenticated}}
`
	for _, file := range documents(t) {
		for _, b := range readBlocks(t, file) {
			if b.use != "routes" {
				continue
			}
			policy := filepath.Join(t.TempDir(), "policy.yaml")
			text := head + "  " + strings.ReplaceAll(b.text, "\n", "\n  ") + "\n"
			if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(harness.Repository("bin/rulegate"), "check", policy).CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", b, err, out)
			}
		}
	}
}

// TestDocumentConfiguration looks for the Envoy lines of a document in the
// configuration that is generated for the document's own policy.yaml.
func TestDocumentConfiguration(t *testing.T) {
	for _, file := range documents(t) {
		blocks := readBlocks(t, file)
		generated := ""
		for _, b := range blocks {
			if generated == "" && (b.use == "generated" || b.use == "filter") {
				generated = generate(t, file, blocks)
			}
			switch b.use {
			case "generated":
				for line := range strings.Lines(b.text) {
					if !strings.Contains(generated, strings.TrimSpace(line)) {
						t.Errorf("%v: %q is not in the configuration", b, line)
					}
				}
			case "filter":
				validateFilter(t, b, generated)
			}
		}
	}
}

// generate returns the configuration for the policy.yaml among the blocks.
func generate(t *testing.T, file string, blocks []block) string {
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	i := slices.IndexFunc(blocks, func(b block) bool { return b.use == "file" && b.arg == "policy.yaml" })
	if i < 0 {
		t.Fatalf("%s: want a block `yaml file policy.yaml`, found none", file)
	}
	if err := os.WriteFile(policy, []byte(blocks[i].text), 0o600); err != nil {
		t.Fatal(err)
	}
	module := harness.Repository("bin/rulegate.wasm")
	out, err := exec.Command(harness.Repository("bin/rulegate"), "envoy", policy, "--module", module, "--upstream", "http://127.0.0.1:10002").Output()
	if err != nil {
		t.Fatalf("rulegate envoy: %v", err)
	}
	return string(out)
}

// validateFilter puts the filter of an EnvoyFilter into the generated configuration,
// in place of rulegate's filter, and lets Envoy validate the result.
func validateFilter(t *testing.T, b block, generated string) {
	module := harness.Repository("bin/rulegate.wasm")
	text := strings.ReplaceAll(b.text, "/etc/rulegate/rulegate.wasm", module)
	var patch any
	if err := yaml.Unmarshal([]byte(text), &patch); err != nil {
		t.Fatalf("%v: %v", b, err)
	}
	filter := follow(t, patch, "spec", "configPatches", 0, "patch", "value")
	var config any
	if err := yaml.Unmarshal([]byte(generated), &config); err != nil {
		t.Fatal(err)
	}
	manager := follow(t, config, "static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config")
	filters := manager.(map[string]any)["http_filters"].([]any)
	filters[harness.ModuleAt(filters)] = filter
	out, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(harness.Binary(t), "--mode", "validate", "-c", file, "--log-level", "warning")
	cmd.Env = append(os.Environ(), "JWT_SECRET=a secret of more than 32 bytes, here")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", b, err, out)
	}
}

// follow follows keys and indices.
func follow(t *testing.T, v any, steps ...any) any {
	t.Helper()
	for _, step := range steps {
		ok := false
		switch step := step.(type) {
		case string:
			var m map[string]any
			if m, ok = v.(map[string]any); ok {
				v, ok = m[step]
			}
		case int:
			var list []any
			if list, ok = v.([]any); ok && step < len(list) {
				v = list[step]
			}
		}
		if !ok {
			t.Fatalf("no %v at %v", step, steps)
		}
	}
	return v
}
