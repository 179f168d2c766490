// Package wire is the protocol between the module and its companion: calls are the
// body of POST /v1/calls, replies its answer. A token proves that the request is
// the module's, a seal that the answer is the companion's.
//
// The package is linked into the module, so it reads JSON with package value and
// writes it by hand.
package wire

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
)

// The path and the headers of a request for calls and of its answer. The header
// Authorization has the token, after "Bearer ".
const (
	Path          = "/v1/calls"
	SealHeader    = "x-rulegate-signature"
	TimeoutHeader = "x-rulegate-timeout-ms" // the time that the module waits
)

// Keys sign and verify the messages between module and companion. They are derived
// from the secrets, so a token of this protocol is never valid where a secret has
// another use. The zero Keys sign nothing and accept nothing.
type Keys struct {
	pairs []pair
}

type pair struct {
	token, seal []byte
}

// The info strings keep the two keys apart (RFC 5869, section 3.2): the key of
// seals cannot sign a token.
const (
	tokenInfo = "rulegate companion token v1"
	sealInfo  = "rulegate companion seal v1"
)

// DeriveKeys derives keys from the secrets by HKDF-SHA256 (RFC 5869), without a
// salt. The first secret signs tokens and all of them verify, so that a secret can
// be changed on one side after the other. Empty secrets are ignored.
func DeriveKeys(secrets ...string) Keys {
	var k Keys
	for _, s := range secrets {
		if s == "" {
			continue
		}
		token, err := hkdf.Key(sha256.New, []byte(s), nil, tokenInfo, sha256.Size)
		if err != nil {
			continue
		}
		seal, err := hkdf.Key(sha256.New, []byte(s), nil, sealInfo, sha256.Size)
		if err != nil {
			continue
		}
		k.pairs = append(k.pairs, pair{token: token, seal: seal})
	}
	return k
}

// Empty reports whether there is no key: then nothing can be signed or accepted.
func (k Keys) Empty() bool { return len(k.pairs) == 0 }

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
