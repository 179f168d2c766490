package harness

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
)

// OwnSecret is the HS256 secret in the policies of the tests.
const OwnSecret = "the-own-secret-of-the-test-cases"

// key is a key with which tests sign tokens: a secret or a signer. A policy reads
// the public keys from the environment: ${RSA_PUBLIC}, ${EC_PUBLIC}, ${ED_PUBLIC} …
type key struct {
	alg    string
	secret []byte
	signer crypto.Signer
}

// testKeys generates the keys in each run, so that the repository holds no
// private key.
var testKeys = sync.OnceValue(func() map[string]key {
	must := func(s crypto.Signer, err error) crypto.Signer {
		if err != nil {
			panic(err)
		}
		return s
	}
	newRSA := func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) }
	newEC := func(c elliptic.Curve) crypto.Signer { return must(ecdsa.GenerateKey(c, rand.Reader)) }
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	keys := map[string]key{
		"own":       {alg: "HS256", secret: []byte(OwnSecret)},
		"second":    {alg: "HS256", secret: []byte("the-second-secret-in-those-cases")},
		"binary":    {alg: "HS256", secret: []byte("\x00\xff\x80\x0a\x0d\xc0\xaf\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f\x70\x71\x72\x73\x74\x75\x76\x77\x78\x79\x7a\x7b\x7c\x7d\x7e\x7f\x80\x81")}, // no text: a NUL, line ends, no UTF-8
		"stranger":  {alg: "HS256", secret: []byte("a secret that no policy has....!")},
		"rsa":       {alg: "RS256", signer: newRSA()},
		"other-rsa": {alg: "RS256", signer: newRSA()},
		"ec":        {alg: "ES256", signer: newEC(elliptic.P256())},
		"ec384":     {alg: "ES384", signer: newEC(elliptic.P384())},
		"ec521":     {alg: "ES512", signer: newEC(elliptic.P521())},
		"ed":        {alg: "EdDSA", signer: must(ed, err)},
	}
	// Algorithm confusion: HS256 with the text of the public key as its secret.
	keys["rsa-public-as-secret"] = key{alg: "HS256", secret: []byte(publicPEM(keys["rsa"].signer))}
	return keys
})

// keyEnv returns the environment variables that hold the keys, and the hashes of the
// clients' certificates.
func keyEnv() []string {
	keys := testKeys()
	env := []string{"CLIENT_SECRET=" + clientSecret}
	for name := range testCertificates().clients {
		sum, _ := sumOf(name)
		env = append(env, "X5T_"+strings.ToUpper(name)+"="+base64URL(sum[:]))
	}
	for name, k := range keys {
		if k.signer == nil {
			continue
		}
		name = strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		env = append(env, name+"_PUBLIC="+publicPEM(k.signer), name+"_PRIVATE="+privatePEM(k.signer))
		switch p := k.signer.Public().(type) {
		case *rsa.PublicKey:
			env = append(env, name+"_N="+base64URL(p.N.Bytes()))
		case *ecdsa.PublicKey:
			size := (p.Curve.Params().BitSize + 7) / 8
			point, err := p.Bytes()
			if err != nil {
				panic(err)
			}
			env = append(env, name+"_X="+base64URL(point[1:1+size]), name+"_Y="+base64URL(point[1+size:]))
		case ed25519.PublicKey:
			env = append(env, name+"_X="+base64URL(p))
		}
	}
	return env
}

func publicPEM(s crypto.Signer) string {
	der, err := x509.MarshalPKIXPublicKey(s.Public())
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func privatePEM(s crypto.Signer) string {
	der, err := x509.MarshalPKCS8PrivateKey(s)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// SignToken returns a JWT. It does not use rules/token, whose faults it would then
// share. header is a JSON object whose members replace those of the key's own
// {"alg", "typ"}, where null removes a member; if whole is set, header is the
// complete header.
func SignToken(keyName, claims, header string, whole bool) (string, error) {
	k, ok := testKeys()[keyName]
	switch {
	case !ok:
		return "", fmt.Errorf("key %q: no such key", keyName)
	case whole:
		return sign(k, k.alg, header, claims)
	}
	head := map[string]any{"alg": k.alg, "typ": "JWT"}
	var more map[string]any
	if header != "" {
		if err := json.Unmarshal([]byte(header), &more); err != nil {
			return "", fmt.Errorf("header: %w", err)
		}
	}
	for name, v := range more {
		if head[name] = v; v == nil {
			delete(head, name)
		}
	}
	text, err := json.Marshal(head)
	if err != nil {
		return "", err
	}
	alg, _ := head["alg"].(string)
	return sign(k, alg, string(text), claims)
}

func sign(k key, alg, header, claims string) (string, error) {
	input := base64URL([]byte(header)) + "." + base64URL([]byte(claims))
	hash := crypto.SHA256
	switch {
	case strings.HasSuffix(alg, "384"):
		hash = crypto.SHA384
	case strings.HasSuffix(alg, "512"):
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write([]byte(input))
	digest := h.Sum(nil)
	var sig []byte
	var err error
	switch private := k.signer.(type) {
	case nil:
		if strings.HasPrefix(alg, "HS") {
			mac := hmac.New(hash.New, k.secret)
			mac.Write([]byte(input))
			sig = mac.Sum(nil)
		} // "none" and unknown algorithms: no signature
	case *rsa.PrivateKey:
		if strings.HasPrefix(alg, "PS") {
			sig, err = rsa.SignPSS(rand.Reader, private, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			sig, err = rsa.SignPKCS1v15(nil, private, hash, digest)
		}
	case *ecdsa.PrivateKey:
		size := (private.Curve.Params().BitSize + 7) / 8
		var r, s *big.Int
		if r, s, err = ecdsa.Sign(rand.Reader, private, digest); err == nil {
			sig = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
	case ed25519.PrivateKey:
		sig = ed25519.Sign(private, []byte(input))
	}
	return input + "." + base64URL(sig), err
}

func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
