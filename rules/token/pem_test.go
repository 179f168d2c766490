package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Every form in which a key comes is read as crypto/x509 reads it.
func TestKeyForms(t *testing.T) {
	for name, p := range map[string]pair{
		"RSA": rsaPair(), "P-256": p256Pair(), "P-384": p384Pair(), "P-521": p521Pair(), "Ed25519": ed25519er(),
	} {
		public := map[string]string{"SPKI": p.publicPEM, "certificate": certificate(t, p.private)}
		private := map[string]string{"PKCS#8": p.privatePKCS8}
		switch key := p.private.(type) {
		case *rsa.PrivateKey:
			public["PKCS#1"] = pemText("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey))
			private["PKCS#1"] = pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
		case *ecdsa.PrivateKey:
			der, err := x509.MarshalECPrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			private["SEC 1"] = pemText("EC PRIVATE KEY", der)
			private["SEC 1 behind its parameters"] = pemText("EC PARAMETERS", []byte{5, 0}) + private["SEC 1"]
		}
		public["SPKI with text around it"] = "issuer's key\n" + p.publicPEM + "\nthe end\n"
		public["SPKI with CRLF"] = strings.ReplaceAll(p.publicPEM, "\n", "\r\n")
		for form, text := range public {
			got, err := publicPEM(text)
			if err != nil || !samePublic(got, p.private.Public()) {
				t.Errorf("%s, %s: %v", name, form, err)
			}
			if _, err := privatePEM(text); err == nil || !strings.Contains(err.Error(), "publicKey") {
				t.Errorf("%s, %s as a private key: %v", name, form, err)
			}
		}
		for form, text := range private {
			got, err := privatePEM(text)
			if err != nil || !samePublic(publicOf(got), p.private.Public()) {
				t.Errorf("%s, %s: %v", name, form, err)
				continue
			}
			if equal, ok := p.private.(interface{ Equal(crypto.PrivateKey) bool }); !ok || !equal.Equal(got) {
				t.Errorf("%s, %s: another key", name, form)
			}
			if _, err := publicPEM(text); err == nil || !strings.Contains(err.Error(), "privateKey") {
				t.Errorf("%s, %s as a public key: %v", name, form, err)
			}
		}
		if text, err := publicText(p.private.Public()); err != nil || text != p.publicPEM {
			t.Errorf("%s: publicText: %v\n%s\nwant\n%s", name, err, text, p.publicPEM)
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
	return pemText("CERTIFICATE", der)
}

func TestBadPublicPEM(t *testing.T) {
	good := p256Pair().publicPEM
	block, _ := pem.Decode([]byte(good))
	der := block.Bytes
	cut := func(n int) string { return pemText("PUBLIC KEY", der[:n]) }
	for name, text := range map[string]string{
		"empty":             "",
		"not PEM":           "MIIBIjANBgkq",
		"base64 broken":     strings.Replace(good, "MF", "M!", 1),
		"no end":            good[:len(good)-10],
		"two keys":          good + good,
		"a broken second":   good + good[:len(good)-10],
		"another block":     pemText("CERTIFICATE REQUEST", der),
		"empty block":       pemText("PUBLIC KEY", nil),
		"cut":               cut(len(der) - 1),
		"cut in the OID":    cut(8),
		"trailing byte":     pemText("PUBLIC KEY", append(der[:len(der):len(der)], 0)),
		"SPKI as PKCS#1":    pemText("RSA PUBLIC KEY", der),
		"SPKI as a cert":    pemText("CERTIFICATE", der),
		"P-224":             p224Pair().publicPEM,
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
		if key, err := publicPEM(text); err == nil {
			t.Errorf("%s: accepted as %s", name, describe(key))
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
	return pemText("PUBLIC KEY", der)
}

func TestBadPrivatePEM(t *testing.T) {
	good := rsaPair().private.(*rsa.PrivateKey)
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
		return pemText("RSA PRIVATE KEY", out)
	}
	two := big.NewInt(2)
	ec, err := x509.MarshalECPrivateKey(p256Pair().private.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := privatePEM(mixed(func(*big.Int, *int, *big.Int, *big.Int, *big.Int) {})); err != nil {
		t.Errorf("the twin is refused: %v", err)
	}
	for name, text := range map[string]string{
		"empty":            "",
		"not PEM":          "x",
		"encrypted PKCS#8": pemText("ENCRYPTED PRIVATE KEY", der),
		"encrypted PKCS#1": "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
		"OpenSSH":          pemText("OPENSSH PRIVATE KEY", der),
		"cut":              pemText("RSA PRIVATE KEY", der[:100]),
		"PKCS#1 as PKCS#8": pemText("PRIVATE KEY", der),
		"PKCS#1 as SEC 1":  pemText("EC PRIVATE KEY", der),
		"P-224":            p224Pair().privatePKCS8,
		"SEC 1 cut":        pemText("EC PRIVATE KEY", ec[:20]),
		"SEC 1 zero":       pemText("EC PRIVATE KEY", append(append(ec[:7:7], make([]byte, 32)...), ec[39:]...)),
		"RSA d":            mixed(func(n *big.Int, e *int, d, p, q *big.Int) { d.Add(d, two) }),
		"RSA d zero":       mixed(func(n *big.Int, e *int, d, p, q *big.Int) { d.SetInt64(0) }),
		"RSA p zero":       mixed(func(n *big.Int, e *int, d, p, q *big.Int) { p.SetInt64(0) }),
		"RSA q negative":   mixed(func(n *big.Int, e *int, d, p, q *big.Int) { q.Neg(q) }),
		"RSA p":            mixed(func(n *big.Int, e *int, d, p, q *big.Int) { p.Add(p, two) }),
		"RSA p one":        mixed(func(n *big.Int, e *int, d, p, q *big.Int) { p.SetInt64(1); q.Set(n) }),
		"RSA n":            mixed(func(n *big.Int, e *int, d, p, q *big.Int) { n.Add(n, two) }),
		"RSA e":            mixed(func(n *big.Int, e *int, d, p, q *big.Int) { *e = 3 }),
	} {
		if key, err := privatePEM(text); err == nil {
			t.Errorf("%s: accepted as %s", name, describe(key))
		}
	}
}

// sec1 writes an EC key with a scalar as it is, its curve named.
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
		return pemText("PRIVATE KEY", der)
	}
	plain := func(scalar []byte) string { return pemText("EC PRIVATE KEY", sec1(t, scalar, oidP256)) }
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"without leading zeros", plain([]byte{7}), true},
		{"with one zero too many", plain(append(make([]byte, 32), 7)), true},
		{"too long", plain(append([]byte{1}, make([]byte, 32)...)), false},
		{"zero", plain(make([]byte, 32)), false},
		{"empty", plain(nil), false},
		{"the group's order", plain(p256Pair().private.(*ecdsa.PrivateKey).Params().N.Bytes()), false},
		{"one curve, named twice", pkcs8([]byte{7}, oidP256, oidP256), true},
		{"two curves", pkcs8([]byte{7}, oidP384, oidP256), false},
	} {
		if _, err := privatePEM(c.text); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What openssl writes, where it is installed.
func TestKeysOfOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
	for _, c := range []struct{ alg, command string }{
		{"RS256", "genrsa -traditional 2048"},
		{"PS512", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072"},
		{"ES256", "ecparam -genkey -name prime256v1"},
		{"ES384", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384"},
		{"ES512", "ecparam -genkey -name secp521r1"},
		{"EdDSA", "genpkey -algorithm ed25519"},
	} {
		private, err := exec.Command(openssl, strings.Fields(c.command)...).Output()
		if err != nil {
			t.Fatalf("openssl %s: %v", c.command, err)
		}
		pubout := exec.Command(openssl, "pkey", "-pubout")
		pubout.Stdin = strings.NewReader(string(private))
		public, err := pubout.Output()
		if err != nil {
			t.Fatal(err)
		}
		whole := newSet(t, Key{Alg: c.alg, PublicKey: string(public), PrivateKey: string(private), Primary: true})
		half := newSet(t, Key{Alg: c.alg, PrivateKey: string(private), Primary: true})
		raw, err := half.Mint(`{}`, "")
		if err != nil {
			t.Fatal(err)
		}
		// The kid is that of the public key's text, given or derived.
		_, err = whole.Verify(raw, testNow)
		wantStage(t, err, "")
	}
}
