package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // links SHA-256 into crypto.Hash
	_ "crypto/sha512" // and SHA-384, SHA-512
)

type family uint8

const (
	familyHMAC    family = iota + 1
	familyRSA            // RSASSA-PKCS1-v1_5
	familyRSAPSS         // RSASSA-PSS, MGF1 and salt of the same hash
	familyECDSA          // R || S, each of the curve's size
	familyEd25519        // EdDSA on Ed25519
)

// algorithm is a row of RFC 7518 section 3.1, or RFC 8037's EdDSA.
type algorithm struct {
	name   string
	family family
	hash   crypto.Hash // 0 for EdDSA, which hashes by itself
	bits   int         // ECDSA: the size of its one curve, else 0
}

// algorithms is all there is: what is not listed, `none` above all, has no way
// to be accepted.
var algorithms = [...]algorithm{
	{"HS256", familyHMAC, crypto.SHA256, 0},
	{"HS384", familyHMAC, crypto.SHA384, 0},
	{"HS512", familyHMAC, crypto.SHA512, 0},
	{"RS256", familyRSA, crypto.SHA256, 0},
	{"RS384", familyRSA, crypto.SHA384, 0},
	{"RS512", familyRSA, crypto.SHA512, 0},
	{"PS256", familyRSAPSS, crypto.SHA256, 0},
	{"PS384", familyRSAPSS, crypto.SHA384, 0},
	{"PS512", familyRSAPSS, crypto.SHA512, 0},
	{"ES256", familyECDSA, crypto.SHA256, 256},
	{"ES384", familyECDSA, crypto.SHA384, 384},
	{"ES512", familyECDSA, crypto.SHA512, 521},
	{"EdDSA", familyEd25519, 0, 0},
}

const algorithmNames = "HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA"

// findAlgorithm gives nil for a name that is not listed. Names are compared
// letter for letter, as RFC 7515 section 4.1.1 asks.
func findAlgorithm(name string) *algorithm {
	for i := range algorithms {
		if algorithms[i].name == name {
			return &algorithms[i]
		}
	}
	return nil
}

// secret is the key of an HMAC; as a type of its own it never passes for the
// bytes of a public key.
type secret []byte

// fits reports whether a key, public or private, can be one of the algorithm.
func (a *algorithm) fits(material any) bool {
	switch m := material.(type) {
	case secret:
		return a.family == familyHMAC
	case *rsa.PublicKey, *rsa.PrivateKey:
		return a.family == familyRSA || a.family == familyRSAPSS
	case *ecdsa.PublicKey:
		return a.family == familyECDSA && a.bits == m.Curve.Params().BitSize
	case *ecdsa.PrivateKey:
		return a.family == familyECDSA && a.bits == m.Curve.Params().BitSize
	case ed25519.PublicKey, ed25519.PrivateKey:
		return a.family == familyEd25519
	}
	return false
}

// describe names a key's kind for a fault.
func describe(material any) string {
	switch m := material.(type) {
	case secret:
		return "a secret"
	case *rsa.PublicKey, *rsa.PrivateKey:
		return "an RSA key"
	case *ecdsa.PublicKey:
		return "a key on " + m.Curve.Params().Name
	case *ecdsa.PrivateKey:
		return "a key on " + m.Curve.Params().Name
	case ed25519.PublicKey, ed25519.PrivateKey:
		return "an Ed25519 key"
	}
	return "no key"
}

// curveOf gives nil for a size that no algorithm uses.
func curveOf(bits int) elliptic.Curve {
	switch bits {
	case 256:
		return elliptic.P256()
	case 384:
		return elliptic.P384()
	case 521:
		return elliptic.P521()
	}
	return nil
}
