package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/token/keys/keytest"
)

const testSecret = "a secret of the tests, 32 bytes!"

var testNow = time.Unix(1_700_000_000, 0)

// primaryFor returns an entry that signs with the algorithm.
func primaryFor(alg string) Key {
	if strings.HasPrefix(alg, "HS") {
		return Key{Name: "own", Alg: alg, Secret: testSecret, Primary: true}
	}
	p := keytest.For(alg)
	return Key{Name: "own", Alg: alg, PublicKey: p.PublicPEM, PrivateKey: p.PKCS8, Primary: true}
}

func newSet(t testing.TB, keys ...Key) *Set {
	t.Helper()
	s, faults := NewSet(keys, 0, false, gocrypto.Crypto())
	if len(faults) > 0 {
		t.Fatalf("NewSet: %+v", faults)
	}
	return s
}

func hsSet(t testing.TB) *Set {
	t.Helper()
	return newSet(t, Key{Name: "own", Alg: "HS256", Secret: testSecret})
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge signs any two texts, JSON or not, with HS256 and testSecret.
func forge(header, payload string) string { return forgeWith(testSecret, header, payload) }

func forgeWith(secret, header, payload string) string {
	signed := b64(header) + "." + b64(payload)
	return signed + "." + hs256(secret, signed)
}

func hs256(secret, signed string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return b64(string(mac.Sum(nil)))
}

const hsHeader = `{"alg":"HS256"}`

// wantStage fails the test unless the error is an *Error of the stage; "" wants
// no error.
func wantStage(t *testing.T, err error, stage Stage) {
	t.Helper()
	if stage == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("got error %v, want an *Error of stage %s", err, stage)
	} else if e.Stage != stage || e.Message == "" {
		t.Errorf("got %q, want stage %s", e, stage)
	}
}
