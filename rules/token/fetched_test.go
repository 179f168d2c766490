package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
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
		"without kid":         {`{"alg":"RS256"}`, `{"iss":"https://a"}`, 2},
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
	if err != nil || used != 1 || len(passed) != 0 {
		t.Fatal(used, passed, err)
	}
	// The key of its kid is there and has not signed it: it may have been replaced.
	if got, _ := missingOf(t, full, raw); len(got) != 2 {
		t.Errorf("missing %v", got)
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

// Two issuers may use the same kid: if the known key did not sign the token, a
// key of either is missing.
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
	if got, err := missingOf(t, one, raw); len(got) != 2 {
		t.Fatalf("missing %v, %v; want both sets: the first may have replaced its key", got, err)
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
	if first.byKid["k"][3].Public.Equal(second.byKid["k"][3].Public) {
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
	if claims, err := c.Verify(s, raw, now, nil, nil); err != nil || claims.Provider != "a" {
		t.Fatal(claims, err)
	}
	if _, err := c.Verify(s.WithoutKeys(0), raw, now, nil, nil); err == nil {
		t.Error("a token outlived its key")
	}
}

// signedBy returns a token by a key, with a kid or without.
func signedBy(t *testing.T, p keytest.Pair, kid, claims string) string {
	t.Helper()
	header := `{"alg":"ES256"}`
	if kid != "" {
		header = `{"alg":"ES256","kid":"` + kid + `"}`
	}
	signed := b64(header) + "." + b64(claims)
	private, err := gocrypto.ParsePrivate(p.PKCS8)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := private.Sign(keys.Find("ES256"), signed)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(string(sig))
}

func loaded(t *testing.T, s *Set, i int, text string) *Set {
	t.Helper()
	out, _, _, err := s.WithKeys(i, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Each entry decides about a token that its key has signed, and a caller takes
// some of the entries.
func TestEachEntryDecides(t *testing.T) {
	set := newSet(t,
		Key{Name: "shop", JWKS: jwksOct, Audience: []string{"shop"}},
		Key{Name: "bank", JWKS: jwksOct, Audience: []string{"bank"}},
		Key{Name: "own", Alg: "HS256", Secret: "guess", Kid: "j1"},
		Key{Name: "also-own", Alg: "HS256", Secret: "guess", Kid: "j1", Issuer: []string{"https://a"}})
	cache := NewCache(8)
	for _, c := range []struct {
		claims, takes string
		stage         Stage
		provider      string
	}{
		{`{"aud":["bank","shop"]}`, "", "", "shop"},
		{`{"aud":["bank","shop"]}`, "bank", "", "bank"},
		{`{"aud":["bank","shop"]}`, "own", "", "own"},
		{`{"aud":["bank","shop"]}`, "also-own", StageProvider, ""},
		{`{"iss":"https://a"}`, "also-own", "", "also-own"},
		{`{"iss":"https://a"}`, "bank", StageProvider, ""},
		{`{}`, "shop", StageProvider, ""},
		{`{"exp":1}`, "own", StageTime, ""},
	} {
		for _, header := range []string{hsHeader, `{"alg":"HS256","kid":"j1"}`} {
			raw := forgeWith("guess", header, c.claims)
			takes := func(provider string) bool { return provider == c.takes }
			if c.takes == "" {
				takes = nil
			}
			for _, verify := range []func() (Claims, error){
				func() (Claims, error) { return set.VerifyFor(raw, testNow, takes) },
				func() (Claims, error) { return cache.Verify(set, raw, testNow, takes, nil) },
				func() (Claims, error) { return cache.Verify(set, raw, testNow, takes, nil) },
			} {
				claims, err := verify()
				if wantStage(t, err, c.stage); claims.Provider != c.provider {
					t.Errorf("%s for %q: provider %q, want %q", c.claims, c.takes, claims.Provider, c.provider)
				}
			}
		}
	}
}

// A token that one entry accepts waits where only another one counts, if that
// one's keys are not here yet. The cache does not forget it.
func TestWaitsForTheEntryThatCounts(t *testing.T) {
	cache := NewCache(8)
	only := func(name string) func(string) bool { return func(provider string) bool { return provider == name } }
	away := newSet(t,
		Key{Name: "here", Fetched: true, Audience: []string{"here"}},
		Key{Name: "there", Fetched: true, Audience: []string{"there"}},
		Key{Name: "else", Fetched: true, Audience: []string{"else"}})
	away = loaded(t, away, 0, published(t, "k", keytest.P256()))
	missing := func(s *Set, raw, name string) string {
		_, err := cache.Verify(s, raw, testNow, only(name), nil)
		var e *Error
		if !errors.As(err, &e) {
			return "accepted"
		}
		return fmt.Sprint(e.Missing)
	}
	for _, kid := range []string{"k", ""} {
		both := signedBy(t, keytest.P256(), kid, `{"aud":["here","there"]}`)
		one := signedBy(t, keytest.P256(), kid, `{"aud":"there"}`)
		for range 2 {
			for name, want := range map[string]string{"here": "accepted", "there": "[1]", "else": "[]"} {
				if got := missing(away, both, name); got != want {
					t.Errorf("kid %q, for %s: missing %s, want %s", kid, name, got, want)
				}
			}
		}
		if got := missing(away, one, "there"); got != "[1]" {
			t.Errorf("kid %q: another entry's key signed it, and nothing is missing: %s", kid, got)
		}
		here := loaded(t, away, 1, published(t, "k", keytest.P256()))
		if got := missing(here, both, "there") + missing(here, one, "there"); got != "acceptedaccepted" {
			t.Errorf("kid %q: %s with its keys", kid, got)
		}
		other := loaded(t, away, 1, published(t, "k", keytest.New(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))))
		if got, want := missing(other, both, "there"), map[string]string{"k": "[1]", "": "[]"}[kid]; got != want {
			t.Errorf("kid %q: missing %s with another key, want %s", kid, got, want)
		}
	}
}

// A token without kid is tried with every key of its alg; a key without kid
// serves such tokens alone.
func TestKeysWithoutKid(t *testing.T) {
	nameless := keysOf(jwkOf(t, keytest.P256().Private.Public()))
	for name, set := range map[string]*Set{
		"inline":       newSet(t, Key{JWKS: nameless}),
		"kid null":     newSet(t, Key{JWKS: keysOf(with(`"kid":null`, jwkOf(t, keytest.P256().Private.Public())))}),
		"fetched":      loaded(t, newSet(t, Key{Fetched: true}), 0, nameless),
		"with the kid": loaded(t, newSet(t, Key{Fetched: true}), 0, published(t, "k", keytest.P256())),
		"configured":   newSet(t, Key{Alg: "ES256", PublicKey: keytest.P256().PublicPEM, Kid: "k"}),
	} {
		_, err := set.Verify(signedBy(t, keytest.P256(), "", `{}`), testNow)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, err = set.Verify(signedBy(t, keytest.P256(), "k", `{}`), testNow)
		if named := name == "with the kid" || name == "configured"; (err == nil) != named {
			t.Errorf("%s: a token with a kid: %v", name, err)
		}
	}
	// A key without kid may have been replaced.
	other := signedBy(t, keytest.New(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), "", `{}`)
	if got, _ := missingOf(t, loaded(t, newSet(t, Key{Fetched: true}), 0, nameless), other); len(got) != 1 {
		t.Errorf("missing %v, want the set", got)
	}
	if got, _ := missingOf(t, loaded(t, newSet(t, Key{Fetched: true}), 0, published(t, "k", keytest.P256())), other); len(got) != 0 {
		t.Errorf("missing %v, want none: each key of the set has a kid", got)
	}
}

// No more than 16 keys are tried, however many entries share them.
func TestKeysTriedAreBounded(t *testing.T) {
	var entries []Key
	for i := range maxTried + 1 {
		for _, name := range []string{"a", "b"} {
			entries = append(entries, Key{Name: name, Alg: "HS256", Secret: fmt.Sprint("secret", i)})
		}
	}
	set := newSet(t, entries...)
	last := func(i int) string { return forgeWith(fmt.Sprint("secret", i), hsHeader, `{}`) }
	if _, err := set.Verify(last(maxTried-1), testNow); err != nil {
		t.Error(err)
	}
	_, err := set.Verify(last(maxTried), testNow)
	wantStage(t, err, StageSignature)
	if !strings.Contains(err.Error(), "first 16 keys") {
		t.Error(err)
	}
	onlyB := func(provider string) bool { return provider == "b" }
	if _, err := set.VerifyFor(last(maxTried-1), testNow, onlyB); err != nil {
		t.Error("the second entry of the last key:", err)
	}
	_, err = set.Verify(forgeWith(fmt.Sprint("secret", maxTried), `{"alg":"HS256","kid":"`+defaultKid(fmt.Sprint("secret", maxTried))+`"}`, `{}`), testNow)
	wantStage(t, err, "")
}
