package gateway

import (
	"errors"

	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
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
	if err != nil || len(sig.publicKey) == 0 {
		return statusBadArgument
	}
	return v.give(sig.verify(), a[4], a[5])
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

// verify returns a VerifySignatureResult: whether the key signed the text, and if not,
// why.
func (s signature) verify() []byte {
	ok, err := gocrypto.Verify(s.hash, s.publicKey, s.signature, string(s.text))
	if ok && err == nil {
		return protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
	}
	if err == nil {
		err = errors.New("the key did not make this signature of the text")
	}
	return protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), err.Error())
}
