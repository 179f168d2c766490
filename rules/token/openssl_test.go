package token

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestKeysOfOpenSSL loads the keys that openssl makes.
func TestKeysOfOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
	for _, c := range []struct{ alg, command string }{
		{"RS256", "genrsa -traditional 2048"},
		{"PS512", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072"},
		{"ES256", "ecparam -genkey -name prime256v1"},
		{"ES384", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384"},
		{"ES512", "ecparam -genkey -name secp521r1"},
		{"EdDSA", "genpkey -algorithm ed25519"},
	} {
		private, err := exec.Command(openssl, strings.Fields(c.command)...).Output()
		if err != nil {
			t.Fatalf("openssl %s: %v", c.command, err)
		}
		pubout := exec.Command(openssl, "pkey", "-pubout")
		pubout.Stdin = strings.NewReader(string(private))
		public, err := pubout.Output()
		if err != nil {
			t.Fatal(err)
		}
		whole := newSet(t, Key{Alg: c.alg, PublicKey: string(public), PrivateKey: string(private), Primary: true})
		half := newSet(t, Key{Alg: c.alg, PrivateKey: string(private), Primary: true})
		raw, err := half.Mint(`{}`, "")
		if err != nil {
			t.Fatal(err)
		}
		// Both sets derive the kid from the text of the public key.
		_, err = whole.Verify(raw, testNow)
		wantStage(t, err, "")
	}
}
