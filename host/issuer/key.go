package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Algorithms returns the algorithms of an issuer: those with a public key, which
// the set can show.
func Algorithms() []string {
	return []string{"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"}
}

// key is a key that signs, or was replaced.
type key struct {
	jwk    jose.JSONWebKey // the public half
	signer jose.Signer
	// until is when a replaced key leaves the set; zero while it signs.
	until time.Time
}

// newKey makes a key. Its id is its thumbprint (RFC 7638), so two keys have two
// ids.
func newKey(alg string) (*key, error) {
	private, err := generate(alg)
	if err != nil {
		return nil, err
	}
	jwk := jose.JSONWebKey{Key: private.Public(), Algorithm: alg, Use: "sig"}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: private, KeyID: jwk.KeyID}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, err
	}
	return &key{jwk: jwk, signer: signer}, nil
}

func generate(alg string) (crypto.Signer, error) {
	switch alg {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("algorithm %q: want %s", alg, strings.Join(Algorithms(), ", "))
}

func (k *key) sign(claims string) (string, error) {
	signed, err := k.signer.Sign([]byte(claims))
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
