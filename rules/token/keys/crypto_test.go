package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"reflect"
	"testing"

	"github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/token/keys/keytest"
)

func TestProbe(t *testing.T) {
	all := []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}
	for name, c := range map[string]struct {
		verify keys.VerifyFunc
		want   []string
	}{
		"works":       {gocrypto.Verify, all},
		"accepts all": {func(string, []byte, []byte, string) (bool, error) { return true, nil }, nil},
		"refuses all": {func(string, []byte, []byte, string) (bool, error) { return false, nil }, nil},
		"missing":     {func(string, []byte, []byte, string) (bool, error) { return true, errors.New("not found") }, nil},
		"SHA-256 only": {func(hash string, key, sig []byte, text string) (bool, error) {
			if hash != "sha256" {
				return false, errors.New("unknown hash")
			}
			return gocrypto.Verify(hash, key, sig, text)
		}, []string{"RS256", "ES256"}},
		"ignores the text": {func(hash string, key, sig []byte, _ string) (bool, error) {
			return gocrypto.Verify(hash, key, sig, "rulegate")
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := keys.Probe(c.verify).Tested(); !reflect.DeepEqual(got, c.want) {
				t.Fatalf("verifies %v, want %v", got, c.want)
			}
		})
	}
	// "works" is why gocrypto can be trusted with all of them.
	if got := gocrypto.Crypto().Tested(); !reflect.DeepEqual(got, all) {
		t.Errorf("gocrypto verifies %v, want %v", got, all)
	}
}

const secret = "a secret of the tests, 32 bytes!"

// signed returns a key of an algorithm, and its signature of a text.
func signed(t *testing.T, a *keys.Algorithm, text string) (keys.Public, []byte) {
	t.Helper()
	if a.IsHMAC() {
		key := keys.Secret(secret)
		return key, keys.SignHMAC(a, key, text)
	}
	private, err := gocrypto.ParsePrivate(keytest.For(a.Name).PKCS8)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := private.Sign(a, text)
	if err != nil {
		t.Fatal(err)
	}
	return private.Public(), sig
}

// standard verifies with the standard library alone.
func standard(a *keys.Algorithm, text string, sig []byte) bool {
	h := a.Hash()
	if a.IsHMAC() {
		mac := hmac.New(h.New, []byte(secret))
		mac.Write([]byte(text))
		return hmac.Equal(mac.Sum(nil), sig)
	}
	var digest []byte
	if h != 0 {
		d := h.New()
		d.Write([]byte(text))
		digest = d.Sum(nil)
	}
	switch k := keytest.For(a.Name).Private.Public().(type) {
	case *rsa.PublicKey:
		if a.IsPSS() {
			return rsa.VerifyPSS(k, h, digest, sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(k, h, digest, sig) == nil
	case *ecdsa.PublicKey:
		n := len(sig) / 2
		size := (k.Params().BitSize + 7) / 8
		return len(sig) == 2*size && ecdsa.Verify(k, digest, new(big.Int).SetBytes(sig[:n]), new(big.Int).SetBytes(sig[n:]))
	case ed25519.PublicKey:
		return ed25519.Verify(k, []byte(text), sig)
	}
	return false
}

// Signatures are accepted and refused as by the standard library, and those of RSA and
// elliptic curves by the function of Probe alone.
func TestVerifyAgreesWithTheStandardLibrary(t *testing.T) {
	calls := 0
	c := keys.Probe(func(hash string, key, sig []byte, text string) (bool, error) {
		calls++
		return gocrypto.Verify(hash, key, sig, text)
	})
	for _, name := range keys.Names() {
		t.Run(name, func(t *testing.T) {
			a := keys.Find(name)
			key, sig := signed(t, a, "text")
			changed := append([]byte{sig[0] ^ 1}, sig[1:]...)
			for name, s := range map[string]struct {
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
				ours, theirs := c.Verify(a, key, s.text, s.sig), standard(a, s.text, s.sig)
				if ours != s.ok || theirs != s.ok {
					t.Errorf("%s: %v, by the standard library %v; want %v", name, ours, theirs, s.ok)
				}
				if asked := calls > before; name == "right" && asked != (a.Name[:2] == "RS" || a.Name[:2] == "ES") {
					t.Errorf("asked: %v", asked)
				}
			}
			for _, other := range keys.Names() {
				if other != name && c.Verify(keys.Find(other), key, "text", sig) {
					t.Errorf("accepted as %s", other)
				}
			}
		})
	}
}

// Without a function that works, RSA and ECDSA signatures are refused, and no others.
func TestZeroCryptoRefuses(t *testing.T) {
	var none keys.Crypto
	for _, name := range keys.Names() {
		a := keys.Find(name)
		key, sig := signed(t, a, "text")
		want := name[:2] == "HS" || name[:2] == "PS" || name == "EdDSA"
		if got := none.Verify(a, key, "text", sig); got != want || none.Supports(a) != want {
			t.Errorf("%s: verified %v, supported %v; want %v", name, got, none.Supports(a), want)
		}
	}
}

// A function that fails after it was probed refuses.
func TestAFunctionThatFailsLater(t *testing.T) {
	fails := false
	c := keys.Probe(func(hash string, key, sig []byte, text string) (bool, error) {
		if fails {
			return true, errors.New("gone")
		}
		return gocrypto.Verify(hash, key, sig, text)
	})
	a := keys.Find("ES256")
	key, sig := signed(t, a, "text")
	if !c.Verify(a, key, "text", sig) {
		t.Error("a right signature is refused")
	}
	fails = true
	if c.Verify(a, key, "text", sig) {
		t.Error("an error is taken for a yes")
	}
}

// PSS is our own code: its salts, moduli of odd sizes and exponents.
func TestPSSAgreesWithTheStandardLibrary(t *testing.T) {
	for _, size := range []int{2048, 2049, 2050, 2055, 2056, 3072} {
		private, err := rsa.GenerateKey(rand.Reader, size)
		if err != nil {
			t.Fatal(err)
		}
		key := publicOf(t, &private.PublicKey)
		for _, name := range []string{"PS256", "PS384", "PS512"} {
			a := keys.Find(name)
			h := a.Hash()
			d := h.New()
			d.Write([]byte("text"))
			for _, salt := range []int{rsa.PSSSaltLengthEqualsHash, 0, h.Size() - 1, h.Size() + 1, rsa.PSSSaltLengthAuto} {
				sig, err := rsa.SignPSS(rand.Reader, private, h, d.Sum(nil), &rsa.PSSOptions{SaltLength: salt})
				if err != nil {
					t.Fatal(err)
				}
				if got, want := (keys.Crypto{}).Verify(a, key, "text", sig), salt == rsa.PSSSaltLengthEqualsHash; got != want {
					t.Errorf("%d bits, %s, salt %d: %v", size, name, salt, got)
				}
				for _, bit := range []int{0, 1, 8 * len(sig) / 2, 8*len(sig) - 1} {
					bad := bytes.Clone(sig)
					bad[bit/8] ^= 0x80 >> (bit % 8)
					if (keys.Crypto{}).Verify(a, key, "text", bad) {
						t.Errorf("%d bits, %s: accepted with bit %d turned", size, name, bit)
					}
				}
				// The same residue, but not below the modulus.
				more := new(big.Int).Add(new(big.Int).SetBytes(sig), private.N)
				if more.BitLen() <= 8*len(sig) && (keys.Crypto{}).Verify(a, key, "text", more.FillBytes(make([]byte, len(sig)))) {
					t.Errorf("%d bits, %s: accepted above the modulus", size, name)
				}
			}
		}
	}
}

func publicOf(t *testing.T, public any) keys.Public {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.ParseSPKI(der)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(key.SPKI(), der) {
		t.Errorf("SPKI %x, want %x", key.SPKI(), der)
	}
	return key
}
