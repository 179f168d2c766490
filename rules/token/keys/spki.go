package keys

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
)

// ParseSPKI reads a SubjectPublicKeyInfo (RFC 5280 section 4.1).
func ParseSPKI(b []byte) (Public, error) {
	info, ok := der(b).only(tagSequence)
	if !ok {
		return Public{}, errDER
	}
	id, ok1 := info.read(tagSequence)
	algorithm, ok2 := id.read(tagOID)
	if !ok1 || !ok2 || len(algorithm) == 0 {
		return Public{}, errDER
	}
	bits := 0
	if string(algorithm) == oidEC {
		var err error
		if bits, err = readCurve(id); err != nil {
			return Public{}, err
		}
	}
	key, ok := info.bits()
	if !ok || len(info) > 0 {
		return Public{}, errDER
	}
	switch string(algorithm) {
	case oidRSA:
		return publicPKCS1(key)
	case oidEC:
		return publicPoint(bits, key)
	case oidEd25519:
		return publicEd25519(key)
	}
	return Public{}, lightfmt.Errorf("want an RSA, EC or Ed25519 key, found algorithm %s", dotted(algorithm))
}

// readCurve reads the parameters of an EC key: the size of its curve in bits.
func readCurve(in der) (int, error) {
	oid, ok := in.read(tagOID)
	if !ok || len(oid) == 0 {
		return 0, errors.New("want an EC key on a named curve")
	}
	for i := range curves {
		if curves[i].oid == string(oid) {
			return curves[i].bits, nil
		}
	}
	return 0, lightfmt.Errorf("want an EC key on P-256, P-384 or P-521, found curve %s", dotted(oid))
}

// publicPKCS1 reads an RSAPublicKey (RFC 8017 appendix A.1.1).
func publicPKCS1(b []byte) (Public, error) {
	seq, ok := der(b).only(tagSequence)
	n, ok1 := seq.integer()
	e, ok2 := seq.integer()
	if !ok || !ok1 || !ok2 || len(seq) > 0 {
		return Public{}, errDER
	}
	return publicRSA(n, e)
}

// publicCertificate reads the key of an X.509 certificate. It ignores the issuer
// and the validity: they do not say who may sign tokens.
func publicCertificate(b []byte) (Public, error) {
	cert, ok1 := der(b).only(tagSequence)
	tbs, ok2 := cert.read(tagSequence)
	if !ok1 || !ok2 {
		return Public{}, errDER
	}
	tbs.skip(tagContext0) // the version, which is optional
	// serial number, signature algorithm, issuer, validity, subject
	if !tbs.skip(tagInteger, tagSequence, tagSequence, tagSequence, tagSequence) {
		return Public{}, errDER
	}
	tag, info, _, ok := tbs.next()
	if !ok || tag != tagSequence {
		return Public{}, errDER
	}
	return ParseSPKI(info)
}

// PEM returns a public key in the PEM that `openssl pkey -pubout` writes, "" for a
// secret. A policy with only a private key derives the kid from this text, as a policy
// with the public key does. (pem.Encode would make the module larger.)
func (p Public) PEM() string {
	if p.spki == nil {
		return ""
	}
	const width = 64
	var text strings.Builder
	text.WriteString("-----BEGIN PUBLIC KEY-----\n")
	for rest := base64.StdEncoding.EncodeToString(p.spki); rest != ""; {
		n := min(width, len(rest))
		text.WriteString(rest[:n] + "\n")
		rest = rest[n:]
	}
	text.WriteString("-----END PUBLIC KEY-----\n")
	return text.String()
}
