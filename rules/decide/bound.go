package decide

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/value"
)

// checkBound fails unless the claims are bound to the client certificate of the
// connection, which the proxy has verified (RFC 8705, section 3.1): a stolen token is
// of no use to who has not the certificate's key too.
func (r *Request) checkBound(claims value.Value) error {
	thumbprint, ok := claims.Key("cnf").Key("x5t#S256").Text()
	if !ok {
		return errors.New("bound: it has no cnf.x5t#S256")
	}
	want, err := keys.DecodeBase64URL(thumbprint)
	if err != nil || len(want) != sha256.Size {
		return errors.New("bound: cnf.x5t#S256 is no SHA-256 in base64url")
	}
	if r.properties == nil {
		return errNoPeer
	}
	digest, ok := r.properties.Peer().Key("sha256").Text()
	if !ok {
		return errNoPeer
	}
	if sum, ok := lightfmt.DecodeHex(digest); !ok || subtle.ConstantTimeCompare(sum, want) != 1 {
		return errors.New("bound: the client has another certificate")
	}
	return nil
}

var errNoPeer = errors.New("bound: the client has no certificate that was verified")
