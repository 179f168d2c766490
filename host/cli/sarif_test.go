package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/report/reporttest"
)

// The validator of SARIF's makers has nothing to say about what the commands write, with
// findings of each of their codes.
func TestSARIFOfCommands(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"a folder/policy.yaml": "auth: {tokens: [{alg: HS256, secret: \"${RULEGATE_NOT_SET}\"}]}\n" +
			"routes:\n  - {name: ä, match: {path: /a}, rule: {rule: or, clauses: [{rule: authenticated}, {rule: allow}]}}\n" +
			"  - {name: b, match: {path: /b}, rule: {rule: match, type: number, eval: \"<\", f1: args.params.n, f2: 7}}\n",
		"a folder/bad.yaml": "routes: [{match: {path: /a}, rule: {rule: alow}}]\n",
		"new.yaml":          "routes: [{name: b, match: {path: /b}, rule: {rule: remove, fields: [res.n]}}]\n",
		"old.yaml":          "routes: [{name: b, match: {path: /b}, rule: {rule: match, type: string, eval: \"==\", f1: args.request.ip, f2: x}}]\n",
		"claims.yaml":       "- {name: none, for: /b, allowed: {rule: deny}}\n- {for: /nowhere, allowed: {rule: deny}}\n",
		"a_test.yaml":       "policy: new.yaml\ntests: [{request: GET /b, want: 403}]\n",
		"b_test.yaml":       "policy: new.yaml\ntests: [{request: GET /b}]\n",
		"c_test.yaml":       "policy: none.yaml\ntests: [{request: GET /b, want: 403}]\n",
		"d_test.yaml":       "policy: old.yaml\ntests: [{request: GET /c, want: deny}]\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var logs []string
	for log, args := range map[string][]string{
		"check":  {"check", "--allow-unset", "a folder", "new.yaml"},
		"test":   {"test", "a_test.yaml", "b_test.yaml", "c_test.yaml"},
		"mutate": {"test", "--mutate", "d_test.yaml"},
		"diff":   {"diff", "old.yaml", "new.yaml"},
		"prove":  {"prove", "new.yaml", "claims.yaml"},
	} {
		var out, errs bytes.Buffer
		if code := Run(append(args, "--format", "sarif"), nil, &out, &errs); code == exitUsage {
			t.Fatalf("%v: %s", args, &errs)
		}
		if !bytes.Contains(out.Bytes(), []byte(`"ruleId": `)) {
			t.Errorf("%v finds nothing: %s%s", args, &out, &errs)
		}
		path, err := filepath.Abs(log + ".sarif")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		logs = append(logs, path)
	}
	for _, said := range reporttest.SARIF(t, root, logs...) {
		if !strings.Contains(said, "SARIF2005") { // a test binary has no version
			t.Error(said)
		}
	}
}
