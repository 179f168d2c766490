// Package keys holds the keys of JSON Web Tokens: the algorithms (RFC 7518, RFC
// 8037), reading keys from PEM and from JWK sets, and making and verifying
// signatures.
//
// It is compiled into the proxy's module, so it does without crypto/x509, crypto/rsa,
// crypto/ecdsa and encoding/json; rules/RATIONALE.md has the sizes. Who loads a policy
// brings the cryptography with RSA and elliptic curves (Crypto).
package keys

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"unsafe"

	"github.com/rulegate/rulegate/rules/lightfmt"
)

// Key is a key that verifies signatures.
type Key struct {
	Kid    string
	Alg    *Algorithm // nil: every algorithm that Public fits
	Public Public
}

// Verifies reports whether the key may verify tokens of the algorithm.
func (k *Key) Verifies(a *Algorithm) bool {
	if k.Alg != nil && k.Alg != a {
		return false
	}
	return a.Fits(k.Public)
}

// overlaps reports whether one token could choose both keys.
func (k *Key) overlaps(other *Key) bool {
	for i := range algorithms {
		if a := &algorithms[i]; k.Verifies(a) && other.Verifies(a) {
			return true
		}
	}
	return false
}

// Fault is a fault in a JWK set.
type Fault struct {
	Field   string // from the set on: `keys[2].crv`; "" for the set as a whole
	Message string // never holds a part of a key
}

// base64url refuses set bits after the last byte, so that each value has one
// spelling.
var base64url = base64.RawURLEncoding.Strict()

// DecodeBase64URL decodes base64url as RFC 7515 section 2 defines it: without
// padding, line breaks or other characters. Go's decoder ignores line breaks,
// so they are refused first.
func DecodeBase64URL(s string) ([]byte, error) {
	if strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0 {
		return nil, errors.New("not base64url: a line break")
	}
	b, err := base64url.DecodeString(s)
	if err != nil {
		return nil, errors.New("not base64url without padding")
	}
	return b, nil
}

// DecodeText is DecodeBase64URL to a text.
func DecodeText(s string) (string, error) {
	b, err := DecodeBase64URL(s)
	return unsafe.String(unsafe.SliceData(b), len(b)), err // nobody changes b
}

// maxQuoted bounds the text that a message repeats of a token or a key.
const maxQuoted = 64

// Quote escapes and shortens a text of a token or a key for a message.
func Quote(s string) string {
	if len(s) > maxQuoted {
		return strconv.Quote(lightfmt.Cut(s, maxQuoted)) + "…"
	}
	return strconv.Quote(s)
}
