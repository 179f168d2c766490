package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"github.com/rulegate/rulegate/rules/token/keys/keytest"
	"strings"
	"testing"
	"time"
)

// published returns a JWK set with a public key.
func published(t *testing.T, kid string, p keytest.Pair) string {
	return keysOf(with(`"kid":"`+kid+`"`, jwkOf(t, p.Private.Public())))
}

func missingOf(t *testing.T, s *Set, raw string) ([]int, error) {
	t.Helper()
	_, err := s.Verify(raw, time.Unix(1_000_000, 0))
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	return e.Missing, err
}

func unsigned(header, payload string) string {
	return b64(header) + "." + b64(payload) + ".AAAA"
}

// Error.Missing lists only sets whose fetch could make the token valid.
func TestMissing(t *testing.T) {
	s := newSet(t,
		Key{Name: "a", Fetched: true, Issuer: []string{"https://a"}},
		Key{Name: "b", Fetched: true, Alg: "RS256"},
		Key{Name: "own", Alg: "HS256", Secret: "secret", Kid: "own"})
	for name, c := range map[string]struct {
		header, payload string
		want            int
	}{
		"any source":          {`{"alg":"RS256","kid":"x"}`, `{"iss":"https://a"}`, 2},
		"another issuer":      {`{"alg":"RS256","kid":"x"}`, `{"iss":"https://b"}`, 1},
		"another algorithm":   {`{"alg":"ES256","kid":"x"}`, `{"iss":"https://a"}`, 1},
		"neither":             {`{"alg":"ES256","kid":"x"}`, `{"iss":"https://b"}`, 0},
		"a secret's":          {`{"alg":"HS256","kid":"x"}`, `{"iss":"https://a"}`, 0},
		"of a known kid":      {`{"alg":"HS256","kid":"own"}`, `{"iss":"https://a"}`, 0},
		"without kid":         {`{"alg":"RS256"}`, `{"iss":"https://a"}`, 0},
		"expired":             {`{"alg":"RS256","kid":"x"}`, `{"iss":"https://a","exp":1}`, 0},
		"not yet":             {`{"alg":"RS256","kid":"x"}`, `{"iss":"https://a","nbf":9999999}`, 0},
		"claims that are bad": {`{"alg":"RS256","kid":"x"}`, `{"iss":"https://a","iss":"https://a"}`, 0},
		"alg none":            {`{"alg":"none","kid":"x"}`, `{"iss":"https://a"}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := missingOf(t, s, unsigned(c.header, c.payload)); len(got) != c.want {
				t.Fatalf("missing %v (%v), want %d", got, err, c.want)
			}
		})
	}
}

func TestWithKeys(t *testing.T) {
	empty := newSet(t, Key{Name: "a", Fetched: true}, Key{Name: "b", Fetched: true}, Key{Name: "own", Alg: "EdDSA", PublicKey: keytest.Ed25519().PublicPEM, Kid: "x"})
	raw := unsigned(`{"alg":"EdDSA","kid":"k"}`, `{}`)
	full, used, passed, err := empty.WithKeys(0, published(t, "k", keytest.Ed25519()))
	if err != nil || used != 1 || passed != 0 {
		t.Fatal(used, passed, err)
	}
	if got, _ := missingOf(t, full, raw); len(got) != 0 && got[0] == 0 {
		t.Error("its key is there, and it is missed")
	}
	if got, _ := missingOf(t, empty, raw); len(got) != 2 {
		t.Errorf("the set that it was made of has changed: %v", got)
	}
	// The same kid in another set, and in a configured key.
	both, _, _, err := full.WithKeys(1, published(t, "x", keytest.P256()))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(both.byKid["x"]); n != 2 {
		t.Errorf("%d keys of the kid x, want the policy's and the fetched one", n)
	}
	if n := len(both.WithoutKeys(1).byKid["x"]); n != 1 {
		t.Errorf("%d keys of the kid x, want the policy's", n)
	}
	if n := len(full.byKid["x"]); n != 1 {
		t.Errorf("%d keys of the kid x in a set that has not changed", n)
	}
	if got, _ := missingOf(t, both.WithoutKeys(0), raw); len(got) != 2 {
		t.Errorf("without its keys: %v", got)
	}
	if _, _, _, err := full.WithKeys(0, "{}"); err == nil || strings.Contains(err.Error(), "k\"") {
		t.Errorf("error %v", err)
	}
	if _, _, _, err := full.WithKeys(2, published(t, "k", keytest.Ed25519())); err == nil {
		t.Error("a set that there is not")
	}
}

// Two issuers may use the same kid: if the known key did not sign the token, the
// other issuer's key is missing.
func TestOneKidOfTwoIssuers(t *testing.T) {
	minter := newSet(t, Key{Name: "m", Alg: "ES256", PrivateKey: keytest.P256().PKCS8, Kid: "k", Primary: true})
	raw, err := minter.Mint(`{"id":"u1"}`, "")
	if err != nil {
		t.Fatal(err)
	}
	other := keytest.New(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	one, _, _, err := newSet(t, Key{Name: "a", Fetched: true}, Key{Name: "b", Fetched: true}).WithKeys(0, published(t, "k", other))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := missingOf(t, one, raw); len(got) != 1 || got[0] != 1 {
		t.Fatalf("missing %v, %v; want the second set", got, err)
	}
	both, _, _, err := one.WithKeys(1, published(t, "k", keytest.P256()))
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := both.Verify(raw, testNow); err != nil || claims.Provider != "b" {
		t.Fatal(claims, err)
	}
}

// Sets that are made from one set do not share state.
func TestWithKeysTwice(t *testing.T) {
	s := newSet(t, Key{Name: "a", Fetched: true},
		Key{Name: "1", Alg: "HS256", Secret: "secret", Kid: "k"},
		Key{Name: "2", Alg: "RS256", PublicKey: keytest.RSA().PublicPEM, Kid: "k"},
		Key{Name: "3", Alg: "EdDSA", PublicKey: keytest.Ed25519().PublicPEM, Kid: "k"})
	first, _, _, err1 := s.WithKeys(0, published(t, "k", keytest.P256()))
	second, _, _, err2 := s.WithKeys(0, published(t, "k", keytest.P384()))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if first.byKid["k"][3].Public == second.byKid["k"][3].Public {
		t.Fatal("the second has written into the first")
	}
}

// A token has the provider of the set whose key verified it, and the cache forgets
// tokens of removed keys.
func TestRotatedKeysEndTheCache(t *testing.T) {
	c := NewCache(10)
	minter := newSet(t, Key{Name: "m", Alg: "EdDSA", PrivateKey: keytest.Ed25519().PKCS8, Kid: "k", Primary: true})
	raw, err := minter.Mint(`{"id":"u1"}`, "")
	if err != nil {
		t.Fatal(err)
	}
	s, _, _, err := newSet(t, Key{Name: "a", Fetched: true}).WithKeys(0, published(t, "k", keytest.Ed25519()))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if claims, err := c.Verify(s, raw, now); err != nil || claims.Provider != "a" {
		t.Fatal(claims, err)
	}
	if _, err := c.Verify(s.WithoutKeys(0), raw, now); err == nil {
		t.Error("a token outlived its key")
	}
}
