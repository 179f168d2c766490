package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// goHost verifies as Envoy's verify_signature does, by another way than this
// package: from the DER of keys and signatures.
func goHost(hash string, key, signature, text []byte) (bool, error) {
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

func TestProbeHost(t *testing.T) {
	all := []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}
	for name, c := range map[string]struct {
		verify HostVerify
		want   []string
	}{
		"one that does it":         {goHost, all},
		"one that says yes to all": {func(string, []byte, []byte, []byte) (bool, error) { return true, nil }, nil},
		"one that says no to all":  {func(string, []byte, []byte, []byte) (bool, error) { return false, nil }, nil},
		"none":                     {func(string, []byte, []byte, []byte) (bool, error) { return true, errors.New("not found") }, nil},
		"one that knows SHA-256 alone": {func(hash string, key, sig, text []byte) (bool, error) {
			if hash != "sha256" {
				return false, errors.New("unknown hash")
			}
			return goHost(hash, key, sig, text)
		}, []string{"RS256", "ES256"}},
		"one that does not look at the text": {func(hash string, key, sig, _ []byte) (bool, error) {
			return goHost(hash, key, sig, []byte(knownText))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ProbeHost(c.verify).Algs(); !reflect.DeepEqual(got, c.want) {
				t.Fatalf("verifies %v, want %v", got, c.want)
			}
		})
	}
}

// With a host the verdicts are those without.
func TestHostAndGoAgree(t *testing.T) {
	calls := 0
	host := ProbeHost(func(hash string, key, sig, text []byte) (bool, error) {
		calls++
		return goHost(hash, key, sig, text)
	})
	for i := range algorithms {
		alg := algorithms[i].name
		t.Run(alg, func(t *testing.T) {
			s := newSet(t, primaryFor(alg))
			raw, err := s.Mint(`{"id":"u1"}`, "")
			if err != nil {
				t.Fatal(err)
			}
			dot := strings.LastIndexByte(raw, '.')
			sig, err := decodeSegment(raw[dot+1:])
			if err != nil {
				t.Fatal(err)
			}
			zero := make([]byte, len(sig))
			for name, c := range map[string]struct {
				raw string
				ok  bool
			}{
				"right":          {raw, true},
				"another text":   {b64(`{"alg":"`+alg+`"}`) + "." + b64(`{"id":"u2"}`) + raw[dot:], false},
				"a byte changed": {raw[:dot+1] + b64(string(append([]byte{sig[0] ^ 1}, sig[1:]...))), false},
				"a byte less":    {raw[:dot+1] + b64(string(sig[:len(sig)-1])), false},
				"a byte more":    {raw[:dot+1] + b64(string(sig)+"\x00"), false},
				"zeros":          {raw[:dot+1] + b64(string(zero)), false},
				"empty":          {raw[:dot+1], false},
			} {
				_, err1 := s.Verify(c.raw, time.Now())
				before := calls
				_, err2 := s.WithHost(host).Verify(c.raw, time.Now())
				if (err1 == nil) != c.ok || (err2 == nil) != c.ok {
					t.Errorf("%s: in Go %v, by the host %v; want accepted: %v", name, err1, err2, c.ok)
				}
				if asked := calls > before; name == "right" && asked != (alg[:2] == "RS" || alg[:2] == "ES") {
					t.Errorf("the host was asked: %v", asked)
				}
			}
		})
	}
}

// A host that cannot tell any more leaves it to Go.
func TestHostThatFails(t *testing.T) {
	working := true
	host := ProbeHost(func(hash string, key, sig, text []byte) (bool, error) {
		if !working {
			return true, errors.New("gone")
		}
		return goHost(hash, key, sig, text)
	})
	working = false
	s := newSet(t, primaryFor("ES256")).WithHost(host)
	raw, err := s.Mint(`{"id":"u1"}`, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(raw, time.Now()); err != nil {
		t.Error(err)
	}
	dot := strings.LastIndexByte(raw, '.')
	if _, err := s.Verify(raw[:dot+1]+b64(strings.Repeat("a", 64)), time.Now()); err == nil {
		t.Error("a signature that nobody made")
	}
}
