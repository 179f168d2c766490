package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/token/keys/keytest"
)

// verifyDER verifies as Envoy's verify_signature does, from the DER of keys and
// signatures, which this package does not read that way.
func verifyDER(hash string, key, signature, text []byte) (bool, error) {
	public, err := x509.ParsePKIXPublicKey(key)
	if err != nil {
		return false, err
	}
	h := map[string]crypto.Hash{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}[hash]
	if h == 0 {
		return false, errors.New("no such hash")
	}
	switch k := public.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, h, digest(h, string(text)), signature) == nil, nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, digest(h, string(text)), signature), nil
	}
	return false, errors.New("no such key")
}

func TestProbeNative(t *testing.T) {
	all := []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}
	for name, c := range map[string]struct {
		verify NativeVerify
		want   []string
	}{
		"works":       {verifyDER, all},
		"accepts all": {func(string, []byte, []byte, []byte) (bool, error) { return true, nil }, nil},
		"refuses all": {func(string, []byte, []byte, []byte) (bool, error) { return false, nil }, nil},
		"missing":     {func(string, []byte, []byte, []byte) (bool, error) { return true, errors.New("not found") }, nil},
		"SHA-256 only": {func(hash string, key, sig, text []byte) (bool, error) {
			if hash != "sha256" {
				return false, errors.New("unknown hash")
			}
			return verifyDER(hash, key, sig, text)
		}, []string{"RS256", "ES256"}},
		"ignores the text": {func(hash string, key, sig, _ []byte) (bool, error) {
			return verifyDER(hash, key, sig, []byte(knownText))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ProbeNative(c.verify).Algs(); !reflect.DeepEqual(got, c.want) {
				t.Fatalf("verifies %v, want %v", got, c.want)
			}
		})
	}
}

// keysOf returns a key pair for an algorithm.
func keysOf(t *testing.T, a *Algorithm) (private any, k *Key) {
	t.Helper()
	if a.IsHMAC() {
		s := Secret("a secret of the tests, 32 bytes!")
		return s, &Key{Public: s}
	}
	p := keytest.For(a.Name)
	return p.Private, &Key{Public: p.Private.Public(), SPKI: NativeSPKI(p.Private.Public())}
}

// The native verification accepts and refuses the same signatures as Go's.
func TestNativeAndGoAgree(t *testing.T) {
	calls := 0
	native := ProbeNative(func(hash string, key, sig, text []byte) (bool, error) {
		calls++
		return verifyDER(hash, key, sig, text)
	})
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			a := Find(name)
			private, k := keysOf(t, a)
			sig, err := Sign(a, private, "text")
			if err != nil {
				t.Fatal(err)
			}
			changed := append([]byte{sig[0] ^ 1}, sig[1:]...)
			for name, c := range map[string]struct {
				text string
				sig  []byte
				ok   bool
			}{
				"right":          {"text", sig, true},
				"another text":   {"test", sig, false},
				"a byte changed": {"text", changed, false},
				"a byte less":    {"text", sig[:len(sig)-1], false},
				"a byte more":    {"text", append(changed[:0:0], append(sig, 0)...), false},
				"zeros":          {"text", make([]byte, len(sig)), false},
				"empty":          {"text", nil, false},
			} {
				before := calls
				inGo, inProxy := Verify(a, k.Public, c.text, c.sig), native.Verify(a, k, c.text, c.sig)
				if inGo != c.ok || inProxy != c.ok {
					t.Errorf("%s: in Go %v, natively %v; want %v", name, inGo, inProxy, c.ok)
				}
				if called := calls > before; name == "right" && called != (a.Name[:2] == "RS" || a.Name[:2] == "ES") {
					t.Errorf("native verification called: %v", called)
				}
			}
		})
	}
}

// When the native verification fails later, Go verifies.
func TestNativeThatFails(t *testing.T) {
	working := true
	native := ProbeNative(func(hash string, key, sig, text []byte) (bool, error) {
		if !working {
			return true, errors.New("gone")
		}
		return verifyDER(hash, key, sig, text)
	})
	working = false
	a := Find("ES256")
	private, k := keysOf(t, a)
	sig, err := Sign(a, private, "text")
	if err != nil {
		t.Fatal(err)
	}
	if !native.Verify(a, k, "text", sig) {
		t.Error("a right signature is refused")
	}
	if native.Verify(a, k, "text", []byte(strings.Repeat("a", 64))) {
		t.Error("a wrong signature is accepted")
	}
}
