package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"hash"
	"math/big"
)

// Verify reports whether the key signed the text. It returns false for a key that
// the algorithm cannot use.
func Verify(a *Algorithm, public any, text string, sig []byte) bool {
	if !a.Fits(public) {
		return false
	}
	switch key := public.(type) {
	case Secret:
		return verifyHMAC(a.hash, key, text, sig)
	case *rsa.PublicKey:
		if a.family == familyRSAPSS {
			return verifyRSAPSS(a.hash, key, text, sig)
		}
		return verifyRSA(a.hash, key, text, sig)
	case *ecdsa.PublicKey:
		return verifyECDSA(a.hash, key, text, sig)
	case ed25519.PublicKey:
		return ed25519.Verify(key, []byte(text), sig)
	}
	return false
}

func verifyHMAC(h crypto.Hash, key Secret, text string, sig []byte) bool {
	return hmac.Equal(sig, signHMAC(h, key, text))
}

func verifyRSA(h crypto.Hash, key *rsa.PublicKey, text string, sig []byte) bool {
	return rsa.VerifyPKCS1v15(key, h, digest(h, text), sig) == nil
}

func verifyRSAPSS(h crypto.Hash, key *rsa.PublicKey, text string, sig []byte) bool {
	return rsa.VerifyPSS(key, h, digest(h, text), sig, pssOptions(h)) == nil
}

func verifyECDSA(h crypto.Hash, key *ecdsa.PublicKey, text string, sig []byte) bool {
	size := (key.Curve.Params().BitSize + 7) / 8
	if len(sig) != 2*size {
		return false
	}
	r := new(big.Int).SetBytes(sig[:size])
	s := new(big.Int).SetBytes(sig[size:])
	return ecdsa.Verify(key, digest(h, text), r, s)
}

// Sign signs the text with a private key.
func Sign(a *Algorithm, private any, text string) ([]byte, error) {
	if !a.Fits(private) {
		return nil, errors.New("the key cannot sign " + a.Name)
	}
	switch key := private.(type) {
	case Secret:
		return signHMAC(a.hash, key, text), nil
	case *rsa.PrivateKey:
		if a.family == familyRSAPSS {
			return rsa.SignPSS(rand.Reader, key, a.hash, digest(a.hash, text), pssOptions(a.hash))
		}
		return rsa.SignPKCS1v15(rand.Reader, key, a.hash, digest(a.hash, text))
	case *ecdsa.PrivateKey:
		return signECDSA(a.hash, key, text)
	case ed25519.PrivateKey:
		return ed25519.Sign(key, []byte(text)), nil
	}
	return nil, errors.New("the key cannot sign")
}

func signHMAC(h crypto.Hash, key Secret, text string) []byte {
	mac := hmac.New(func() hash.Hash { return h.New() }, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func signECDSA(h crypto.Hash, key *ecdsa.PrivateKey, text string) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, key, digest(h, text))
	if err != nil {
		return nil, err
	}
	size := (key.Curve.Params().BitSize + 7) / 8
	sig := make([]byte, 2*size)
	r.FillBytes(sig[:size])
	s.FillBytes(sig[size:])
	return sig, nil
}

// pssOptions sets the length of the salt to that of the hash (RFC 7518 section
// 3.5).
func pssOptions(h crypto.Hash) *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
}

func digest(h crypto.Hash, text string) []byte {
	d := h.New()
	d.Write([]byte(text))
	return d.Sum(nil)
}
