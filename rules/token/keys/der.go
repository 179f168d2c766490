package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

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

// publicSPKI reads a SubjectPublicKeyInfo (RFC 5280 section 4.1).
func publicSPKI(der []byte) (any, error) {
	in := cryptobyte.String(der)
	var spki cryptobyte.String
	if !in.ReadASN1(&spki, tag.SEQUENCE) || !in.Empty() {
		return nil, errDER
	}
	alg, curve, err := readAlgorithm(&spki)
	if err != nil {
		return nil, err
	}
	var bits []byte
	if !spki.ReadASN1BitStringAsBytes(&bits) || !spki.Empty() {
		return nil, errDER
	}
	switch {
	case alg.Equal(oidRSA):
		return publicPKCS1(bits)
	case alg.Equal(oidEC):
		return publicPoint(curve, bits)
	case alg.Equal(oidEd25519):
		return publicEd25519(bits)
	}
	return nil, fmt.Errorf("want an RSA, EC or Ed25519 key, found algorithm %v", alg)
}

// readAlgorithm reads an AlgorithmIdentifier: its OID, and the size of the
// curve of an EC key.
func readAlgorithm(in *cryptobyte.String) (alg asn1.ObjectIdentifier, curve int, err error) {
	var id cryptobyte.String
	if !in.ReadASN1(&id, tag.SEQUENCE) || !id.ReadASN1ObjectIdentifier(&alg) {
		return nil, 0, errDER
	}
	if !alg.Equal(oidEC) {
		return alg, 0, nil
	}
	curve, err = readCurve(id)
	return alg, curve, err
}

func readCurve(in cryptobyte.String) (int, error) {
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1ObjectIdentifier(&oid) {
		return 0, errors.New("want an EC key on a named curve")
	}
	switch {
	case oid.Equal(oidP256):
		return 256, nil
	case oid.Equal(oidP384):
		return 384, nil
	case oid.Equal(oidP521):
		return 521, nil
	}
	return 0, fmt.Errorf("want an EC key on P-256, P-384 or P-521, found curve %v", oid)
}

// publicPKCS1 reads an RSAPublicKey (RFC 8017 appendix A.1.1).
func publicPKCS1(der []byte) (any, error) {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	n, e := new(big.Int), new(big.Int)
	if !in.ReadASN1(&seq, tag.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1Integer(n) || !seq.ReadASN1Integer(e) || !seq.Empty() {
		return nil, errDER
	}
	return publicRSA(n, e)
}

// publicCertificate reads the key of an X.509 certificate. It ignores the issuer
// and the validity: they do not say who may sign tokens.
func publicCertificate(der []byte) (any, error) {
	in := cryptobyte.String(der)
	var cert, tbs, spki cryptobyte.String
	if !in.ReadASN1(&cert, tag.SEQUENCE) || !in.Empty() || !cert.ReadASN1(&tbs, tag.SEQUENCE) ||
		!tbs.SkipOptionalASN1(tag.Tag(0).Constructed().ContextSpecific()) || // version
		!tbs.SkipASN1(tag.INTEGER) || // serial number
		!tbs.SkipASN1(tag.SEQUENCE) || // signature algorithm
		!tbs.SkipASN1(tag.SEQUENCE) || // issuer
		!tbs.SkipASN1(tag.SEQUENCE) || // validity
		!tbs.SkipASN1(tag.SEQUENCE) || // subject
		!tbs.ReadASN1Element(&spki, tag.SEQUENCE) {
		return nil, errDER
	}
	return publicSPKI(spki)
}

// privatePKCS8 reads a PrivateKeyInfo (RFC 5958).
func privatePKCS8(der []byte) (any, error) {
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
		return privateSEC1(octets, &curve)
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
func privatePKCS1(der []byte) (any, error) {
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
func privateSEC1(der []byte, curve *int) (any, error) {
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
	bits := 0
	if named {
		var err error
		if bits, err = readCurve(params); err != nil {
			return nil, err
		}
	}
	switch {
	case curve == nil && !named:
		return nil, errors.New("want an EC key on a named curve")
	case curve == nil:
	case named && bits != *curve:
		return nil, errDER
	default:
		bits = *curve
	}
	// Some programs omit leading zeros of the scalar, some write one too many.
	padded := make([]byte, (bits+7)/8)
	scalar = bytes.TrimLeft(scalar, "\x00")
	if len(scalar) > len(padded) {
		return nil, errDER
	}
	copy(padded[len(padded)-len(scalar):], scalar)
	key, err := ecdsa.ParseRawPrivateKey(curveOf(bits), padded)
	if err != nil {
		return nil, errors.New("an EC key whose number is not one of its curve")
	}
	return key, nil
}
