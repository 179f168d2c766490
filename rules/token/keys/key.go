// Package keys holds the keys of JSON Web Tokens: the algorithms (RFC 7518, RFC
// 8037), reading keys from PEM and from JWK sets, and making and verifying
// signatures.
//
// It is compiled into the proxy's module, so it does without crypto/x509, crypto/rsa,
// crypto/ecdsa and encoding/json; rules/RATIONALE.md has the sizes. Who loads a policy
// brings the cryptography with RSA and elliptic curves (Crypto).
package keys

import (
	"errors"
	"strconv"
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

// digits are the values of base64url's digits; noDigit: of all other bytes.
var digits = func() (values [256]byte) {
	for i := range values {
		values[i] = noDigit
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range len(alphabet) {
		values[alphabet[i]] = byte(i)
	}
	return values
}()

const noDigit = 0x80

// DecodeBase64URL decodes base64url as RFC 7515 section 2 defines it: without
// padding, line breaks or other characters, and without set bits after the last byte:
// each value has one spelling. Each new token has two texts to decode, and Go's decoder
// takes four functions and two more passes, since it ignores line breaks.
func DecodeBase64URL(s string) ([]byte, error) {
	out := make([]byte, len(s)*6/8)
	n, seen := 0, byte(0)
	for ; len(s) >= 4; s = s[4:] {
		a, b, c, d := digits[s[0]], digits[s[1]], digits[s[2]], digits[s[3]]
		seen |= a | b | c | d
		to := out[n : n+3]
		to[0], to[1], to[2] = a<<2|b>>4, b<<4|c>>2, c<<6|d
		n += 3
	}
	left := byte(0) // bits after the last byte
	switch len(s) {
	case 1:
		return nil, errBase64
	case 2:
		a, b := digits[s[0]], digits[s[1]]
		seen |= a | b
		out[n], left = a<<2|b>>4, b<<4
	case 3:
		a, b, c := digits[s[0]], digits[s[1]], digits[s[2]]
		seen |= a | b | c
		out[n], out[n+1], left = a<<2|b>>4, b<<4|c>>2, c<<6
	}
	if seen&noDigit != 0 || left != 0 {
		return nil, errBase64
	}
	return out, nil
}

var errBase64 = errors.New("not base64url without padding")

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
