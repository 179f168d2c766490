package gateway

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// foreignScenarios verify signatures by verify_signature.
var foreignScenarios = signatureScenarios()

func signatureScenarios() (all []scenario) {
	rsaKey := must1(rsa.GenerateKey(rand.Reader, 2048))
	_, edKey := must2(ed25519.GenerateKey(rand.Reader))
	add := func(name, hash string, key crypto.Signer, opts crypto.SignerOpts, change func(*signature), want bool) {
		s := signature{hash: hash, publicKey: must1(x509.MarshalPKIXPublicKey(key.Public())), text: []byte("text")}
		digest := s.text
		if h, ok := map[string]crypto.Hash{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}[hash]; ok && opts.HashFunc() != 0 {
			sum := h.New()
			sum.Write(s.text)
			digest = sum.Sum(nil)
		}
		s.signature = must1(key.Sign(rand.Reader, digest, opts))
		if change != nil {
			change(&s)
		}
		all = append(all, scenario{
			name: "verify_signature of " + name, script: fmt.Sprintf("request_headers: foreign verify_signature %x", s.encode()),
			code: 200, body: "hello", sent: "GET / ",
			trace: after("request_headers end=true", fmt.Sprintf("verify_signature %t", want)),
		})
	}
	hashes := map[string]crypto.Hash{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}
	for hash, h := range hashes {
		add("RSA with "+hash, hash, rsaKey, h, nil, true)
	}
	for hash, curve := range map[string]elliptic.Curve{"sha256": elliptic.P256(), "sha384": elliptic.P384(), "sha512": elliptic.P521()} {
		add("ECDSA with "+hash, hash, must1(ecdsa.GenerateKey(curve, rand.Reader)), hashes[hash], nil, true)
	}
	ecKey := must1(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	add("another text", "sha256", ecKey, crypto.SHA256, func(s *signature) { s.text = []byte("texts") }, false)
	add("another RSA text", "sha256", rsaKey, crypto.SHA256, func(s *signature) { s.text = []byte("texts") }, false)
	add("a text under another hash", "sha256", rsaKey, crypto.SHA256, func(s *signature) { s.hash = "sha512" }, false)
	add("another key", "sha256", ecKey, crypto.SHA256, func(s *signature) { s.publicKey = must1(x509.MarshalPKIXPublicKey(rsaKey.Public())) }, false)
	add("a key that is not DER", "sha256", ecKey, crypto.SHA256, func(s *signature) { s.publicKey = s.publicKey[:20] }, false)
	add("an empty signature", "sha256", ecKey, crypto.SHA256, func(s *signature) { s.signature = nil }, false)
	add("an unknown hash", "sha256", ecKey, crypto.SHA256, func(s *signature) { s.hash = "md17" }, false)
	add("a byte after an RSA signature", "sha256", rsaKey, crypto.SHA256, func(s *signature) { s.signature = append(s.signature, 0) }, false)
	add("an RSA signature without its last byte", "sha256", rsaKey, crypto.SHA256, func(s *signature) { s.signature = s.signature[:255] }, false)
	add("a byte before an RSA signature", "sha256", rsaKey, crypto.SHA256, func(s *signature) { s.signature = append([]byte{0}, s.signature...) }, false)
	add("a byte after an ECDSA signature", "sha256", ecKey, crypto.SHA256, func(s *signature) { s.signature = append(s.signature, 0) }, false)
	add("R and S themselves", "sha256", ecKey, crypto.SHA256, func(s *signature) { s.signature = s.signature[:64] }, false)
	add("a point that is not on its curve", "sha256", ecKey, crypto.SHA256, func(s *signature) { s.publicKey[len(s.publicKey)-1] ^= 1 }, false)
	add("an empty hash", "sha256", ecKey, crypto.SHA256, func(s *signature) { s.hash = "" }, false)
	add("an empty text", "sha256", ecKey, crypto.SHA256, func(s *signature) { s.text = nil }, false)
	add("P-224", "sha256", must1(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)), crypto.SHA256, nil, true)
	add("RSA of 1024 bits", "sha256", must1(rsa.GenerateKey(rand.Reader, 1024)), crypto.SHA256, nil, true)
	add("RSA with PSS", "sha256", rsaKey, &rsa.PSSOptions{Hash: crypto.SHA256}, nil, false)
	add("Ed25519", "sha512", edKey, crypto.Hash(0), nil, false)
	return append(all,
		scenario{
			name: "verify_signature of a malformed message", script: "request_headers: foreign verify_signature 0a05",
			code: 200, body: "hello", sent: "GET / ",
			trace: after("request_headers end=true", "request_headers: foreign: error status returned by host: bad argument"),
		},
		scenario{
			name: "verify_signature of an empty key", script: fmt.Sprintf("request_headers: foreign verify_signature %x", signature{hash: "sha256", text: []byte("text")}.encode()),
			code: 200, body: "hello", sent: "GET / ",
			trace: after("request_headers end=true", "request_headers: foreign: error status returned by host: bad argument"),
		},
		scenario{
			name: "verify_signature of an empty message", script: "request_headers: foreign verify_signature",
			code: 200, body: "hello", sent: "GET / ",
			trace: after("request_headers end=true", "request_headers: foreign: error status returned by host: bad argument"),
		})
}

func (s signature) encode() (b []byte) {
	for i, field := range [][]byte{[]byte(s.hash), s.publicKey, s.signature, s.text} {
		b = protowire.AppendBytes(protowire.AppendTag(b, protowire.Number(i+1), protowire.BytesType), field)
	}
	return b
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func must2[T, U any](v T, w U, err error) (T, U) { return v, must1(w, err) }

func TestForeignFunctionsCanBeLeftOut(t *testing.T) {
	b := start(t, "request_headers: foreign verify_signature", func(c *Config) { c.NoForeignFunctions = true })
	b.do("GET", "/", "")
	b.want("request_headers end=true", "request_headers: foreign: error status returned by host: not found", "...")
}

func FuzzParseSignature(f *testing.F) {
	f.Add([]byte{0x0a, 1, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSignature(b)
		if err == nil && s.verify()[0] == 1<<3 {
			t.Error("verified")
		}
	})
}
