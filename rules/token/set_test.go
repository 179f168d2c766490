package token

import (
	"fmt"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/token/keys/keytest"
	"strings"
	"testing"
)

// Each row has a list of keys with one fault, and a twin without it.
func TestSetFaults(t *testing.T) {
	p, ec, ed := keytest.RSA(), keytest.P256(), keytest.Ed25519()
	hs := Key{Alg: "HS256", Secret: "s"}
	jwks := Key{JWKS: jwksOct}
	named := func(k Key, kid string) Key { k.Kid = kid; return k }
	one := func(k Key) []Key { return []Key{k} }

	for _, c := range []struct {
		name    string
		bad     []Key
		index   int
		field   string
		message string
		good    []Key
	}{
		{"no alg", one(Key{Secret: "s"}), 0, "alg", "missing", one(hs)},
		{"alg none", one(Key{Alg: "none", Secret: "s"}), 0, "alg", `"none" is not accepted`, one(hs)},
		{"alg in lower case", one(Key{Alg: "hs256", Secret: "s"}), 0, "alg", "not accepted", one(hs)},
		{"alg unknown", one(Key{Alg: "ES256K", PublicKey: ec.PublicPEM}), 0, "alg", "not accepted", one(Key{Alg: "ES256", PublicKey: ec.PublicPEM})},
		{"HS on a public key", one(Key{Alg: "HS256", PublicKey: p.PublicPEM}), 0, "alg", "RSA key", one(Key{Alg: "RS256", PublicKey: p.PublicPEM})},
		{"RS on a secret", one(Key{Alg: "RS256", Secret: "s"}), 0, "alg", "secret", one(hs)},
		{"RS on an EC key", one(Key{Alg: "RS256", PublicKey: ec.PublicPEM}), 0, "alg", "P-256", one(Key{Alg: "ES256", PublicKey: ec.PublicPEM})},
		{"ES on another curve", one(Key{Alg: "ES512", PublicKey: ec.PublicPEM}), 0, "alg", "P-256", one(Key{Alg: "ES512", PublicKey: keytest.P521().PublicPEM})},
		{"EdDSA on an EC key", one(Key{Alg: "EdDSA", PublicKey: ec.PublicPEM}), 0, "alg", "P-256", one(Key{Alg: "EdDSA", PublicKey: ed.PublicPEM})},
		{"ES on an Ed25519 key", one(Key{Alg: "ES256", PublicKey: ed.PublicPEM}), 0, "alg", "Ed25519", one(Key{Alg: "EdDSA", PublicKey: ed.PublicPEM})},
		{"alg that a set has no key for", one(Key{Alg: "ES256", JWKS: jwksOct}), 0, "alg", "no key of the set", one(Key{Alg: "HS512", JWKS: jwksOct})},
		{"unknown alg of a set", one(Key{Alg: "x", JWKS: jwksOct}), 0, "alg", "not accepted", one(jwks)},

		{"empty secret", one(Key{Alg: "HS256"}), 0, "secret", "empty", one(Key{Alg: "HS256", Secret: " "})},
		{"empty public key", one(Key{Alg: "RS256"}), 0, "publicKey", "empty", one(Key{Alg: "RS256", PublicKey: p.PublicPEM})},
		{"secret and public key", one(Key{Alg: "HS256", Secret: "s", PublicKey: p.PublicPEM}), 0, "secret", "either", one(hs)},
		{"secret and private key", one(Key{Alg: "HS256", Secret: "s", PrivateKey: p.PKCS8}), 0, "secret", "either", one(hs)},
		{"secret and set", one(Key{Secret: "s", JWKS: jwksOct}), 0, "secret", "either", one(jwks)},
		{"public key and set", one(Key{PublicKey: p.PublicPEM, JWKS: jwksOct}), 0, "publicKey", "either", one(jwks)},
		{"private key and set", one(Key{PrivateKey: p.PKCS8, JWKS: jwksOct}), 0, "privateKey", "either", one(jwks)},
		{"kid and set", one(Key{Kid: "k", JWKS: jwksOct}), 0, "kid", "their own", one(jwks)},
		{"public key is no PEM", one(Key{Alg: "RS256", PublicKey: "MIIB"}), 0, "publicKey", "PEM", one(Key{Alg: "RS256", PublicKey: p.PublicPEM})},
		{"private key of another pair", one(Key{Alg: "RS256", PublicKey: p.PublicPEM, PrivateKey: keytest.OtherRSA().PKCS8}), 0, "publicKey", "not the public half", one(primaryFor("RS256"))},
		{"private key of another kind", one(Key{Alg: "RS256", PublicKey: p.PublicPEM, PrivateKey: ec.PKCS8}), 0, "publicKey", "not the public half", one(primaryFor("RS256"))},
		{"weak RSA key", one(Key{Alg: "RS256", PublicKey: keytest.WeakRSA().PublicPEM}), 0, "publicKey", "1024 bits; want 2048", one(Key{Alg: "RS256", PublicKey: p.PublicPEM})},
		{"weak private RSA key", one(Key{Alg: "PS256", PrivateKey: keytest.WeakRSA().PKCS8}), 0, "privateKey", "1024 bits; want 2048", one(Key{Alg: "PS256", PrivateKey: p.PKCS8})},

		{"primary without private key", one(Key{Alg: "RS256", PublicKey: p.PublicPEM, Primary: true}), 0, "primary", "privateKey is missing", one(Key{Alg: "RS256", PublicKey: p.PublicPEM})},
		{"primary set", one(Key{JWKS: jwksOct, Primary: true}), 0, "primary", "cannot sign", one(jwks)},
		{"two primaries", []Key{primaryFor("HS256"), primaryFor("ES256")}, 1, "primary", "entry 0", []Key{primaryFor("HS256"), {Alg: "ES256", PublicKey: ec.PublicPEM}}},

		{"kid twice", []Key{named(hs, "k"), jwks, named(Key{Alg: "HS256", Secret: "t"}, "k")}, 2, "kid", "entry 0 has the same kid", []Key{named(hs, "k"), jwks, named(Key{Alg: "HS512", Secret: "t"}, "k")}},
		{"key twice", []Key{jwks, hs, hs}, 2, "", "entry 1 has the same key", []Key{jwks, hs, {Alg: "HS256", Secret: "s "}}},
		{"key twice, one issuer", []Key{hs, {Alg: "HS256", Secret: "s", Issuer: []string{"i"}}, {Alg: "HS256", Secret: "s", Issuer: []string{"i"}}}, 2, "", "entry 1 has the same key",
			[]Key{hs, {Alg: "HS256", Secret: "s", Issuer: []string{"i"}}, {Alg: "HS256", Secret: "s", Audience: []string{"i"}}, {Alg: "HS256", Secret: "s", Name: "i"}}},

		{"no issuers", one(Key{Alg: "HS256", Secret: "s", Issuer: []string{}}), 0, "issuer", "empty", one(Key{Alg: "HS256", Secret: "s", Issuer: []string{"i"}})},
		{"empty issuer", one(Key{Alg: "HS256", Secret: "s", Issuer: []string{"i", ""}}), 0, "issuer[1]", "empty", one(Key{Alg: "HS256", Secret: "s", Issuer: []string{"i"}})},
		{"empty audience", one(Key{JWKS: jwksOct, Audience: []string{""}}), 0, "audience[0]", "empty", one(Key{JWKS: jwksOct, Audience: []string{"a"}})},
		{"nothing but alg and set's primary", one(Key{Alg: "HS256", Primary: true}), 0, "secret", "empty", one(primaryFor("HS256"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, faults := NewSet(c.bad, 0, false, gocrypto.Crypto())
			if s != nil || len(faults) != 1 || faults[0].Index != c.index || faults[0].Field != c.field || !strings.Contains(faults[0].Message, c.message) {
				t.Errorf("got %+v, want one fault of entry %d at %q that says %q", faults, c.index, c.field, c.message)
			}
			if _, faults := NewSet(c.good, 0, false, gocrypto.Crypto()); faults != nil {
				t.Errorf("the twin has faults: %+v", faults)
			}
		})
	}
}

func TestSetReportsEveryFault(t *testing.T) {
	_, faults := NewSet([]Key{
		{Alg: "none", PublicKey: "x", PrivateKey: "y", Issuer: []string{""}},
		{Alg: "HS256", Secret: "fine", Primary: true},
		{},
		{Alg: "RS256", Secret: "s", Kid: "k", JWKS: `{"keys":[{}]}`, Primary: true},
		{Alg: "HS256", Secret: "fine", Primary: true},
	}, 0, false, gocrypto.Crypto())
	var got []string
	for _, f := range faults {
		got = append(got, fmt.Sprintf("%d:%s", f.Index, f.Field))
	}
	const want = "0:alg 0:issuer[0] 0:publicKey 0:privateKey 2:alg 2: 3:secret 3:kid 3:primary 3:jwks.keys[0].kty 4:primary"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

func TestFaultsTellNoKey(t *testing.T) {
	const mark = "T0PSECRET"
	_, faults := NewSet([]Key{
		{Alg: "RS256", Secret: mark},
		{Alg: "HS256", Secret: mark, PublicKey: mark},
		{Alg: "RS256", PublicKey: mark, PrivateKey: mark},
		{JWKS: `{"keys":[{"kid":"k","kty":"oct","k":"` + mark + `="}]}`},
		{JWKS: mark},
	}, 0, false, gocrypto.Crypto())
	if len(faults) < 5 {
		t.Fatalf("%+v", faults)
	}
	for _, f := range faults {
		if strings.Contains(f.Message, mark) {
			t.Errorf("%+v", f)
		}
	}
}
