package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

const testSecret = "a secret of the tests, 32 bytes!"

var testNow = time.Unix(1_700_000_000, 0)

// pair is a key made for the tests, as a policy would hold it.
type pair struct {
	private                 crypto.Signer
	publicPEM, privatePKCS8 string
}

func newPair(private crypto.Signer, err error) pair {
	if err != nil {
		panic(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		panic(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return pair{private, pemText("PUBLIC KEY", spki), pemText("PRIVATE KEY", pkcs8)}
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

var (
	rsaPair   = sync.OnceValue(func() pair { return newPair(rsa.GenerateKey(rand.Reader, 2048)) })
	otherRSA  = sync.OnceValue(func() pair { return newPair(rsa.GenerateKey(rand.Reader, 2048)) })
	weakRSA   = sync.OnceValue(func() pair { return newPair(rsa.GenerateKey(rand.Reader, 1024)) })
	p256Pair  = sync.OnceValue(func() pair { return newPair(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384Pair  = sync.OnceValue(func() pair { return newPair(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521Pair  = sync.OnceValue(func() pair { return newPair(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	p224Pair  = sync.OnceValue(func() pair { return newPair(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)) })
	ed25519er = sync.OnceValue(func() pair {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return newPair(private, err)
	})
)

// pairFor gives the key of an asymmetric algorithm.
func pairFor(alg string) pair {
	switch alg {
	case "ES256":
		return p256Pair()
	case "ES384":
		return p384Pair()
	case "ES512":
		return p521Pair()
	case "EdDSA":
		return ed25519er()
	}
	return rsaPair()
}

// primaryFor gives an entry that can sign with the algorithm.
func primaryFor(alg string) Key {
	if strings.HasPrefix(alg, "HS") {
		return Key{Name: "own", Alg: alg, Secret: testSecret, Primary: true}
	}
	p := pairFor(alg)
	return Key{Name: "own", Alg: alg, PublicKey: p.publicPEM, PrivateKey: p.privatePKCS8, Primary: true}
}

func newSet(t testing.TB, keys ...Key) *Set {
	t.Helper()
	s, faults := NewSet(keys, 0, false)
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
func wantStage(t *testing.T, err error, stage string) {
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
