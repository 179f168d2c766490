package gocrypto

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"github.com/rulegate/rulegate/rules/token/keys"
	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidEC      = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}
	oidP256    = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	oidP384    = asn1.ObjectIdentifier{1, 3, 132, 0, 34}
	oidP521    = asn1.ObjectIdentifier{1, 3, 132, 0, 35}
)

var errDER = errors.New("not the DER that its PEM block promises")

// ParsePrivate reads the one private key of a PEM text: PKCS#8, PKCS#1 or SEC 1.
func ParsePrivate(text string) (keys.Private, error) {
	signer, err := parsePrivate(text)
	if err != nil {
		return nil, err
	}
	return newPrivate(signer)
}

func parsePrivate(text string) (crypto.Signer, error) {
	block, err := keys.OnePEM(text)
	if err != nil {
		return nil, err
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("encrypted; want it without a passphrase")
	}
	switch block.Type {
	case "PRIVATE KEY":
		return privatePKCS8(block.Bytes)
	case "RSA PRIVATE KEY":
		return privatePKCS1(block.Bytes)
	case "EC PRIVATE KEY":
		return privateSEC1(block.Bytes, nil)
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE":
		return nil, errors.New("a public key; it belongs in publicKey")
	}
	return nil, fmt.Errorf("want a PEM block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY, found %s", keys.Quote(block.Type))
}

// readAlgorithm reads an AlgorithmIdentifier: its OID, and the curve of an EC key.
func readAlgorithm(in *cryptobyte.String) (alg asn1.ObjectIdentifier, curve elliptic.Curve, err error) {
	var id cryptobyte.String
	if !in.ReadASN1(&id, tag.SEQUENCE) || !id.ReadASN1ObjectIdentifier(&alg) {
		return nil, nil, errDER
	}
	if !alg.Equal(oidEC) {
		return alg, nil, nil
	}
	curve, err = readCurve(id)
	return alg, curve, err
}

func readCurve(in cryptobyte.String) (elliptic.Curve, error) {
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1ObjectIdentifier(&oid) {
		return nil, errors.New("want an EC key on a named curve")
	}
	switch {
	case oid.Equal(oidP256):
		return elliptic.P256(), nil
	case oid.Equal(oidP384):
		return elliptic.P384(), nil
	case oid.Equal(oidP521):
		return elliptic.P521(), nil
	}
	return nil, fmt.Errorf("want an EC key on P-256, P-384 or P-521, found curve %v", oid)
}

// publicRSA checks the public half of a key as a policy's public keys are.
func publicRSA(n, e *big.Int) (*rsa.PublicKey, error) {
	key := &rsa.PublicKey{N: n, E: 1} // which keys refuses
	if e.IsInt64() && e.Sign() > 0 && e.BitLen() < 32 {
		key.E = int(e.Int64())
	}
	if n.Sign() <= 0 {
		return nil, errDER
	}
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err == nil {
		_, err = keys.ParseSPKI(spki)
	}
	return key, err
}

// privatePKCS8 reads a PrivateKeyInfo (RFC 5958).
func privatePKCS8(der []byte) (crypto.Signer, error) {
	in := cryptobyte.String(der)
	var info, octets cryptobyte.String
	var version uint
	if !in.ReadASN1(&info, tag.SEQUENCE) || !in.Empty() || !info.ReadASN1Integer(&version) || version > 1 {
		return nil, errDER
	}
	alg, curve, err := readAlgorithm(&info)
	if err != nil {
		return nil, err
	}
	if !info.ReadASN1(&octets, tag.OCTET_STRING) { // attributes may follow
		return nil, errDER
	}
	switch {
	case alg.Equal(oidRSA):
		return privatePKCS1(octets)
	case alg.Equal(oidEC):
		return privateSEC1(octets, curve)
	case alg.Equal(oidEd25519): // RFC 8410 section 7
		var seed cryptobyte.String
		if !octets.ReadASN1(&seed, tag.OCTET_STRING) || !octets.Empty() || len(seed) != ed25519.SeedSize {
			return nil, errDER
		}
		return ed25519.NewKeyFromSeed(seed), nil
	}
	return nil, fmt.Errorf("want an RSA, EC or Ed25519 key, found algorithm %v", alg)
}

// privatePKCS1 reads an RSAPrivateKey of two primes (RFC 8017 appendix A.1.2).
func privatePKCS1(der []byte) (crypto.Signer, error) {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	var version uint
	n, e, d, p, q := new(big.Int), new(big.Int), new(big.Int), new(big.Int), new(big.Int)
	if !in.ReadASN1(&seq, tag.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1Integer(&version) || version != 0 ||
		!seq.ReadASN1Integer(n) || !seq.ReadASN1Integer(e) || !seq.ReadASN1Integer(d) ||
		!seq.ReadASN1Integer(p) || !seq.ReadASN1Integer(q) { // the rest follows from these
		return nil, errDER
	}
	public, err := publicRSA(n, e)
	if err != nil {
		return nil, err
	}
	if d.Sign() <= 0 || p.Sign() <= 0 || q.Sign() <= 0 {
		return nil, errDER
	}
	key := &rsa.PrivateKey{PublicKey: *public, D: d, Primes: []*big.Int{p, q}}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, errors.New("an RSA key whose numbers do not belong together")
	}
	return key, nil
}

// privateSEC1 reads an ECPrivateKey (RFC 5915). In PKCS#8 the curve is given
// outside the key; else curve is nil, and the key must name it.
func privateSEC1(der []byte, curve elliptic.Curve) (crypto.Signer, error) {
	in := cryptobyte.String(der)
	var seq, scalar, params cryptobyte.String
	var version uint
	var named bool
	if !in.ReadASN1(&seq, tag.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1Integer(&version) || version != 1 ||
		!seq.ReadASN1(&scalar, tag.OCTET_STRING) ||
		!seq.ReadOptionalASN1(&params, &named, tag.Tag(0).Constructed().ContextSpecific()) {
		return nil, errDER
	}
	if named {
		inner, err := readCurve(params)
		if err != nil {
			return nil, err
		}
		if curve != nil && curve != inner {
			return nil, errDER
		}
		curve = inner
	}
	if curve == nil {
		return nil, errors.New("want an EC key on a named curve")
	}
	// Some programs omit leading zeros of the scalar, some write one too many.
	padded := make([]byte, (curve.Params().BitSize+7)/8)
	scalar = bytes.TrimLeft(scalar, "\x00")
	if len(scalar) > len(padded) {
		return nil, errDER
	}
	copy(padded[len(padded)-len(scalar):], scalar)
	key, err := ecdsa.ParseRawPrivateKey(curve, padded)
	if err != nil {
		return nil, errors.New("an EC key whose number is not one of its curve")
	}
	return key, nil
}
