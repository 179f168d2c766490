package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// NativeVerify verifies a signature in the proxy's native code. Hash is "sha256",
// "sha384" or "sha512"; key is a SubjectPublicKeyInfo in DER; signature is in
// the form of PKCS #1 v1.5 or, for ECDSA, an Ecdsa-Sig-Value in DER (RFC 3279,
// section 2.2.3). An error means that the proxy could not verify it.
type NativeVerify func(hash string, key, signature, text []byte) (bool, error)

// Native is the proxy's verification, for the algorithms that ProbeNative has
// tested. The zero Native verifies none.
type Native struct {
	verify NativeVerify
	algs   map[string]bool
}

// ProbeNative tests the proxy's verification with a valid and an invalid
// signature for each algorithm. Native uses it only for the algorithms where it
// accepted the first and refused the second.
func ProbeNative(verify NativeVerify) Native {
	n := Native{verify: verify, algs: map[string]bool{}}
	for _, k := range known {
		key, err1 := base64.StdEncoding.DecodeString(k.key)
		signature, err2 := base64.StdEncoding.DecodeString(k.signature)
		if err1 != nil || err2 != nil {
			continue
		}
		hash := hashNames[Find(k.alg).hash]
		right, err1 := verify(hash, key, signature, []byte(knownText))
		wrong, err2 := verify(hash, key, signature, []byte(knownText+"."))
		n.algs[k.alg] = err1 == nil && err2 == nil && right && !wrong
	}
	return n
}

// Algs lists the algorithms that the proxy verifies, in the order of RFC 7518.
func (n Native) Algs() (names []string) {
	for i := range algorithms {
		if name := algorithms[i].Name; n.algs[name] {
			names = append(names, name)
		}
	}
	return names
}

// Verify reports whether the key signed the text with the algorithm. It asks
// the proxy, and Go's own code where the proxy cannot verify the signature.
func (n Native) Verify(a *Algorithm, k *Key, text string, sig []byte) bool {
	if ok, done := n.try(a, k, text, sig); done {
		return ok
	}
	return Verify(a, k.Public, text, sig)
}

// try verifies a signature in the proxy; done is false where the proxy cannot.
func (n Native) try(a *Algorithm, k *Key, text string, sig []byte) (ok, done bool) {
	if !n.algs[a.Name] || len(k.SPKI) == 0 || !a.Fits(k.Public) {
		return false, false
	}
	if public, isEC := k.Public.(*ecdsa.PublicKey); isEC {
		size := (public.Curve.Params().BitSize + 7) / 8
		if len(sig) != 2*size {
			return false, true
		}
		sig = ecdsaDER(sig[:size], sig[size:])
	}
	ok, err := n.verify(hashNames[a.hash], k.SPKI, sig, []byte(text))
	return ok && err == nil, err == nil
}

// ecdsaDER writes the r and s of a JWS (RFC 7518, section 3.4) as the
// Ecdsa-Sig-Value that other protocols use.
func ecdsaDER(r, s []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(r))
		b.AddASN1BigInt(new(big.Int).SetBytes(s))
	})
	return b.BytesOrPanic() // two integers cannot fail
}

// NativeSPKI returns a key in the form that NativeVerify takes, nil for a key of
// another kind than RSA and EC.
func NativeSPKI(public any) []byte {
	switch public.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		if der, err := marshalSPKI(public); err == nil {
			return der
		}
	}
	return nil
}

var hashNames = map[crypto.Hash]string{crypto.SHA256: "sha256", crypto.SHA384: "sha384", crypto.SHA512: "sha512"}
