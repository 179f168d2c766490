package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// PublicPEM returns a public key in the PEM that `openssl pkey -pubout` writes. A
// policy with only a private key derives the kid from this text, as a policy with
// the public key does. (pem.Encode would make the module 46 KB larger.)
func PublicPEM(public any) (string, error) {
	der, err := marshalSPKI(public)
	if err != nil {
		return "", err
	}
	const width = 64
	var text strings.Builder
	text.WriteString("-----BEGIN PUBLIC KEY-----\n")
	for rest := base64.StdEncoding.EncodeToString(der); rest != ""; {
		n := min(width, len(rest))
		text.WriteString(rest[:n] + "\n")
		rest = rest[n:]
	}
	text.WriteString("-----END PUBLIC KEY-----\n")
	return text.String(), nil
}

// marshalSPKI writes a SubjectPublicKeyInfo in DER: RFC 3279 section 2.3, RFC
// 5480 and RFC 8410.
func marshalSPKI(public any) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		switch key := public.(type) {
		case *rsa.PublicKey:
			addAlgorithm(b, oidRSA, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
			addBits(b, func(b *cryptobyte.Builder) {
				b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1BigInt(key.N)
					b.AddASN1BigInt(big.NewInt(int64(key.E)))
				})
			})
		case *ecdsa.PublicKey:
			addAlgorithm(b, oidEC, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(curveOID(key.Curve.Params().BitSize))
			})
			addBits(b, func(b *cryptobyte.Builder) {
				point, err := key.Bytes()
				if err != nil {
					b.SetError(err)
				}
				b.AddBytes(point)
			})
		case ed25519.PublicKey:
			addAlgorithm(b, oidEd25519, func(*cryptobyte.Builder) {})
			addBits(b, func(b *cryptobyte.Builder) { b.AddBytes(key) })
		}
	})
	return b.Bytes()
}

func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, params cryptobyte.BuilderContinuation) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		params(b)
	})
}

func addBits(b *cryptobyte.Builder, content cryptobyte.BuilderContinuation) {
	b.AddASN1(tag.BIT_STRING, func(b *cryptobyte.Builder) {
		b.AddUint8(0) // no unused bits
		content(b)
	})
}

func curveOID(bits int) asn1.ObjectIdentifier {
	switch bits {
	case 256:
		return oidP256
	case 384:
		return oidP384
	}
	return oidP521
}
