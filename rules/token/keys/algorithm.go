package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // links SHA-256 into crypto.Hash
	_ "crypto/sha512" // and SHA-384, SHA-512
	"strings"
)

type family uint8

const (
	familyHMAC    family = iota + 1
	familyRSA            // RSASSA-PKCS1-v1_5
	familyRSAPSS         // RSASSA-PSS, MGF1 and salt of the same hash
	familyECDSA          // R || S, each of the curve's size
	familyEd25519        // EdDSA on Ed25519
)

// Algorithm is a row of RFC 7518 section 3.1, or RFC 8037's EdDSA. There is one
// Algorithm for each row, so pointers can be compared.
type Algorithm struct {
	Name   string
	family family
	hash   crypto.Hash // 0 for EdDSA, which hashes by itself
	bits   int         // the size of ECDSA's curve, else 0
}

// algorithms are all that a token may use: an algorithm that is not listed,
// `none` above all, cannot be accepted.
var algorithms = [...]Algorithm{
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

// Names returns the names of all algorithms, in the order of RFC 7518.
func Names() []string {
	names := make([]string, len(algorithms))
	for i := range algorithms {
		names[i] = algorithms[i].Name
	}
	return names
}

// WantNames returns the names for a message: "HS256, … or EdDSA".
func WantNames() string {
	names := Names()
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// Ed25519 is the other name of EdDSA (RFC 9864, section 2.2).
const Ed25519 = "Ed25519"

// Find returns the algorithm of a name, nil when it is not listed. Names are
// compared letter for letter (RFC 7515 section 4.1.1).
func Find(name string) *Algorithm {
	if name == Ed25519 {
		name = "EdDSA"
	}
	for i := range algorithms {
		if algorithms[i].Name == name {
			return &algorithms[i]
		}
	}
	return nil
}

// Secret is the key of an HMAC. It is a type of its own, so that the bytes of a
// public key are never taken for one.
type Secret []byte

// IsHMAC reports whether the algorithm's key is a Secret.
func (a *Algorithm) IsHMAC() bool { return a.family == familyHMAC }

// Fits reports whether the algorithm can use a key, public or private.
func (a *Algorithm) Fits(key any) bool {
	switch k := key.(type) {
	case Secret:
		return a.family == familyHMAC
	case *rsa.PublicKey, *rsa.PrivateKey:
		return a.family == familyRSA || a.family == familyRSAPSS
	case *ecdsa.PublicKey:
		return a.family == familyECDSA && a.bits == k.Curve.Params().BitSize
	case *ecdsa.PrivateKey:
		return a.family == familyECDSA && a.bits == k.Curve.Params().BitSize
	case ed25519.PublicKey, ed25519.PrivateKey:
		return a.family == familyEd25519
	}
	return false
}

// Describe names the kind of a key for a message.
func Describe(key any) string {
	switch k := key.(type) {
	case Secret:
		return "a secret"
	case *rsa.PublicKey, *rsa.PrivateKey:
		return "an RSA key"
	case *ecdsa.PublicKey:
		return "a key on " + k.Curve.Params().Name
	case *ecdsa.PrivateKey:
		return "a key on " + k.Curve.Params().Name
	case ed25519.PublicKey, ed25519.PrivateKey:
		return "an Ed25519 key"
	}
	return "no key"
}

// curveOf returns the curve of a size in bits, nil when no algorithm uses it.
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
