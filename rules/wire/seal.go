package wire

import (
	"crypto/hmac"
	"errors"
	"strings"
)

// Seal signs a reply as the answer to a request. A seal is the HMAC-SHA256 over the
// request's signature and the reply, in base64url: the signature stands for the body,
// which has a nonce. There is one for each key, joined by commas: while secrets are
// being changed, a module may know only one of them. Without keys it is "".
func (k Keys) Seal(authorization string, reply []byte) string {
	var out []byte
	for i, set := range k.sets {
		if i > 0 {
			out = append(out, ',')
		}
		sum := set.seal.sum(reply, authorization, "\n")
		out = b64.AppendEncode(out, sum[:])
	}
	return string(out)
}

// maxSeals bounds the work that a forged header can cause.
const maxSeals = 4

// CheckSeal fails unless one of the keys has made one of the seals for the request with
// this signature and this reply. Then the answer is not the companion's, or belongs to
// another request.
func (k Keys) CheckSeal(authorization string, reply []byte, seal string) error {
	if strings.Count(seal, ",") >= maxSeals {
		return errors.New("reply: too many signatures")
	}
	for _, set := range k.sets {
		sum := set.seal.sum(reply, authorization, "\n")
		want := encode(sum[:])
		for rest, more := seal, true; more; {
			var part string
			if part, rest, more = strings.Cut(rest, ","); hmac.Equal(want, []byte(part)) {
				return nil
			}
		}
	}
	return errors.New("reply: not signed by the companion for this request")
}
