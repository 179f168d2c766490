package keys

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
)

// VerifyFunc verifies a signature by RSASSA-PKCS1-v1_5 or ECDSA. Hash is "sha256",
// "sha384" or "sha512"; key is a SubjectPublicKeyInfo in DER; signature is in the form
// of PKCS #1 v1.5 or, for ECDSA, an Ecdsa-Sig-Value in DER (RFC 3279, section 2.2.3).
// An error means that it could not be verified.
type VerifyFunc func(hash string, key, signature []byte, text string) (bool, error)

// Private is a private key.
type Private interface {
	Public() Public
	// Sign signs a text with an algorithm that fits Public.
	Sign(a *Algorithm, text string) ([]byte, error)
}

// Crypto is the cryptography with RSA and elliptic curves that this package does not
// have: that of the proxy for the module, that of package gocrypto for all other
// programs. The zero Crypto verifies and signs by HMAC, and verifies by RSASSA-PSS and
// EdDSA.
type Crypto struct {
	// Private reads a private key from PEM. Nil: private keys are not accepted.
	Private func(text string) (Private, error)

	verify VerifyFunc
	algs   []*Algorithm // that verify is known to verify
}

// Probe tests verify with a valid and an invalid signature for each algorithm. The
// Crypto has the algorithms where it accepted the first and refused the second: in a
// proxy, a function of that name may do something else.
func Probe(verify VerifyFunc) Crypto {
	c := Crypto{verify: verify}
	for _, k := range known {
		key, err1 := base64.StdEncoding.DecodeString(k.key)
		signature, err2 := base64.StdEncoding.DecodeString(k.signature)
		if err1 != nil || err2 != nil {
			continue
		}
		a := Find(k.alg)
		right, err1 := verify(a.hashName(), key, signature, knownText)
		wrong, err2 := verify(a.hashName(), key, signature, knownText+".")
		if err1 == nil && err2 == nil && right && !wrong {
			c.algs = append(c.algs, a)
		}
	}
	return c
}

// Trust returns the cryptography of a function of this program that verifies each
// algorithm, as tests show. Probe takes too long for a program that starts often: a second
// in the page of the console.
func Trust(verify VerifyFunc) Crypto {
	c := Crypto{verify: verify}
	for i := range algorithms {
		if a := &algorithms[i]; a.family == familyRSA || a.family == familyECDSA {
			c.algs = append(c.algs, a)
		}
	}
	return c
}

// Tested lists the algorithms that the function verifies.
func (c Crypto) Tested() (names []string) {
	for _, a := range c.algs {
		names = append(names, a.Name)
	}
	return names
}

// Supports reports whether signatures of the algorithm can be verified.
func (c Crypto) Supports(a *Algorithm) bool {
	if a.family != familyRSA && a.family != familyECDSA {
		return true
	}
	for _, tested := range c.algs {
		if tested == a {
			return true
		}
	}
	return false
}

// Lacks returns an algorithm that the key verifies and Crypto does not support, nil if
// there is none.
func (c Crypto) Lacks(k *Key) *Algorithm {
	for i := range algorithms {
		if a := &algorithms[i]; k.Verifies(a) && !c.Supports(a) {
			return a
		}
	}
	return nil
}

// Verify reports whether the key signed the text with the algorithm. It returns false
// for a key that the algorithm cannot use, and for an algorithm that is not supported.
func (c Crypto) Verify(a *Algorithm, key Public, text string, sig []byte) bool {
	if !a.Fits(key) || !c.Supports(a) {
		return false
	}
	switch a.family {
	case familyHMAC:
		return key.mac.verify(a, key.bytes, text, sig)
	case familyRSAPSS:
		return verifyPSS(a.hash, key, text, sig)
	case familyEd25519:
		return ed25519.Verify(key.bytes, []byte(text), sig)
	case familyECDSA:
		size := (key.bits + 7) / 8
		if len(sig) != 2*size {
			return false
		}
		sig = ecdsaDER(sig[:size], sig[size:])
	}
	ok, err := c.verify(a.hashName(), key.spki, sig, text)
	return ok && err == nil
}

// ecdsaDER writes the r and s of a JWS (RFC 7518, section 3.4) as the
// Ecdsa-Sig-Value that other protocols use.
func ecdsaDER(r, s []byte) []byte {
	out := make([]byte, 0, 9+len(r)+len(s)) // three tags, their lengths, and a zero before r and s
	size := integerSize(r) + integerSize(s)
	return appendInteger(appendInteger(appendTag(out, tagSequence, size), r), s)
}

// hashName returns the name of the algorithm's hash for a VerifyFunc.
func (a *Algorithm) hashName() string {
	switch a.hash {
	case crypto.SHA256:
		return "sha256"
	case crypto.SHA384:
		return "sha384"
	}
	return "sha512"
}

func digest(h crypto.Hash, text string) []byte {
	d := h.New()
	d.Write([]byte(text))
	return d.Sum(nil)
}
