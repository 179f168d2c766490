package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/value/strictjson"
)

const (
	// TokenLife is the lifetime of a token.
	TokenLife = 30 * time.Second
	// TokenSkew is the time that the module's clock may be ahead of the
	// companion's. It may be TokenLife behind.
	TokenSkew = 5 * time.Second

	issuer  = "rulegate"
	maxSize = 2048 // bytes of a token; ours have about 300, and the project's name
)

// header is the JOSE header of every token, {"alg":"HS256","typ":"JWT"}. It is
// compared as text, so that no client chooses the algorithm.
const header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

var b64 = base64.RawURLEncoding.Strict()

// Token returns a JWT (RFC 7519) for a request with this body, of a project, which
// may be "". It is signed by HS256, lives for TokenLife, and has the SHA-256 of the
// body in base64url as the claim bodySha256. Without keys it is "".
func (k Keys) Token(project string, body []byte, now time.Time) string {
	if k.Empty() {
		return ""
	}
	sum := sha256.Sum256(body)
	p := append(make([]byte, 0, 256), `{"iss":"`+issuer+`","aud":`...)
	p = value.AppendString(p, project)
	p = append(p, `,"iat":`...)
	p = strconv.AppendInt(p, now.Unix(), 10)
	p = append(p, `,"exp":`...)
	p = strconv.AppendInt(p, now.Add(TokenLife).Unix(), 10)
	p = append(p, `,"bodySha256":"`...)
	p = b64.AppendEncode(p, sum[:])
	p = append(p, `"}`...)
	signed := header + "." + b64.EncodeToString(p)
	return signed + "." + b64.EncodeToString(mac(k.pairs[0].token, []byte(signed)))
}

// Bound is a token that is valid for one body, which is still to be checked by
// Covers.
type Bound struct{ sum [sha256.Size]byte }

// Covers reports whether the token was made for this body. The zero Bound covers none.
func (b Bound) Covers(body []byte) bool {
	sum := sha256.Sum256(body)
	return b.sum != [sha256.Size]byte{} && hmac.Equal(sum[:], b.sum[:])
}

// CheckToken fails unless a token is valid for this project, body and time.
func (k Keys) CheckToken(project, tok string, body []byte, now time.Time) error {
	bound, err := k.ReadToken(project, tok, now)
	if err != nil {
		return err
	}
	if !bound.Covers(body) {
		return errors.New("token: made for another body")
	}
	return nil
}

// ReadToken checks a token, but not that it was made for the body: so a request
// without a valid token is refused before its body is read. The errors do not quote
// the token.
func (k Keys) ReadToken(project, tok string, now time.Time) (Bound, error) {
	payload, err := k.payload(tok)
	if err != nil {
		return Bound{}, err
	}
	if err := strictjson.Check(payload, 1); err != nil {
		return Bound{}, lightfmt.Errorf("token: claims: %w", err)
	}
	c := claimsOf(payload)
	switch at := now.Unix(); {
	case c.issuer != issuer:
		return Bound{}, errors.New("token: another issuer")
	case !c.hasProject || c.project != project:
		return Bound{}, errors.New("token: made for another project")
	case c.issued == 0 || c.expires == 0:
		return Bound{}, errors.New("token: want iat and exp as whole seconds")
	case c.expires <= c.issued || c.expires-c.issued > int64(TokenLife/time.Second):
		return Bound{}, errors.New("token: lives too long")
	case c.issued > at+int64(TokenSkew/time.Second):
		return Bound{}, errors.New("token: issued in the future")
	case c.expires <= at:
		return Bound{}, errors.New("token: expired")
	}
	sum, err := b64.DecodeString(c.body)
	if err != nil || len(sum) != sha256.Size {
		return Bound{}, errors.New("token: want bodySha256")
	}
	return Bound{sum: [sha256.Size]byte(sum)}, nil
}

// payload verifies the signature and returns the claims. It compares signatures as
// text, so there is one valid encoding of each.
func (k Keys) payload(tok string) (string, error) {
	if len(tok) > maxSize {
		return "", errors.New("token: too long")
	}
	dot := strings.LastIndexByte(tok, '.')
	if dot < 0 {
		return "", errors.New("token: want three parts")
	}
	signed, sig := tok[:dot], tok[dot+1:]
	body, ok := strings.CutPrefix(signed, header+".")
	if !ok {
		return "", errors.New("token: want HS256 and nothing else in its header")
	}
	good := false
	for _, p := range k.pairs {
		want := b64.EncodeToString(mac(p.token, []byte(signed)))
		good = hmac.Equal([]byte(want), []byte(sig)) || good
	}
	if !good {
		return "", errors.New("token: not signed by a key that is valid here")
	}
	text, err := b64.DecodeString(body)
	if err != nil {
		return "", errors.New("token: claims are not base64url")
	}
	return string(text), nil
}

type claims struct {
	issuer, project, body string
	hasProject            bool // also if it is ""
	issued, expires       int64
}

// claimsOf reads the claims of a text that strictjson has checked. A claim of
// another type counts as missing.
func claimsOf(payload string) (c claims) {
	value.Checked(payload).Each(func(k string, v value.Value) bool {
		text, isText := v.Text()
		switch k {
		case "iss":
			c.issuer = text
		case "aud":
			c.project, c.hasProject = text, isText
		case "bodySha256":
			c.body = text
		case "iat":
			c.issued = seconds(v)
		case "exp":
			c.expires = seconds(v)
		}
		return true
	})
	return c
}

func seconds(v value.Value) int64 {
	text, _ := v.Number()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
