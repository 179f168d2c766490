package token

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/token/keys/keytest"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/value/strictjson"
)

// goJose verifies the signature of a token that testSecret signed with HS256.
func goJose(raw string) error {
	t, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.HS256})
	if err == nil {
		_, err = t.Verify([]byte(testSecret))
	}
	return err
}

// FuzzVerify checks for any text that Verify returns an *Error or claims, that a
// cache agrees, and that go-jose accepts the signature of an accepted token.
func FuzzVerify(f *testing.F) {
	for _, raw := range []string{
		rfcHS256, rfcRS256, rfcES256, rfcES512, rfcEdDSA, rfcNone,
		forge(hsHeader, `{"exp":1e400,"nbf":-1e300,"iat":0.5,"aud":["a",1],"iss":"i"}`),
		forge(`{"alg":"HS256","kid":"j1"}`, `{"exp":9e9}`), forge(`{"alg":"HS256","crit":["x"]}`, `{}`),
		forge(`{"\u0061lg":"HS256","kid":7}`, `[]`), "..", "", "a.b.c",
	} {
		f.Add(raw, int64(1300000000))
		f.Add(raw, int64(1300819380))
	}
	set := rfcSet(f)
	plain := hsSet(f)
	named := newSet(f, Key{JWKS: `{"keys":[{"kid":"j1","kty":"oct","k":"` + b64(testSecret) + `"}]}`, Issuer: []string{"i"}, Audience: []string{"a"}})
	cache := NewCache(16)
	var opener value.Opener
	f.Fuzz(func(t *testing.T, raw string, unix int64) {
		now := time.Unix(unix, 0)
		for _, s := range []*Set{set, plain, named} {
			claims, err := s.Verify(raw, now)
			forgetful := *s
			forgetful.headers = nil // it reads each header anew
			if read, readErr := forgetful.Verify(raw, now); read.JSON != claims.JSON || fmt.Sprint(readErr) != fmt.Sprint(err) {
				t.Fatalf("%v and %q; with the header read anew %v and %q", err, claims.JSON, readErr, read.JSON)
			}
			again, cacheErr := cache.Verify(s, raw, now, nil, &opener)
			if fmt.Sprint(cacheErr) != fmt.Sprint(err) || again.JSON != claims.JSON || again.Value.String() != claims.Value.String() {
				t.Fatalf("%v and %q, from the cache %v and %q", err, claims.JSON, cacheErr, again.JSON)
			}
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.Stage == "" || !reflect.DeepEqual(claims, Claims{}) {
					t.Fatalf("claims %+v with error %#v", claims, err)
				}
				continue
			}
			parts := strings.Split(raw, ".")
			if len(parts) != 3 || b64(claims.JSON) != parts[1] || strictjson.Check(claims.JSON, maxDepth) != nil {
				t.Fatalf("accepted %q", raw)
			}
			if s == plain && goJose(raw) != nil {
				t.Fatalf("accepted %q, which go-jose refuses", raw)
			}
		}
	})
}

// FuzzClaims signs its texts, so that the checks after the signature run.
func FuzzClaims(f *testing.F) {
	for _, claims := range []string{
		`{}`, `{"exp":1}`, `{"exp":1e400}`, `{"exp":-0.0}`, `{"exp":1700000000.9999999999}`, `{"aud":[],"iss":null}`,
		`{"aud":["a"],"iss":"i","exp":9223372036854775807,"nbf":-9223372036854775808}`, `{"a":1,"\u0061":2}`, "{\"a\":\"\xff\"}",
	} {
		f.Add(hsHeader, claims)
	}
	f.Add(`{"alg":"HS256","typ":"application/sc-service+jwt"}`, `{}`)
	f.Add(`{"kid":"","alg":"HS256"}`, `{}`)
	set := newSet(f, Key{Alg: "HS256", Secret: testSecret, Audience: []string{"a"}, Issuer: []string{"i"}})
	plain := hsSet(f)
	var without *Cache
	var opener value.Opener
	f.Fuzz(func(t *testing.T, header, payload string) {
		raw := forge(header, payload)
		for _, s := range []*Set{set, plain} {
			c, err := s.Verify(raw, testNow)
			// In one pass, in memory that is used again.
			opened, openErr := without.Verify(s, raw, testNow, nil, &opener)
			if fmt.Sprint(openErr) != fmt.Sprint(err) || opened.Value.String() != c.Value.String() || opened.Expires != c.Expires || opened.NotBefore != c.NotBefore {
				t.Fatalf("%v and %+v, opened %v and %+v", err, c, openErr, opened)
			}
			if err != nil {
				continue
			}
			if c.JSON != payload || testNow.Before(c.NotBefore) || !c.Expires.IsZero() && !testNow.Before(c.Expires) {
				t.Fatalf("accepted %q as %+v", payload, c)
			}
			if err := goJose(raw); err != nil {
				t.Fatalf("accepted %q, which go-jose refuses: %v", raw, err)
			}
		}
	})
}

// FuzzKeys checks that no text of a key makes NewSet panic.
func FuzzKeys(f *testing.F) {
	for _, p := range []keytest.Pair{keytest.RSA(), keytest.P256(), keytest.Ed25519()} {
		f.Add(p.PublicPEM, p.PKCS8, keysOf(with(`"kid":"a"`, jwkOf(f, p.Private.Public()))))
	}
	f.Add(keytest.PEM("RSA PUBLIC KEY", []byte{0x30, 6, 2, 1, 0, 2, 1, 0}), keytest.PEM("EC PRIVATE KEY", []byte{0x30, 3, 2, 1, 1}), `{"keys":[{"kty":"RSA","n":"AA","e":""}]}`)
	f.Fuzz(func(t *testing.T, public, private, jwks string) {
		for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
			s, faults := NewSet([]Key{
				{Alg: alg, PublicKey: public},
				{Alg: alg, PrivateKey: private, Primary: true},
				{JWKS: jwks},
			}, 0, false, gocrypto.Crypto())
			if (s == nil) == (len(faults) == 0) {
				t.Fatalf("%v with %+v", s, faults)
			}
			if s == nil {
				continue
			}
			raw, err := s.Mint(`{}`, "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Verify(raw, testNow); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzRemoteKeys checks that WithKeys returns a set with usable keys, or an error,
// for any text.
func FuzzRemoteKeys(f *testing.F) {
	f.Add(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	f.Add(`{"keys":[{"kty":"oct","kid":"k","k":"c2VjcmV0"},{"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB"}]}`)
	f.Add(`{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"AA","y":"AA"},[],null]}`)
	f.Add(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":null,"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	empty, faults := NewSet([]Key{{Name: "idp", Fetched: true}}, 0, false, gocrypto.Crypto())
	if faults != nil {
		f.Fatal(faults)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, used, passed, err := empty.WithKeys(0, text)
		if (err == nil) != (set != nil && used > 0) {
			t.Fatalf("%d keys, %d passed over, error %v", used, len(passed), err)
		}
		if err != nil {
			return
		}
		for _, k := range set.all {
			if k.Public.SecretText() != "" || k.entry.provider != "idp" || len(set.byKid[k.Kid]) == 0 != (k.Kid == "") {
				t.Fatalf("a key that is none: %+v", k)
			}
		}
	})
}
