package gateway

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// hostForeign calls one of Envoy's foreign functions; verify_signature is the only
// one that this host has.
func hostForeign(v *vm, a []uint64) status {
	name, ok1 := v.text(a[0], a[1])
	args, ok2 := v.bytes(a[2], a[3])
	switch {
	case !ok1 || !ok2:
		return statusInvalidMemoryAccess
	case name != "verify_signature" || v.gw.cfg.NoForeignFunctions:
		return statusNotFound
	}
	sig, err := parseSignature(args)
	if err != nil || len(args) == 0 {
		return statusBadArgument
	}
	var result []byte // a VerifySignatureResult
	if err := sig.verify(); err == nil {
		result = protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
	} else {
		result = protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), err.Error())
	}
	return v.give(result, a[4], a[5])
}

// signature is the argument of verify_signature, the message
// envoy.source.extensions.common.wasm.VerifySignatureArguments.
type signature struct {
	hash      string // sha256, sha384 or sha512
	publicKey []byte // SubjectPublicKeyInfo in DER
	signature []byte // PKCS #1 v1.5, or an Ecdsa-Sig-Value in DER
	text      []byte
}

// parseSignature decodes the message. The fields stay in the module's memory.
func parseSignature(b []byte) (s signature, err error) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return s, protowire.ParseError(n)
		}
		b = b[n:]
		if number < 1 || number > 4 || kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
				return s, protowire.ParseError(n)
			}
			b = b[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return s, protowire.ParseError(n)
		}
		b = b[n:]
		switch number {
		case 1:
			s.hash = string(value)
		case 2:
			s.publicKey = value
		case 3:
			s.signature = value
		case 4:
			s.text = value
		}
	}
	return s, nil
}

var hashes = map[string]crypto.Hash{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}

// verify returns nil if the key signed the text: with RSA as of PKCS #1 v1.5, or
// with ECDSA. Like Envoy's, it knows no other scheme.
func (s signature) verify() error {
	hash, ok := hashes[s.hash]
	if !ok {
		return fmt.Errorf("hash_function: want sha256, sha384 or sha512, found %q", s.hash)
	}
	key, err := x509.ParsePKIXPublicKey(s.publicKey)
	if err != nil {
		return fmt.Errorf("public_key: %w", err)
	}
	h := hash.New()
	h.Write(s.text)
	digest := h.Sum(nil)
	switch k := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, hash, digest, s.signature)
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(k, digest, s.signature) {
			return errors.New("signature: verification failed")
		}
		return nil
	}
	return fmt.Errorf("public_key: want RSA or ECDSA, found %T", key)
}
