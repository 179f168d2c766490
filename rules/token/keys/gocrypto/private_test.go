package gocrypto

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/token/keys/keytest"
)

// All forms of private keys are read as crypto/x509 writes them.
func TestPrivateForms(t *testing.T) {
	for name, p := range map[string]keytest.Pair{
		"RSA": keytest.RSA(), "P-256": keytest.P256(), "P-384": keytest.P384(), "P-521": keytest.P521(), "Ed25519": keytest.Ed25519(),
	} {
		forms := map[string]string{"PKCS#8": p.PKCS8}
		switch key := p.Private.(type) {
		case *rsa.PrivateKey:
			forms["PKCS#1"] = keytest.PEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
		case *ecdsa.PrivateKey:
			der, err := x509.MarshalECPrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			forms["SEC 1"] = keytest.PEM("EC PRIVATE KEY", der)
			forms["SEC 1 behind its parameters"] = keytest.PEM("EC PARAMETERS", []byte{5, 0}) + forms["SEC 1"]
		}
		for form, text := range forms {
			got, err := ParsePrivate(text)
			if err != nil || got.Public().PEM() != p.PublicPEM {
				t.Errorf("%s, %s: %v", name, form, err)
				continue
			}
			if equal, ok := p.Private.(interface{ Equal(crypto.PrivateKey) bool }); !ok || !equal.Equal(got.(*private).signer) {
				t.Errorf("%s, %s: another key", name, form)
			}
		}
		if _, err := ParsePrivate(p.PublicPEM); err == nil || !strings.Contains(err.Error(), "publicKey") {
			t.Errorf("%s: a public key as a private one: %v", name, err)
		}
	}
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
			t.Errorf("%s: accepted as %s", name, key.Public())
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
