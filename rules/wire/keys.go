// Package wire is the protocol between the module and its companion: calls as
// the body of POST /v1/calls, replies as its answer, a token that binds the
// request to the module and a seal that binds the answer to the companion.
//
// It compiles into the module, so it reads JSON with gjson and writes it by hand.
package wire

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
)

// The path and the headers of a request for calls and of its answer. The token
// goes into Authorization, after "Bearer ".
const (
	Path          = "/v1/calls"
	SealHeader    = "x-rulegate-signature"
	TimeoutHeader = "x-rulegate-timeout-ms" // how long the module waits, in milliseconds
)

// Keys sign and verify what passes between module and companion. They are
// derived: the secret itself signs nothing here, so a token of this protocol is
// never a token of the secret's other uses. The zero Keys sign nothing and
// accept nothing.
type Keys struct {
	pairs []pair
}

type pair struct {
	token, seal []byte
}

// The info strings keep the two keys apart (RFC 5869, section 3.2): what seals a
// reply can make no token.
const (
	tokenInfo = "rulegate companion token v1"
	sealInfo  = "rulegate companion seal v1"
)

// DeriveKeys makes the keys of the secrets by HKDF-SHA256 (RFC 5869), without a
// salt. The first secret signs and all of them verify, so that a secret can be
// changed on one side after the other. An empty secret is passed over.
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

// Empty says that there is no key, so that nothing can be signed or accepted.
func (k Keys) Empty() bool { return len(k.pairs) == 0 }

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
