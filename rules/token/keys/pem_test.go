package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/token/keys/keytest"
)

var asn1OID = map[string]asn1.ObjectIdentifier{
	oidRSA: {1, 2, 840, 113549, 1, 1, 1}, oidEC: {1, 2, 840, 10045, 2, 1}, oidEd25519: {1, 3, 101, 112},
	oidP256: {1, 2, 840, 10045, 3, 1, 7}, oidP384: {1, 3, 132, 0, 34}, oidP521: {1, 3, 132, 0, 35},
}

func TestObjectIdentifiers(t *testing.T) {
	for ours, theirs := range asn1OID {
		want, err := asn1.Marshal(theirs)
		if err != nil || string(want) != string(tlv(tagOID, []byte(ours))) || dotted([]byte(ours)) != theirs.String() {
			t.Errorf("%v: %x, %s", theirs, ours, dotted([]byte(ours)))
		}
	}
	for _, oid := range []asn1.ObjectIdentifier{{0, 39}, {1, 0}, {2, 40}, {2, 999, 3}, {1, 2, 840, 10040, 4, 1}} {
		der, err := asn1.Marshal(oid)
		if err != nil || dotted(der[2:]) != oid.String() {
			t.Errorf("%v: %s", oid, dotted(der[2:]))
		}
	}
	dotted(nil)
	dotted([]byte(strings.Repeat("\xff", 100)))
}

// All forms of public keys are read as crypto/x509 writes them.
func TestPublicForms(t *testing.T) {
	for name, p := range map[string]keytest.Pair{
		"RSA": keytest.RSA(), "P-256": keytest.P256(), "P-384": keytest.P384(), "P-521": keytest.P521(), "Ed25519": keytest.Ed25519(),
	} {
		public := map[string]string{"SPKI": p.PublicPEM, "certificate": certificate(t, p.Private)}
		if key, ok := p.Private.(*rsa.PrivateKey); ok {
			public["PKCS#1"] = keytest.PEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey))
		}
		public["SPKI with text around it"] = "issuer's key\n" + p.PublicPEM + "\nthe end\n"
		public["SPKI with CRLF"] = strings.ReplaceAll(p.PublicPEM, "\n", "\r\n")
		for form, text := range public {
			got, err := ParsePublic(text)
			if err != nil || got.PEM() != p.PublicPEM {
				t.Errorf("%s, %s: %v\n%s\nwant\n%s", name, form, err, got.PEM(), p.PublicPEM)
			}
		}
		if _, err := ParsePublic(p.PKCS8); err == nil || !strings.Contains(err.Error(), "privateKey") {
			t.Errorf("%s: a private key as a public one: %v", name, err)
		}
	}
}

func certificate(t *testing.T, key crypto.Signer) string {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "issuer"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0), // long past: it does not count
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return keytest.PEM("CERTIFICATE", der)
}

// Texts that people paste in place of PEM get a message of their own.
func TestNotPEMSaysWhy(t *testing.T) {
	good := keytest.P256().PublicPEM
	lines := strings.Split(strings.TrimSpace(good), "\n")
	for text, want := range map[string]string{
		strings.ReplaceAll(good, "\n", `\n`):      `found the two characters \n`,
		strings.Join(lines[1:len(lines)-1], "\n"): "found base64 alone",
		strings.Join(lines, " "):                  "cannot be read",
		"MIIBIjANBgkq":                            "found no block",
		"":                                        "found no block",
	} {
		if _, err := ParsePublic(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

func TestBadPublicPEM(t *testing.T) {
	good := keytest.P256().PublicPEM
	block, _ := pem.Decode([]byte(good))
	der := block.Bytes
	cut := func(n int) string { return keytest.PEM("PUBLIC KEY", der[:n]) }
	for name, text := range map[string]string{
		"empty":             "",
		"not PEM":           "MIIBIjANBgkq",
		"base64 broken":     strings.Replace(good, "MF", "M!", 1),
		"no end":            good[:len(good)-10],
		"two keys":          good + good,
		"a broken second":   good + good[:len(good)-10],
		"another block":     keytest.PEM("CERTIFICATE REQUEST", der),
		"empty block":       keytest.PEM("PUBLIC KEY", nil),
		"cut":               cut(len(der) - 1),
		"cut in the OID":    cut(8),
		"trailing byte":     keytest.PEM("PUBLIC KEY", append(der[:len(der):len(der)], 0)),
		"SPKI as PKCS#1":    keytest.PEM("RSA PUBLIC KEY", der),
		"SPKI as a cert":    keytest.PEM("CERTIFICATE", der),
		"P-224":             keytest.P224().PublicPEM,
		"DSA":               spkiOf(t, asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}, nil, []byte{2, 1, 1}),
		"X25519":            spkiOf(t, asn1.ObjectIdentifier{1, 3, 101, 110}, nil, make([]byte, 32)),
		"Ed25519 too short": spkiOf(t, asn1OID[oidEd25519], nil, make([]byte, 31)),
		"EC without curve":  spkiOf(t, asn1OID[oidEC], nil, make([]byte, 65)),
		"point at infinity": spkiOf(t, asn1OID[oidEC], asn1OID[oidP256], []byte{0}),
		"point off curve":   spkiOf(t, asn1OID[oidEC], asn1OID[oidP256], append([]byte{4}, make([]byte, 64)...)),
		"compressed point":  spkiOf(t, asn1OID[oidEC], asn1OID[oidP256], append([]byte{2}, make([]byte, 32)...)),
		"curve of another":  spkiOf(t, asn1OID[oidEC], asn1OID[oidP384], der[len(der)-65:]),
		"RSA that is junk":  spkiOf(t, asn1OID[oidRSA], nil, []byte("junk")),
	} {
		if key, err := ParsePublic(text); err == nil {
			t.Errorf("%s: accepted as %s", name, key)
		}
	}
}

func spkiOf(t *testing.T, alg, curve asn1.ObjectIdentifier, bits []byte) string {
	t.Helper()
	id := pkix.AlgorithmIdentifier{Algorithm: alg}
	if curve != nil {
		params, err := asn1.Marshal(curve)
		if err != nil {
			t.Fatal(err)
		}
		id.Parameters = asn1.RawValue{FullBytes: params}
	}
	der, err := asn1.Marshal(struct {
		ID   pkix.AlgorithmIdentifier
		Bits asn1.BitString
	}{id, asn1.BitString{Bytes: bits, BitLength: 8 * len(bits)}})
	if err != nil {
		t.Fatal(err)
	}
	return keytest.PEM("PUBLIC KEY", der)
}
