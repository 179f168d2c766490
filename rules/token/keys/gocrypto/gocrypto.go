// Package gocrypto is the cryptography of Go's standard library for package keys: it
// verifies and signs with RSA and elliptic curves.
//
// The module does not link it: it would be 0.9 MB of code, which Envoy compiles at each
// start. There the proxy verifies and the companion signs.
package gocrypto

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// Crypto returns the cryptography of this package.
func Crypto() keys.Crypto {
	c := keys.Trust(Verify)
	c.Private = ParsePrivate
	return c
}

var hashes = map[string]crypto.Hash{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}

// Verify reports whether the key signed the text, as Envoy's foreign function
// verify_signature does: with RSASSA-PKCS1-v1_5, or with ECDSA on P-256, P-384 or
// P-521. Hash is sha256, sha384 or sha512; key is a SubjectPublicKeyInfo in DER.
//
// Errors: another hash, or a key that cannot be used.
func Verify(hash string, key, signature []byte, text string) (bool, error) {
	h, ok := hashes[hash]
	if !ok {
		return false, fmt.Errorf("hash_function: want sha256, sha384 or sha512, found %q", hash)
	}
	public, err := x509.ParsePKIXPublicKey(key)
	if err != nil {
		return false, fmt.Errorf("public_key: %w", err)
	}
	digest := h.New()
	digest.Write([]byte(text))
	switch k := public.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, h, digest.Sum(nil), signature) == nil, nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, digest.Sum(nil), signature), nil
	}
	return false, errors.New("public_key: want one of RSA or ECDSA")
}
