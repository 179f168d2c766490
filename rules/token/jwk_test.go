package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/token/keys/keytest"
	"math/big"
	"strings"
	"testing"
)

// jwkOf returns a public key as a JWK without kid.
func jwkOf(t testing.TB, public any) string {
	t.Helper()
	switch k := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf(`{"kty":"RSA","n":%q,"e":%q}`, b64(string(k.N.Bytes())), b64(string(big.NewInt(int64(k.E)).Bytes())))
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := len(point) / 2
		return fmt.Sprintf(`{"kty":"EC","crv":%q,"x":%q,"y":%q}`, k.Curve.Params().Name, b64(string(point[1:1+half])), b64(string(point[1+half:])))
	case ed25519.PublicKey:
		return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":%q}`, b64(string(k)))
	}
	t.Fatalf("no JWK of %T", public)
	return ""
}

// with adds members before those of a JWK.
func with(members, jwk string) string { return "{" + members + "," + jwk[1:] }

func keysOf(jwks ...string) string { return `{"keys":[` + strings.Join(jwks, ",") + `]}` }

func TestJWKSFaults(t *testing.T) {
	rsaKey := jwkOf(t, keytest.RSA().Private.Public())
	ec := jwkOf(t, keytest.P256().Private.Public())
	ed := jwkOf(t, keytest.Ed25519().Private.Public())
	const oct = `{"kty":"oct","k":"Z3Vlc3M"}`
	kid := func(jwk string) string { return with(`"kid":"a"`, jwk) }
	edit := func(jwk, from, to string) string {
		t.Helper()
		if !strings.Contains(jwk, from) {
			t.Fatalf("%s has no %s", jwk, from)
		}
		return strings.Replace(jwk, from, to, 1)
	}
	offCurve := edit(ec, `"y":"`, `"y":"`+b64(strings.Repeat("\x01", 32))+`","y2":"`)

	for _, c := range []struct {
		name, jwks, field, message string
		good                       string
	}{
		{"not JSON", `{"keys":[`, "", "not JSON", keysOf(kid(ec))},
		{"repeated member", `{"keys":[],"keys":[]}`, "", "repeated", keysOf(kid(ec))},
		{"an array", `[` + kid(ec) + `]`, "keys", "array", keysOf(kid(ec))},
		{"one key alone", kid(ec), "keys", "array", keysOf(kid(ec))},
		{"no keys", `{}`, "keys", "array", keysOf(kid(ec))},
		{"keys an object", `{"keys":{}}`, "keys", "array", keysOf(kid(ec))},
		{"empty", `{"keys":[]}`, "keys", "no key", keysOf(kid(ec))},
		{"only for encryption", keysOf(with(`"use":"enc"`, kid(rsaKey))), "keys", "no key", keysOf(with(`"use":"enc"`, kid(rsaKey)), kid(rsaKey))},
		{"only for signing", keysOf(with(`"key_ops":["sign"]`, kid(ec))), "keys", "no key", keysOf(with(`"key_ops":["sign","verify"]`, kid(ec)))},
		{"a key that is a string", keysOf(kid(ec), `"x"`), "keys[1]", "object", keysOf(kid(ec), with(`"kid":"b"`, ec))},

		{"empty kid", keysOf(with(`"kid":""`, ec)), "keys[0].kid", "not empty", keysOf(ec, ec)},
		{"kid a number", keysOf(with(`"kid":1`, ec)), "keys[0].kid", "string", keysOf(kid(ec))},
		{"kid twice", keysOf(kid(ec), kid(ec)), "keys[1].kid", "another", keysOf(kid(ec), kid(rsaKey))},
		{"kid twice, alg overlaps", keysOf(kid(rsaKey), with(`"alg":"PS256"`, kid(rsaKey))), "keys[1].kid", "another", keysOf(with(`"alg":"RS256"`, kid(rsaKey)), with(`"alg":"PS256"`, kid(rsaKey)))},

		{"alg none", keysOf(with(`"alg":"none"`, kid(ec))), "keys[0].alg", "not accepted", keysOf(with(`"alg":"ES256"`, kid(ec)))},
		{"alg a number", keysOf(with(`"alg":1`, kid(ec))), "keys[0].alg", "string", keysOf(with(`"alg":null`, kid(ec)))},
		{"use for certificates", keysOf(with(`"use":"x509-svid"`, kid(ec))), "keys", "no key", keysOf(with(`"use":"jwt-svid"`, kid(ec)))},
		{"use in capitals", keysOf(with(`"use":"SIG"`, kid(ec))), "keys", "no key", keysOf(with(`"use":null`, kid(ec)))},
		{"no key_ops", keysOf(with(`"key_ops":[]`, kid(ec))), "keys", "no key", keysOf(with(`"key_ops":null`, kid(ec)))},
		{"alg for encryption", keysOf(with(`"alg":"RSA-OAEP"`, kid(rsaKey))), "keys[0].alg", "not accepted", keysOf(with(`"alg":"RS512"`, kid(rsaKey)))},
		{"HS on a public key", keysOf(with(`"alg":"HS256"`, kid(rsaKey))), "keys[0].alg", "RSA key", keysOf(with(`"alg":"HS256"`, kid(oct)))},
		{"RS on a secret", keysOf(with(`"alg":"RS256"`, kid(oct))), "keys[0].alg", "secret", keysOf(with(`"alg":"RS256"`, kid(rsaKey)))},
		{"alg of another curve", keysOf(with(`"alg":"ES384"`, kid(ec))), "keys[0].alg", "P-256", keysOf(with(`"alg":"ES384"`, kid(jwkOf(t, keytest.P384().Private.Public()))))},

		{"no kty", keysOf(edit(kid(ec), `"kty":"EC"`, `"k":1`)), "keys[0].kty", "string", keysOf(kid(ec))},
		{"kty in another case", keysOf(edit(kid(ec), `"EC"`, `"ec"`)), "keys[0].kty", "want RSA", keysOf(kid(ec))},
		{"unknown curve", keysOf(edit(kid(ec), `P-256"`, `secp256k1"`)), "keys[0].crv", "want P-256", keysOf(kid(ec))},
		{"another curve", keysOf(edit(kid(ec), `P-256"`, `P-384"`)), "keys[0].x", "48", keysOf(kid(ec))},
		{"no y", keysOf(edit(kid(ec), `"y":`, `"z":`)), "keys[0].y", "string", keysOf(kid(ec))},
		{"not on the curve", keysOf(kid(offCurve)), "keys[0].x", "no uncompressed point", keysOf(kid(ec))},
		{"x padded", keysOf(edit(kid(ec), `","y"`, `=","y"`)), "keys[0].x", "base64url", keysOf(kid(ec))},
		{"X25519", keysOf(edit(kid(ed), `Ed25519`, `X25519`)), "keys[0].crv", "Ed25519", keysOf(kid(ed))},
		{"Ed25519 of 31 bytes", keysOf(kid(`{"kty":"OKP","crv":"Ed25519","x":"` + b64(strings.Repeat("x", 31)) + `"}`)), "keys[0].x", "31 bytes", keysOf(kid(ed))},
		{"secret empty", keysOf(edit(kid(oct), `Z3Vlc3M`, ``)), "keys[0].k", "empty", keysOf(kid(oct))},
		{"no secret", keysOf(edit(kid(oct), `"k"`, `"K"`)), "keys[0].k", "string", keysOf(kid(oct))},
		{"weak RSA key", keysOf(kid(jwkOf(t, keytest.WeakRSA().Private.Public()))), "keys[0].n", "1024 bits", keysOf(kid(rsaKey))},
		{"even exponent", keysOf(edit(kid(rsaKey), `"AQAB"`, `"AQAA"`)), "keys[0].e", "exponent", keysOf(kid(rsaKey))},
		{"exponent 1", keysOf(edit(kid(rsaKey), `"AQAB"`, `"AQ"`)), "keys[0].e", "exponent", keysOf(edit(kid(rsaKey), `"AQAB"`, `"Aw"`))},
		{"exponent of 32 bits", keysOf(edit(kid(rsaKey), `"AQAB"`, `"_____w"`)), "keys[0].e", "exponent", keysOf(edit(kid(rsaKey), `"AQAB"`, `"f____w"`))},
		{"even modulus", keysOf(kid(`{"kty":"RSA","e":"AQAB","n":"` + b64("\x80"+strings.Repeat("\x00", 255)) + `"}`)), "keys[0].n", "modulus", keysOf(kid(rsaKey))},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, faults := NewSet([]Key{{JWKS: c.jwks}}, 0, false, gocrypto.Crypto())
			field := "jwks"
			if c.field != "" {
				field += "." + c.field
			}
			if s != nil || len(faults) != 1 || faults[0].Field != field || !strings.Contains(faults[0].Message, c.message) {
				t.Errorf("got %+v, want one fault at %s that says %q", faults, field, c.message)
			}
			if _, faults := NewSet([]Key{{JWKS: c.good}}, 0, false, gocrypto.Crypto()); faults != nil {
				t.Errorf("the twin has faults: %+v", faults)
			}
		})
	}
}

// A fetched set that is refused says why for each key, and no more than its kid
// and the kinds.
func TestFetchedSetSaysWhy(t *testing.T) {
	rsaKey := jwkOf(t, keytest.RSA().Private.Public())
	bad := []string{
		`{"kty":"oct","kid":"a","k":"Z3Vlc3M"}`, with(`"use":"enc","kid":"b"`, rsaKey), with(`"alg":"RSA-OAEP"`, rsaKey), `1`,
		with(`"alg":"RS512"`, rsaKey),
	}
	reasons := []string{
		`keys[0] "a": a secret`, `keys[1] "b": use or key_ops`, `keys[2]: alg: "RSA-OAEP" is not accepted`, `keys[3]: want an object`,
		`keys[4]: not for RS256`,
	}
	s := newSet(t, Key{Fetched: true, Alg: "RS256"})
	_, _, _, err := s.WithKeys(0, keysOf(bad...))
	_, used, skipped, good := s.WithKeys(0, keysOf(append(bad, rsaKey)...))
	if err == nil || good != nil || used != 1 || len(skipped) != len(bad) {
		t.Fatal(err, good, used, skipped)
	}
	for i, want := range reasons {
		if !strings.Contains(err.Error(), want) || !strings.HasPrefix(skipped[i], want) {
			t.Errorf("want %s in %v and in %s", want, err, skipped[i])
		}
	}
	if strings.Contains(err.Error(), "Z3Vlc3M") {
		t.Error("the message holds a secret")
	}
}

func TestJWKSReportsEveryKey(t *testing.T) {
	_, faults := NewSet([]Key{{JWKS: keysOf(`1`, `{"kty":"oct","kid":"","k":"Z3Vlc3M"}`, `{"kid":"a","kty":"x"}`)}}, 0, false, gocrypto.Crypto())
	var got []string
	for _, f := range faults {
		got = append(got, f.Field)
	}
	if want := "jwks.keys[0] jwks.keys[1].kid jwks.keys[2].kty"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
