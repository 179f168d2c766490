// Package keytest makes keys for tests, in the forms in which a policy has them.
package keytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"sync"
)

// Pair is a key pair.
type Pair struct {
	Private   crypto.Signer
	PublicPEM string // SubjectPublicKeyInfo
	PKCS8     string // PEM of the private key
}

// New returns the pair of a private key that was just generated. It panics when
// that failed.
func New(private crypto.Signer, err error) Pair {
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
	return Pair{private, PEM("PUBLIC KEY", spki), PEM("PRIVATE KEY", pkcs8)}
}

// PEM returns a PEM text of one block.
func PEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// The pairs of a test run. Each is made at its first use.
var (
	RSA      = sync.OnceValue(func() Pair { return New(rsa.GenerateKey(rand.Reader, 2048)) })
	OtherRSA = sync.OnceValue(func() Pair { return New(rsa.GenerateKey(rand.Reader, 2048)) })
	WeakRSA  = sync.OnceValue(func() Pair { return New(rsa.GenerateKey(rand.Reader, 1024)) })
	P256     = sync.OnceValue(func() Pair { return New(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	P384     = sync.OnceValue(func() Pair { return New(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	P521     = sync.OnceValue(func() Pair { return New(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	P224     = sync.OnceValue(func() Pair { return New(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)) })
	Ed25519  = sync.OnceValue(func() Pair {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return New(private, err)
	})
)

// For returns a pair for an asymmetric algorithm.
func For(alg string) Pair {
	switch alg {
	case "ES256":
		return P256()
	case "ES384":
		return P384()
	case "ES512":
		return P521()
	case "EdDSA":
		return Ed25519()
	}
	return RSA()
}
