package token

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/token/keys/keytest"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const jwksOct = `{"keys":[{"kty":"oct","kid":"j1","k":"Z3Vlc3M"}]}` // the secret `guess`

func TestKeySelection(t *testing.T) {
	set := newSet(t,
		Key{Name: "first", Alg: "HS256", Secret: "one"},
		Key{Name: "second", Alg: "HS256", Secret: "two", Kid: "k2"},
		Key{Name: "long", Alg: "HS512", Secret: "one"},
		Key{Name: "set", JWKS: jwksOct},
	)
	kidOfOne := defaultKid("one")
	head := func(kid string) string { return `{"alg":"HS256","kid":"` + kid + `"}` }
	for _, c := range []struct {
		name, raw string
		stage     Stage
		provider  string
	}{
		{"no kid: the first static key", forgeWith("one", hsHeader, `{}`), "", "first"},
		{"no kid: a static key with a kid", forgeWith("two", hsHeader, `{}`), "", "second"},
		{"no kid: a key of a JWK set", forgeWith("guess", hsHeader, `{}`), "", "set"},
		{"no kid: a key of another alg", forgeWith("one", `{"alg":"HS384"}`, `{}`), StageSignature, ""}, // the set's key has no alg
		{"no kid: nobody's", forgeWith("three", hsHeader, `{}`), StageSignature, ""},
		{"kid of a JWK set", forgeWith("guess", head("j1"), `{}`), "", "set"},
		{"the kid that Space Cloud gives a secret", forgeWith("one", head(kidOfOne), `{}`), "", "first"},
		{"that kid and another secret", forgeWith("two", head(kidOfOne), `{}`), StageSignature, ""},
		{"a given kid", forgeWith("two", head("k2"), `{}`), "", "second"},
		{"a given kid replaces the derived one", forgeWith("two", head(defaultKid("two")), `{}`), StageKey, ""},
		{"kid in the URL alphabet", forgeWith("one", head(strings.NewReplacer("+", "-", "/", "_").Replace(kidOfOne)+"x"), `{}`), StageKey, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims, err := set.Verify(c.raw, testNow)
			if wantStage(t, err, c.stage); claims.Provider != c.provider {
				t.Errorf("provider %q, want %q", claims.Provider, c.provider)
			}
		})
	}
}

// The SHA-256 of `abc` is an example of FIPS 180.
func TestDefaultKid(t *testing.T) {
	if got := defaultKid("abc"); got != "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=" {
		t.Error(got)
	}
}

// Tenants of one issuer share its key set and differ in iss.
func TestProvidersOfOneKeySet(t *testing.T) {
	set := newSet(t,
		Key{Name: "a", JWKS: jwksOct, Issuer: []string{"https://a"}},
		Key{Name: "b", JWKS: jwksOct, Issuer: []string{"https://b"}, Audience: []string{"shop"}},
	)
	for claims, want := range map[string]struct {
		stage    Stage
		provider string
	}{
		`{"iss":"https://a"}`:              {"", "a"},
		`{"iss":"https://b","aud":"shop"}`: {"", "b"},
		`{"iss":"https://c","aud":"shop"}`: {StageIssuer, ""},
		`{"iss":"https://b","aud":"x"}`:    {StageAudience, ""},
	} {
		c, err := set.Verify(forgeWith("guess", `{"alg":"HS256","kid":"j1"}`, claims), testNow)
		if wantStage(t, err, want.stage); c.Provider != want.provider {
			t.Errorf("%s: provider %q, want %q", claims, c.Provider, want.provider)
		}
	}
}

// A JWK without alg verifies every algorithm of its kind, and no other.
func TestJWKWithoutAlg(t *testing.T) {
	p := keytest.RSA()
	jwk := jwkOf(t, p.Private.Public())
	set := newSet(t, Key{JWKS: `{"keys":[{"kid":"r",` + jwk[1:] + `]}`})
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		mint := newSet(t, Key{Alg: alg, PrivateKey: p.PKCS8, Kid: "r", Primary: true})
		raw, err := mint.Mint(`{}`, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = set.Verify(raw, testNow)
		wantStage(t, err, "")
		only := newSet(t, Key{Alg: "PS384", JWKS: `{"keys":[{"kid":"r",` + jwk[1:] + `]}`})
		if _, err = only.Verify(raw, testNow); alg == "PS384" {
			wantStage(t, err, "")
		} else {
			wantStage(t, err, StageKey)
		}
	}
	for _, secret := range []string{p.PublicPEM, jwk, ""} {
		_, err := set.Verify(forgeWith(secret, `{"alg":"HS256","kid":"r"}`, `{}`), testNow)
		wantStage(t, err, StageKey)
	}
}

func TestZeroValuesDeny(t *testing.T) {
	raw := forgeWith("", hsHeader, `{}`)
	var none *Set
	var cache *Cache
	for name, verify := range map[string]func() (Claims, error){
		"zero Set":           func() (Claims, error) { return new(Set).Verify(raw, testNow) },
		"nil Set":            func() (Claims, error) { return none.Verify(raw, testNow) },
		"zero Cache":         func() (Claims, error) { return new(Cache).Verify(new(Set), raw, testNow, nil, nil) },
		"nil Cache, nil Set": func() (Claims, error) { return cache.Verify(nil, raw, testNow, nil, nil) },
		"no keys":            func() (Claims, error) { return newSet(t).Verify(raw, testNow) },
	} {
		c, err := verify()
		if wantStage(t, err, StageKey); !reflect.DeepEqual(c, Claims{}) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if none.CanSign() || new(Set).CanSign() || new(Set).HMACSecret() != "" {
		t.Error("the zero Set signs")
	}
	if _, err := new(Set).Mint(`{}`, ""); err == nil {
		t.Error("the zero Set mints")
	}
	if _, err := none.ServiceToken("gw", "https://a", testNow); err == nil {
		t.Error("the nil Set mints")
	}
	c := gocrypto.Crypto()
	if c.Verify(keys.Find("HS256"), keys.Public{}, "", nil) || c.Verify(&keys.Algorithm{}, keys.Secret(""), "", nil) || c.Verify(&keys.Algorithm{}, keys.Public{}, "", nil) {
		t.Error("a key that is not there verifies")
	}
}

// The kid depends on the text in the policy, not on the key.
func TestDefaultKidOfAPublicKey(t *testing.T) {
	p := keytest.RSA()
	raw, err := newSet(t, Key{Alg: "RS256", PrivateKey: p.PKCS8, Primary: true}).Mint(`{}`, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = newSet(t, Key{Alg: "RS256", PublicKey: p.PublicPEM}).Verify(raw, testNow)
	wantStage(t, err, "")
	_, err = newSet(t, Key{Alg: "RS256", PublicKey: p.PublicPEM + "\n"}).Verify(raw, testNow)
	wantStage(t, err, StageKey)
}

// RFC 7518 section 3.5: the salt is as long as the hash.
func TestSaltOfPSS(t *testing.T) {
	set := newSet(t, primaryFor("PS256"))
	signed := b64(`{"alg":"PS256"}`) + "." + b64(`{}`)
	sum := sha256.Sum256([]byte(signed))
	for salt, stage := range map[int]Stage{32: "", 31: StageSignature, 20: StageSignature, 64: StageSignature} {
		key := keytest.RSA().Private.(*rsa.PrivateKey)
		sig, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		_, err = set.Verify(signed+"."+b64(string(sig)), testNow)
		if wantStage(t, err, stage); t.Failed() {
			t.Fatalf("salt of %d bytes", salt)
		}
	}
}

func TestSignatureLengths(t *testing.T) {
	for _, alg := range []string{"ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256", "HS256"} {
		set := newSet(t, primaryFor(alg))
		raw, err := set.Mint(`{}`, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = set.Verify(raw, testNow)
		wantStage(t, err, "")
		parts := strings.Split(raw, ".")
		sig, _ := keys.DecodeBase64URL(parts[2])
		n := len(sig)
		for name, bad := range map[string][]byte{
			"empty": nil, "one byte less": sig[:n-1], "one byte more": append(sig[:n:n], 0),
			"zeros": make([]byte, n), "zero in front": append([]byte{0}, sig...), "half": sig[:n/2],
			"zero in the middle": slices.Concat(sig[:n/2], []byte{0}, sig[n/2:]),
		} {
			_, err := set.Verify(parts[0]+"."+parts[1]+"."+base64.RawURLEncoding.EncodeToString(bad), testNow)
			if wantStage(t, err, StageSignature); t.Failed() {
				t.Fatalf("%s: %s", alg, name)
			}
		}
	}
}
