package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

// Sizes of RSA keys in bits. RFC 7518 section 3.3 forbids keys under 2048. Over
// 8192, one verification takes so long that a few tokens stall a worker.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

var errExponent = errors.New("an RSA key whose exponent is not an odd number from 3 to 2^31-1")

func publicRSA(n, e *big.Int) (*rsa.PublicKey, error) {
	switch {
	case n.Sign() <= 0 || n.Bit(0) == 0:
		return nil, errors.New("an RSA key whose modulus is no product of primes")
	case n.BitLen() < minRSABits || n.BitLen() > maxRSABits:
		return nil, fmt.Errorf("an RSA key of %d bits; want %d to %d", n.BitLen(), minRSABits, maxRSABits)
	case e.Sign() <= 0 || e.BitLen() > 31 || e.Bit(0) == 0 || e.Int64() < 3:
		return nil, errExponent
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

// publicPoint reads an uncompressed point (SEC 1 section 2.3.4) and refuses
// one that is not on the curve.
func publicPoint(bits int, point []byte) (*ecdsa.PublicKey, error) {
	curve := curveOf(bits)
	if curve == nil {
		return nil, errors.New("want an EC key on P-256, P-384 or P-521")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, fmt.Errorf("an EC key that is no uncompressed point on %s", curve.Params().Name)
	}
	return key, nil
}

func publicEd25519(b []byte) (ed25519.PublicKey, error) {
	if len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("an Ed25519 key of %d bytes; want %d", len(b), ed25519.PublicKeySize)
	}
	return ed25519.PublicKey(b), nil
}

// PublicOf returns the public half of a private key, and a Secret itself.
func PublicOf(private any) any {
	switch key := private.(type) {
	case Secret:
		return key
	case *rsa.PrivateKey:
		return &key.PublicKey
	case *ecdsa.PrivateKey:
		return &key.PublicKey
	case ed25519.PrivateKey:
		return ed25519.PublicKey(key[ed25519.SeedSize:])
	}
	return nil
}

// SamePublic reports whether two public keys, or two secrets, are equal.
func SamePublic(a, b any) bool {
	switch a := a.(type) {
	case Secret:
		b, ok := b.(Secret)
		return ok && bytes.Equal(a, b)
	case *rsa.PublicKey:
		b, ok := b.(*rsa.PublicKey)
		return ok && a.Equal(b)
	case *ecdsa.PublicKey:
		b, ok := b.(*ecdsa.PublicKey)
		return ok && a.Equal(b)
	case ed25519.PublicKey:
		b, ok := b.(ed25519.PublicKey)
		return ok && a.Equal(b)
	}
	return false
}
