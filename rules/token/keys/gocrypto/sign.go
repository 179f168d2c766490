package gocrypto

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// private is a private key, and the public half of it.
type private struct {
	signer crypto.Signer // *rsa.PrivateKey, *ecdsa.PrivateKey or ed25519.PrivateKey
	public keys.Public
}

func newPrivate(signer crypto.Signer) (keys.Private, error) {
	spki, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return nil, err
	}
	public, err := keys.ParseSPKI(spki)
	if err != nil {
		return nil, err
	}
	return &private{signer, public}, nil
}

func (p *private) Public() keys.Public { return p.public }

func (p *private) Sign(a *keys.Algorithm, text string) ([]byte, error) {
	if !a.Fits(p.public) {
		return nil, errors.New("the key cannot sign " + a.Name)
	}
	h := a.Hash()
	switch key := p.signer.(type) {
	case *rsa.PrivateKey:
		if a.IsPSS() {
			return rsa.SignPSS(rand.Reader, key, h, digest(h, text), pssOptions(h))
		}
		return rsa.SignPKCS1v15(rand.Reader, key, h, digest(h, text))
	case *ecdsa.PrivateKey:
		return signECDSA(h, key, text)
	case ed25519.PrivateKey:
		return ed25519.Sign(key, []byte(text)), nil
	}
	return nil, errors.New("the key cannot sign")
}

// signECDSA returns R || S, each of the curve's size (RFC 7518, section 3.4).
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
