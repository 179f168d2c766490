package keys

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math"
	"math/bits"

	"github.com/rulegate/rulegate/rules/lightfmt"
)

type kind uint8

const (
	kindSecret kind = iota + 1
	kindRSA
	kindEC
	kindEd25519
)

// Public is a key that verifies signatures: a public key, or the secret of an HMAC. The
// kind keeps the bytes of a public key from being taken for a secret. The zero Public
// verifies nothing.
type Public struct {
	kind     kind
	bits     int    // of the modulus, or of the curve's field
	bytes    []byte // the secret, the modulus of RSA, or the key of Ed25519
	exponent uint32 // of RSA
	spki     []byte // SubjectPublicKeyInfo in DER; nil for a secret
	mac      *mac   // of a secret
}

// Secret returns the key of an HMAC.
func Secret(text string) Public { return Public{kind: kindSecret, bytes: []byte(text), mac: new(mac)} }

// IsZero reports whether there is no key.
func (p Public) IsZero() bool { return p.kind == 0 }

// SecretText returns the secret of an HMAC, "" for another key.
func (p Public) SecretText() string {
	if p.kind != kindSecret {
		return ""
	}
	return string(p.bytes)
}

// Equal reports whether two public keys, or two secrets, are equal.
func (p Public) Equal(q Public) bool {
	if p.kind != q.kind || p.kind == 0 {
		return false
	}
	return bytes.Equal(p.spki, q.spki) && bytes.Equal(p.bytes, q.bytes)
}

// SPKI returns the SubjectPublicKeyInfo (RFC 5280, section 4.1) of a public key in
// DER, nil for a secret. It must not be changed.
func (p Public) SPKI() []byte { return p.spki }

// String names the kind of the key for a message.
func (p Public) String() string {
	switch p.kind {
	case kindSecret:
		return "a secret"
	case kindRSA:
		return "an RSA key"
	case kindEC:
		return "a key on " + curveName(p.bits)
	case kindEd25519:
		return "an Ed25519 key"
	}
	return "no key"
}

// Sizes of RSA keys in bits. RFC 7518 section 3.3 forbids keys under 2048. Over
// 8192, one verification takes so long that a few tokens stall a worker.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

var errExponent = errors.New("an RSA key whose exponent is not an odd number from 3 to 2^31-1")

// publicRSA makes a key of a modulus and an exponent, big-endian.
func publicRSA(n, e []byte) (Public, error) {
	n, e = bytes.TrimLeft(n, "\x00"), bytes.TrimLeft(e, "\x00")
	size := 0
	if len(n) > 0 {
		size = 8*(len(n)-1) + bits.Len8(n[0])
	}
	exponent := uint32(0)
	for _, b := range e {
		exponent = exponent<<8 | uint32(b)
	}
	switch {
	case size == 0 || n[len(n)-1]&1 == 0:
		return Public{}, errors.New("an RSA key whose modulus is no product of primes")
	case size < minRSABits || size > maxRSABits:
		return Public{}, lightfmt.Errorf("an RSA key of %d bits; want %d to %d", size, minRSABits, maxRSABits)
	case len(e) > 4 || exponent > math.MaxInt32 || exponent&1 == 0 || exponent < 3:
		return Public{}, errExponent
	}
	p := Public{kind: kindRSA, bits: size, bytes: bytes.Clone(n), exponent: exponent}
	p.spki = spki(oidRSA, derNull, tlv(tagSequence, derInteger(n), derInteger(e)))
	return p, nil
}

// publicPoint reads an uncompressed point (SEC 1 section 2.3.4) and refuses
// one that is not on the curve.
func publicPoint(size int, point []byte) (Public, error) {
	c := curveOf(size)
	if c == nil {
		return Public{}, errors.New("want an EC key on P-256, P-384 or P-521")
	}
	if !c.has(point) {
		return Public{}, errors.New("an EC key that is no uncompressed point on " + curveName(size))
	}
	return Public{kind: kindEC, bits: size, spki: spki(oidEC, tlv(tagOID, []byte(c.oid)), point)}, nil
}

func publicEd25519(b []byte) (Public, error) {
	if len(b) != ed25519.PublicKeySize {
		return Public{}, lightfmt.Errorf("an Ed25519 key of %d bytes; want %d", len(b), ed25519.PublicKeySize)
	}
	return Public{kind: kindEd25519, bytes: bytes.Clone(b), spki: spki(oidEd25519, nil, b)}, nil
}
