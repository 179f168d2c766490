package keys

import (
	"crypto"
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
	hash   crypto.Hash
	bits   int // the size of ECDSA's curve, else 0
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

// IsHMAC reports whether the algorithm's key is a secret.
func (a *Algorithm) IsHMAC() bool { return a.family == familyHMAC }

// IsPSS reports whether the algorithm is RSASSA-PSS.
func (a *Algorithm) IsPSS() bool { return a.family == familyRSAPSS }

// Hash returns the hash that is signed, 0 for EdDSA, which hashes by itself.
func (a *Algorithm) Hash() crypto.Hash { return a.hash }

// Fits reports whether the algorithm can use a key.
func (a *Algorithm) Fits(p Public) bool {
	switch a.family {
	case familyHMAC:
		return p.kind == kindSecret
	case familyRSA, familyRSAPSS:
		return p.kind == kindRSA
	case familyECDSA:
		return p.kind == kindEC && p.bits == a.bits
	case familyEd25519:
		return p.kind == kindEd25519
	}
	return false
}
