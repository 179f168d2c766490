package policy

import (
	"os"
	"strings"
	"testing"
)

// The examples of POLICY.md load without a fault and without a warning.
func TestPolicyReferenceLoads(t *testing.T) {
	data, err := os.ReadFile("../POLICY.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(data), "```yaml policy\n")[1:]
	if len(blocks) < 10 {
		t.Fatalf("found only %d examples", len(blocks))
	}
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		_, warnings, err := Load(document(t, text), docOptions())
		if err != nil || len(warnings) > 0 {
			t.Errorf("%v %v\n%s", err, warnings, text)
		}
	}
}
