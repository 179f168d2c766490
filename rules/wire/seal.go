package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// Seal signs a reply as the answer to this request: HMAC-SHA256 over the
// request's SHA-256 and the reply, base64url. There is one for each key, joined
// by commas: while a secret is changed, a module that knows one of them finds its
// own. It is "" when there are no keys.
func (k Keys) Seal(request, reply []byte) string {
	sum := sha256.Sum256(request)
	var out []byte
	for i, p := range k.pairs {
		if i > 0 {
			out = append(out, ',')
		}
		out = base64.RawURLEncoding.AppendEncode(out, mac(p.seal, sum[:], reply))
	}
	return string(out)
}

// maxSeals bounds the work that a forged header can ask for.
const maxSeals = 4

// CheckSeal reports that no part of seal was made by one of the keys for this
// request and reply: the answer is not the companion's, or belongs to another request.
func (k Keys) CheckSeal(request, reply []byte, seal string) error {
	sum := sha256.Sum256(request)
	parts := strings.Split(seal, ",")
	if len(parts) > maxSeals {
		return errors.New("reply: too many signatures")
	}
	for _, p := range k.pairs {
		want := []byte(base64.RawURLEncoding.EncodeToString(mac(p.seal, sum[:], reply)))
		for _, part := range parts {
			if hmac.Equal(want, []byte(part)) {
				return nil
			}
		}
	}
	return errors.New("reply: not signed by the companion for this request")
}
