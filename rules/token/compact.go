package token

import (
	"strings"

	"github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/value"
)

// serviceType is the typ of service tokens. Webhooks receive such tokens and
// could replay them, so a service token is never accepted as a user's token.
const serviceType = "sc-service+jwt"

// ErrServiceToken refuses a service token. Nobody is asked about it.
var ErrServiceToken error = &Error{Stage: StageParse, Message: "a service token is not taken as a user's"}

// compact is a token that was split and decoded. Its signature is not verified.
type compact struct {
	header
	encoded   string // the header as sent
	known     bool   // the header was remembered
	signed    string // header and payload as sent: the text that the signature covers
	payload   string // decoded
	signature []byte
}

// header is the part of a JOSE header that chooses the key.
type header struct {
	alg    string
	kid    string
	hasKid bool
}

// parse splits and decodes a token: RFC 7515 section 5.2, steps 1 to 7. It
// ignores jwk, jku, x5c and x5u: the token's author chose them.
func parse(raw string, known *headers) (t compact, err error) {
	if raw == "" {
		return compact{}, fail(StageParse, "empty")
	}
	if len(raw) > maxToken {
		return compact{}, fail(StageParse, "%d bytes, at most %d are read", len(raw), maxToken)
	}
	encoded, rest, _ := strings.Cut(raw, ".")
	payload, signature, found := strings.Cut(rest, ".")
	if !found || strings.IndexByte(signature, '.') >= 0 {
		return compact{}, fail(StageParse, "want three segments, found %d", strings.Count(raw, ".")+1)
	}
	t.encoded, t.signed = encoded, raw[:len(encoded)+1+len(payload)]
	if t.header, t.known = known.find(encoded); !t.known {
		if t.header, err = readHeader(encoded); err != nil {
			return compact{}, err
		}
	}
	if t.payload, err = keys.DecodeText(payload); err != nil {
		return compact{}, fail(StageParse, "payload: %v", err)
	}
	if t.signature, err = keys.DecodeBase64URL(signature); err != nil {
		return compact{}, fail(StageParse, "signature: %v", err)
	}
	return t, nil
}

// readHeader decodes and reads the JOSE header. It checks the types of alg and kid;
// signers checks their values.
func readHeader(encoded string) (t header, err error) {
	text, err := keys.DecodeText(encoded)
	if err != nil {
		return t, fail(StageParse, "header: %v", err)
	}
	object, err := value.Parse(text, maxDepth)
	if err != nil {
		return t, fail(StageParse, "header: %v", err)
	}
	if object.Kind() != value.Object {
		return t, fail(StageParse, "header: want a JSON object")
	}
	if typ, _ := object.Key("typ").Text(); isServiceType(typ) {
		return t, ErrServiceToken
	}
	hasAlg := false
	object.Each(func(key string, v value.Value) bool {
		text, isText := v.Text()
		switch key {
		case "alg":
			t.alg, hasAlg = text, isText
		case "kid":
			if text == "" {
				err = fail(StageKey, "kid: want a string that is not empty")
			}
			t.kid, t.hasKid = text, true
		case "crit":
			// RFC 7515 section 4.1.11: no extension is understood here.
			err = fail(StageParse, "header: crit asks for extensions that are not understood")
		}
		return err == nil
	})
	if err == nil && !hasAlg {
		err = fail(StageParse, "header: alg: want a string")
	}
	return t, err
}

// isServiceType reports whether typ is serviceType. Media types are compared
// without case, and `application/` may be left out (RFC 7515 section 4.1.9).
func isServiceType(typ string) bool {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return strings.EqualFold(typ, serviceType)
}
