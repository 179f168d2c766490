package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// Seal signs a reply as the answer to a request. A signature is the HMAC-SHA256
// over the request's SHA-256 and the reply, in base64url. The seal has one for each
// key, joined by commas: while secrets are being changed, a module may know only
// one of them. Without keys it is "".
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

// maxSeals bounds the work that a forged header can cause.
const maxSeals = 4

// CheckSeal fails unless one of the keys has made one of the seal's signatures for
// this request and this reply. Then the answer is not the companion's, or belongs
// to another request.
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
