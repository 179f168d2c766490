package issuer_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/issuer"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
)

// material is a key in PEM, or the secret of an HS algorithm, twice.
type material struct{ private, public string }

// oneRSA is the key of all RSA algorithms, because generating one is slow.
var oneRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newMaterial(t *testing.T, alg string) material {
	t.Helper()
	var private crypto.Signer
	var err error
	switch alg {
	case "HS256", "HS384", "HS512":
		text := rand.Text() + rand.Text() + rand.Text() // 64 bytes and more: RFC 7518, section 3.2
		return material{text, text}
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = oneRSA()
	}
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return material{pemText("PRIVATE KEY", pkcs8), pemText("PUBLIC KEY", spki)}
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// parseKey parses a key of newMaterial.
func parseKey(alg, text string) any {
	block, _ := pem.Decode([]byte(text))
	switch {
	case alg[0] == 'H':
		return []byte(text)
	case block == nil:
		return nil
	case block.Type == "PUBLIC KEY":
		key, _ := x509.ParsePKIXPublicKey(block.Bytes)
		return key
	}
	key, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
	return key
}

// ours is a set with one key that signs and verifies.
func ours(t *testing.T, alg string, m material) *token.Set {
	t.Helper()
	k := token.Key{Name: "own", Alg: alg, Kid: "k1", Primary: true}
	if alg[0] == 'H' {
		k.Secret = m.private
	} else {
		k.PublicKey, k.PrivateKey = m.public, m.private
	}
	return newSet(t, k)
}

func newSet(t *testing.T, k token.Key) *token.Set {
	t.Helper()
	set, faults := token.NewSet([]token.Key{k}, 0, false, gocrypto.Crypto())
	if len(faults) > 0 {
		t.Fatalf("%+v", faults)
	}
	return set
}

const interopClaims = `{"id":"u1","n":1.5,"of":{"a":[1,"ü\"",null,true]},"iat":1700000000,"exp":32503680000}`

// TestInterop checks each algorithm against other libraries: their tokens verify
// here, also with their key sets, and ours verify there; changed tokens do not.
func TestInterop(t *testing.T) {
	python := startPyJWT(t)
	for name, lib := range map[string]library{"go-jose": goJose{}, "PyJWT": python} {
		for _, alg := range append([]string{"HS256", "HS384", "HS512"}, issuer.Algorithms()...) {
			t.Run(name+"/"+alg, func(t *testing.T) {
				m := newMaterial(t, alg)
				theirsHere(t, lib, alg, m)
				oursThere(t, lib, alg, m)
				theirSet(t, lib, alg, m)
			})
		}
	}
	t.Run("the issuer's set in PyJWT", func(t *testing.T) { issuersSet(t, python) })
}

func theirsHere(t *testing.T, lib library, alg string, m material) {
	set := ours(t, alg, m)
	for _, kid := range []string{"", "k1"} {
		raw, err := lib.sign(alg, m.private, interopClaims, kid)
		if err != nil {
			t.Fatalf("not signed: %v", err)
		}
		c, err := set.Verify(raw, time.Now())
		if err != nil {
			t.Fatalf("theirs with kid %q is refused here: %v", kid, err)
		}
		sameJSON(t, c.JSON, interopClaims)
		if _, err := set.Verify(changed(raw), time.Now()); err == nil {
			t.Error("theirs, changed, verifies here")
		}
	}
	raw, err := lib.sign(alg, m.private, interopClaims, "k2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Verify(raw, time.Now()); err == nil {
		t.Error("theirs of another kid verifies here")
	}
}

func oursThere(t *testing.T, lib library, alg string, m material) {
	raw, err := ours(t, alg, m).Mint(interopClaims, "")
	if err != nil {
		t.Fatal(err)
	}
	claims, err := lib.verify(alg, m.public, raw)
	if err != nil {
		t.Fatalf("ours is refused there: %v", err)
	}
	sameJSON(t, claims, interopClaims)
	if _, err := lib.verify(alg, m.public, changed(raw)); err == nil {
		t.Error("ours, changed, verifies there")
	}
}

func theirSet(t *testing.T, lib library, alg string, m material) {
	jwk, err := lib.jwk(alg, m.public, "k1")
	if err != nil {
		t.Fatal(err)
	}
	set := newSet(t, token.Key{JWKS: `{"keys":[` + jwk + `]}`})
	raw, err := lib.sign(alg, m.private, interopClaims, "k1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Verify(raw, time.Now()); err != nil {
		t.Errorf("not verified by their set: %v\n%s", err, jwk)
	}
	if _, err := set.Verify(changed(raw), time.Now()); err == nil {
		t.Error("changed, it is verified by their set")
	}
}

// issuersSet checks that PyJWT reads the set that `rulegate jwks` serves.
func issuersSet(t *testing.T, python *pyJWT) {
	s, err := issuer.New(issuer.Config{Algs: issuer.Algorithms(), Overlap: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		if round > 0 {
			if err := s.Rotate(); err != nil {
				t.Fatal(err)
			}
		}
		for _, alg := range issuer.Algorithms() {
			raw, err := s.Mint(interopClaims, alg)
			if err != nil {
				t.Fatal(err)
			}
			set, err := s.JWKS()
			if err != nil {
				t.Fatal(err)
			}
			claims, err := python.bySet(string(set), raw)
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			sameJSON(t, claims, interopClaims)
		}
	}
}

// changed returns the token with another claim and the same signature.
func changed(raw string) string {
	parts := strings.Split(raw, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), `"u1"`, `"u2"`, 1)))
	return strings.Join(parts, ".")
}

func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got %s, want %s", got, want)
	}
}
