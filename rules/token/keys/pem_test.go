package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"github.com/rulegate/rulegate/rules/token/keys/keytest"
	"math/big"
	"strings"
	"testing"
	"time"
)

// All forms of keys are read as crypto/x509 reads them.
func TestKeyForms(t *testing.T) {
	for name, p := range map[string]keytest.Pair{
		"RSA": keytest.RSA(), "P-256": keytest.P256(), "P-384": keytest.P384(), "P-521": keytest.P521(), "Ed25519": keytest.Ed25519(),
	} {
		public := map[string]string{"SPKI": p.PublicPEM, "certificate": certificate(t, p.Private)}
		private := map[string]string{"PKCS#8": p.PKCS8}
		switch key := p.Private.(type) {
		case *rsa.PrivateKey:
			public["PKCS#1"] = keytest.PEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey))
			private["PKCS#1"] = keytest.PEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
		case *ecdsa.PrivateKey:
			der, err := x509.MarshalECPrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			private["SEC 1"] = keytest.PEM("EC PRIVATE KEY", der)
			private["SEC 1 behind its parameters"] = keytest.PEM("EC PARAMETERS", []byte{5, 0}) + private["SEC 1"]
		}
		public["SPKI with text around it"] = "issuer's key\n" + p.PublicPEM + "\nthe end\n"
		public["SPKI with CRLF"] = strings.ReplaceAll(p.PublicPEM, "\n", "\r\n")
		for form, text := range public {
			got, err := ParsePublic(text)
			if err != nil || !SamePublic(got, p.Private.Public()) {
				t.Errorf("%s, %s: %v", name, form, err)
			}
			if _, err := ParsePrivate(text); err == nil || !strings.Contains(err.Error(), "publicKey") {
				t.Errorf("%s, %s as a private key: %v", name, form, err)
			}
		}
		for form, text := range private {
			got, err := ParsePrivate(text)
			if err != nil || !SamePublic(PublicOf(got), p.Private.Public()) {
				t.Errorf("%s, %s: %v", name, form, err)
				continue
			}
			if equal, ok := p.Private.(interface{ Equal(crypto.PrivateKey) bool }); !ok || !equal.Equal(got) {
				t.Errorf("%s, %s: another key", name, form)
			}
			if _, err := ParsePublic(text); err == nil || !strings.Contains(err.Error(), "privateKey") {
				t.Errorf("%s, %s as a public key: %v", name, form, err)
			}
		}
		if text, err := PublicPEM(p.Private.Public()); err != nil || text != p.PublicPEM {
			t.Errorf("%s: PublicPEM: %v\n%s\nwant\n%s", name, err, text, p.PublicPEM)
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
		"Ed25519 too short": spkiOf(t, oidEd25519, nil, make([]byte, 31)),
		"EC without curve":  spkiOf(t, oidEC, nil, make([]byte, 65)),
		"point at infinity": spkiOf(t, oidEC, oidP256, []byte{0}),
		"point off curve":   spkiOf(t, oidEC, oidP256, append([]byte{4}, make([]byte, 64)...)),
		"compressed point":  spkiOf(t, oidEC, oidP256, append([]byte{2}, make([]byte, 32)...)),
		"curve of another":  spkiOf(t, oidEC, oidP384, der[len(der)-65:]),
		"RSA that is junk":  spkiOf(t, oidRSA, nil, []byte("junk")),
	} {
		if key, err := ParsePublic(text); err == nil {
			t.Errorf("%s: accepted as %s", name, Describe(key))
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

func TestBadPrivatePEM(t *testing.T) {
	good := keytest.RSA().Private.(*rsa.PrivateKey)
	der := x509.MarshalPKCS1PrivateKey(good)
	mixed := func(change func(n *big.Int, e *int, d, p, q *big.Int)) string {
		n, e, d := new(big.Int).Set(good.N), good.E, new(big.Int).Set(good.D)
		p, q := new(big.Int).Set(good.Primes[0]), new(big.Int).Set(good.Primes[1])
		change(n, &e, d, p, q)
		out, err := asn1.Marshal(struct {
			Version int
			N       *big.Int
			E       int
			D, P, Q *big.Int
		}{0, n, e, d, p, q})
		if err != nil {
			t.Fatal(err)
		}
		return keytest.PEM("RSA PRIVATE KEY", out)
	}
	two := big.NewInt(2)
	ec, err := x509.MarshalECPrivateKey(keytest.P256().Private.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParsePrivate(mixed(func(*big.Int, *int, *big.Int, *big.Int, *big.Int) {})); err != nil {
		t.Errorf("the twin is refused: %v", err)
	}
	for name, text := range map[string]string{
		"empty":            "",
		"not PEM":          "x",
		"encrypted PKCS#8": keytest.PEM("ENCRYPTED PRIVATE KEY", der),
		"encrypted PKCS#1": "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
		"OpenSSH":          keytest.PEM("OPENSSH PRIVATE KEY", der),
		"cut":              keytest.PEM("RSA PRIVATE KEY", der[:100]),
		"PKCS#1 as PKCS#8": keytest.PEM("PRIVATE KEY", der),
		"PKCS#1 as SEC 1":  keytest.PEM("EC PRIVATE KEY", der),
		"P-224":            keytest.P224().PKCS8,
		"SEC 1 cut":        keytest.PEM("EC PRIVATE KEY", ec[:20]),
		"SEC 1 zero":       keytest.PEM("EC PRIVATE KEY", append(append(ec[:7:7], make([]byte, 32)...), ec[39:]...)),
		"RSA d":            mixed(func(n *big.Int, e *int, d, p, q *big.Int) { d.Add(d, two) }),
		"RSA d zero":       mixed(func(n *big.Int, e *int, d, p, q *big.Int) { d.SetInt64(0) }),
		"RSA p zero":       mixed(func(n *big.Int, e *int, d, p, q *big.Int) { p.SetInt64(0) }),
		"RSA q negative":   mixed(func(n *big.Int, e *int, d, p, q *big.Int) { q.Neg(q) }),
		"RSA p":            mixed(func(n *big.Int, e *int, d, p, q *big.Int) { p.Add(p, two) }),
		"RSA p one":        mixed(func(n *big.Int, e *int, d, p, q *big.Int) { p.SetInt64(1); q.Set(n) }),
		"RSA n":            mixed(func(n *big.Int, e *int, d, p, q *big.Int) { n.Add(n, two) }),
		"RSA e":            mixed(func(n *big.Int, e *int, d, p, q *big.Int) { *e = 3 }),
	} {
		if key, err := ParsePrivate(text); err == nil {
			t.Errorf("%s: accepted as %s", name, Describe(key))
		}
	}
}

// sec1 encodes an EC key with any bytes as its scalar.
func sec1(t *testing.T, scalar []byte, curve asn1.ObjectIdentifier) []byte {
	t.Helper()
	der, err := asn1.Marshal(struct {
		Version int
		Scalar  []byte
		Curve   asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
	}{1, scalar, curve})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestECScalars(t *testing.T) {
	pkcs8 := func(scalar []byte, outer, inner asn1.ObjectIdentifier) string {
		params, err := asn1.Marshal(outer)
		if err != nil {
			t.Fatal(err)
		}
		der, err := asn1.Marshal(struct {
			Version int
			ID      pkix.AlgorithmIdentifier
			Key     []byte
		}{0, pkix.AlgorithmIdentifier{Algorithm: oidEC, Parameters: asn1.RawValue{FullBytes: params}}, sec1(t, scalar, inner)})
		if err != nil {
			t.Fatal(err)
		}
		return keytest.PEM("PRIVATE KEY", der)
	}
	plain := func(scalar []byte) string { return keytest.PEM("EC PRIVATE KEY", sec1(t, scalar, oidP256)) }
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"without leading zeros", plain([]byte{7}), true},
		{"with one zero too many", plain(append(make([]byte, 32), 7)), true},
		{"too long", plain(append([]byte{1}, make([]byte, 32)...)), false},
		{"zero", plain(make([]byte, 32)), false},
		{"empty", plain(nil), false},
		{"the group's order", plain(keytest.P256().Private.(*ecdsa.PrivateKey).Params().N.Bytes()), false},
		{"one curve, named twice", pkcs8([]byte{7}, oidP256, oidP256), true},
		{"two curves", pkcs8([]byte{7}, oidP384, oidP256), false},
	} {
		if _, err := ParsePrivate(c.text); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
