package token

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
)

// serviceType marks what this package mints for services. Webhooks are sent
// such tokens and could replay them, so none is ever taken as a user's.
const serviceType = "sc-service+jwt"

// compact is a token that has been taken apart, not yet believed.
type compact struct {
	alg       string
	kid       string
	hasKid    bool
	signed    string // header and payload as they came: what the signature covers
	payload   string // decoded
	signature []byte
}

// parse takes a token apart: RFC 7515 section 5.2, steps 1 to 7. The members
// jwk, jku, x5c and x5u are not looked at: whoever made the token chose them.
func parse(raw string) (compact, error) {
	if raw == "" {
		return compact{}, fail(StageParse, "empty")
	}
	if len(raw) > maxToken {
		return compact{}, fail(StageParse, "%d bytes, at most %d are read", len(raw), maxToken)
	}
	parts := strings.SplitN(raw, ".", 4)
	if len(parts) != 3 {
		return compact{}, fail(StageParse, "want three segments, found %d", strings.Count(raw, ".")+1)
	}
	header, err := decodeSegment(parts[0])
	if err != nil {
		return compact{}, fail(StageParse, "header: %v", err)
	}
	t, err := readHeader(string(header))
	if err != nil {
		return compact{}, err
	}
	payload, err := decodeSegment(parts[1])
	if err != nil {
		return compact{}, fail(StageParse, "payload: %v", err)
	}
	if t.signature, err = decodeSegment(parts[2]); err != nil {
		return compact{}, fail(StageParse, "signature: %v", err)
	}
	t.payload = string(payload)
	t.signed = raw[:len(parts[0])+1+len(parts[1])]
	return t, nil
}

// readHeader reads the JOSE header. Names of algorithms and keys are judged
// later: here only their types are.
func readHeader(text string) (compact, error) {
	var t compact
	if err := strictjson.Check(text, maxDepth); err != nil {
		return t, fail(StageParse, "header: %v", err)
	}
	header := gjson.Parse(text)
	if !header.IsObject() {
		return t, fail(StageParse, "header: want a JSON object")
	}
	var err error
	hasAlg := false
	header.ForEach(func(key, v gjson.Result) bool {
		switch key.Str {
		case "alg":
			hasAlg = v.Type == gjson.String
			t.alg = v.Str
		case "kid":
			if v.Type != gjson.String || v.Str == "" {
				err = fail(StageKey, "kid: want a string that is not empty")
			}
			t.kid, t.hasKid = v.Str, true
		case "crit":
			// RFC 7515 section 4.1.11: no extension is understood here.
			err = fail(StageParse, "header: crit asks for extensions that are not understood")
		case "typ":
			if v.Type == gjson.String && isServiceType(v.Str) {
				err = fail(StageParse, "a service token is not taken as a user's")
			}
		}
		return err == nil
	})
	if err == nil && !hasAlg {
		err = fail(StageParse, "header: alg: want a string")
	}
	return t, err
}

// isServiceType compares media types: without case, and with `application/`
// implied where there is no slash (RFC 7515 section 4.1.9).
func isServiceType(typ string) bool {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return strings.EqualFold(typ, serviceType)
}

// base64url refuses bits that are set behind the last byte, so that each value
// has one spelling.
var base64url = base64.RawURLEncoding.Strict()

// decodeSegment decodes base64url as RFC 7515 section 2 defines it: without
// padding, line breaks or other characters. Go's decoder skips line breaks, so
// those are looked for first.
func decodeSegment(s string) ([]byte, error) {
	if strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0 {
		return nil, errors.New("not base64url: a line break")
	}
	b, err := base64url.DecodeString(s)
	if err != nil {
		return nil, errors.New("not base64url without padding")
	}
	return b, nil
}
