package policyfile

import (
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/policy"
)

// TestCandidate: the candidate of a policy is read from its own folder, with the files
// that it includes.
func TestCandidate(t *testing.T) {
	files := Memory{
		"p/policy.yaml":         "shadow: next/candidate.yaml\nroutes: [{name: a, match: {path: /a}, auth: none, rule: {rule: allow}}]\n",
		"p/next/candidate.yaml": "auth: {tokens: [{name: own, alg: HS256, secret: \"${file:key.txt}\"}]}\ninclude: [more.yaml]\nroutes: [{name: b, match: {path: /a}, rule: {rule: authenticated}}]\n",
		"p/next/key.txt":        "a-secret-of-a-candidate-in-a-file\n",
		"p/next/more.yaml":      "routes:\n  - {match: {path: /c}, rule: {rule: or, clauses: [{rule: allow}, {rule: authenticated}]}}\n",
	}
	p, f, warnings, err := LoadFrom(files, "p/policy.yaml", policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := p.Candidate
	if c == nil || c.Policy == nil || len(c.Policy.Resources()) != 2 || c.File() != "next/candidate.yaml" {
		t.Fatalf("%+v", c)
	}
	if key := c.Doc().Key("auth").Key("tokens").At(0).Key("secret"); key.String() != `"${file:next/key.txt}"` {
		t.Errorf("the module's document has the file %s, want it relative to the policy", key)
	}
	for _, path := range []string{"p/policy.yaml", "p/next/candidate.yaml", "p/next/more.yaml", "p/next/key.txt"} {
		if !slices.Contains(f.Paths(), path) {
			t.Errorf("%s is not watched: %v", path, f.Paths())
		}
	}
	found := false
	for _, w := range f.Findings(warnings) {
		found = found || w.File == "p/next/more.yaml" && w.Line == 2
	}
	if !found {
		t.Errorf("no warning about the file that the candidate includes: %v", f.Findings(warnings))
	}
	if alone, _, err := policy.Load(f.candidate.Doc, policy.Options{ReadFile: f.candidate.ReadFile}); err != nil || alone.Version != c.Policy.Version {
		t.Errorf("the candidate alone has another version: %v", err)
	}
	if own := strings.Replace(files["p/policy.yaml"], "shadow: next/candidate.yaml\n", "", 1); policyVersion(t, own) != p.Version {
		t.Error("the candidate changes the policy's version")
	}
}

func policyVersion(t *testing.T, text string) string {
	t.Helper()
	p, _, _, err := LoadFrom(Memory{"policy.yaml": text}, "policy.yaml", policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Version
}
