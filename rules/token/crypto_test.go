package token

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/token/keys/keytest"
)

// A Set uses the proxy's answer.
func TestSetAsksTheProxy(t *testing.T) {
	probing, calls := true, 0
	proxy := keys.Probe(func(_ string, _, _ []byte, text string) (bool, error) {
		if probing {
			return string(text) == "rulegate", nil
		}
		calls++
		return false, nil
	})
	probing = false
	primary := primaryFor("ES256")
	raw, err := newSet(t, primary).Mint(`{"id":"u1"}`, "")
	if err != nil {
		t.Fatal(err)
	}
	s, faults := NewSet([]Key{{Alg: "ES256", PublicKey: primary.PublicKey}}, 0, false, proxy)
	if faults != nil {
		t.Fatal(faults)
	}
	_, err = s.Verify(raw, testNow)
	wantStage(t, err, StageSignature)
	if calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
}

// A proxy that cannot verify an algorithm gets no policy with a key for it.
func TestAProxyWithoutVerifySignature(t *testing.T) {
	var none keys.Crypto
	for _, alg := range keys.Names() {
		entry := primaryFor(alg)
		entry.PrivateKey, entry.Primary = "", false
		s, faults := NewSet([]Key{entry}, 0, false, none)
		if alg[:2] != "RS" && alg[:2] != "ES" {
			if faults != nil {
				t.Errorf("%s: %+v", alg, faults)
			}
			continue
		}
		if s != nil || len(faults) != 1 || faults[0].Field != "alg" || !strings.Contains(faults[0].Message, "cannot verify "+alg+": want one with the foreign function verify_signature") {
			t.Errorf("%s: %+v", alg, faults)
		}
	}

	rsaKey, ec := jwkOf(t, keytest.RSA().Private.Public()), jwkOf(t, keytest.P384().Private.Public())
	for jwk, lacks := range map[string]string{
		with(`"kid":"a"`, ec): "ES384", with(`"kid":"a"`, rsaKey): "RS256", with(`"kid":"a","alg":"RS512"`, rsaKey): "RS512",
		with(`"kid":"a","alg":"PS256"`, rsaKey): "", with(`"kid":"a"`, jwkOf(t, keytest.Ed25519().Private.Public())): "",
	} {
		s, faults := NewSet([]Key{{JWKS: keysOf(jwk)}}, 0, false, none)
		if lacks == "" {
			if faults != nil {
				t.Errorf("%s: %+v", jwk, faults)
			}
			continue
		}
		if s != nil || len(faults) != 1 || faults[0].Field != "jwks" || !strings.Contains(faults[0].Message, lacks+", the algorithm of the key \"a\"") {
			t.Errorf("%s: %+v", jwk, faults)
		}
	}

	// Nobody knows the keys of a fetched set before: their tokens are refused.
	fetched, faults := NewSet([]Key{{Fetched: true}}, 0, false, none)
	if faults != nil {
		t.Fatal(faults)
	}
	for alg, stage := range map[string]Stage{"ES256": StageKey, "EdDSA": ""} {
		primary := primaryFor(alg)
		primary.Kid = "k"
		raw, err := newSet(t, primary).Mint(`{}`, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = loaded(t, fetched, 0, published(t, "k", keytest.For(alg))).Verify(raw, testNow)
		wantStage(t, err, stage)
	}
}

// The module reads no private key: the companion signs with it.
func TestPrivateKeysAreNotForTheModule(t *testing.T) {
	module := gocrypto.Crypto()
	module.Private = nil
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		entry := primaryFor(alg)
		if s, faults := NewSet([]Key{entry}, 0, false, module); s != nil || len(faults) != 1 || faults[0].Field != "privateKey" {
			t.Errorf("%s: %+v", alg, faults)
		}
		entry.PrivateKey = ""
		s, faults := NewSet([]Key{entry}, 0, false, module)
		if faults != nil {
			t.Errorf("%s: %+v", alg, faults)
			continue
		}
		if raw, err := s.Mint(`{}`, ""); !s.CanSign() || err == nil {
			t.Errorf("%s: %s", alg, raw)
		}
		if s, faults := NewSet([]Key{entry}, 0, false, gocrypto.Crypto()); s != nil || len(faults) != 1 || faults[0].Field != "primary" {
			t.Errorf("%s outside of the module: %+v", alg, faults)
		}
	}
}
