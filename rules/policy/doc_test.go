package policy

import (
	"os"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/token/keys/keytest"
)

// The examples of POLICY.md load without a fault and without a warning.
func TestPolicyReferenceLoads(t *testing.T) {
	data, err := os.ReadFile("../POLICY.md")
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{
		"JWT_SECRET": strings.Repeat("j", 32), "COMPANION_SECRET": strings.Repeat("c", 32), "NEW_COMPANION_SECRET": strings.Repeat("n", 32),
		"DATABASE_URL": "postgres://localhost/db", "AES_KEY": "Olw6AhA/GzSxfhwKLxO7JJsUL6VUwwGEFTgxzoZPy9g=",
	}
	files := map[string]string{
		"partner.pem": keytest.P256().PublicPEM, "partner-key.pem": keytest.P256().PKCS8,
		"ca.pem": "CA", "client.pem": "certificate", "client-key.pem": "key",
	}
	o := Options{
		Getenv: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := files[name]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		},
	}
	blocks := strings.Split(string(data), "```yaml policy\n")[1:]
	if len(blocks) < 10 {
		t.Fatalf("found only %d examples", len(blocks))
	}
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		_, warnings, err := Load(document(t, text), o)
		if err != nil || len(warnings) > 0 {
			t.Errorf("%v %v\n%s", err, warnings, text)
		}
	}
}
