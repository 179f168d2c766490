package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
)

const (
	// TokenLife is how long a token is good for.
	TokenLife = 30 * time.Second
	// TokenSkew is how far the module's clock may be ahead of the companion's.
	// One that is behind has TokenLife to spare.
	TokenSkew = 5 * time.Second

	issuer  = "rulegate"
	maxSize = 2048 // bytes of a token; ours have about 300 and a project's name
)

// header is the one JOSE header there is, so it is compared as text and names no
// algorithm that anybody could choose: {"alg":"HS256","typ":"JWT"}.
const header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

var b64 = base64.RawURLEncoding.Strict()

// Token is a JWT (RFC 7519) for a request of project, which may be "", with this
// body: HS256, good for TokenLife, with the body's SHA-256 (base64url) as bodySha256. It is "" when
// there are no keys.
func (k Keys) Token(project string, body []byte, now time.Time) string {
	if k.Empty() {
		return ""
	}
	sum := sha256.Sum256(body)
	p := append(make([]byte, 0, 256), `{"iss":"`+issuer+`","aud":`...)
	p = gjson.AppendJSONString(p, project)
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

// Bound is a token that was verified; what is left to check is that the body is
// the one it was made for.
type Bound struct{ sum [sha256.Size]byte }

// Covers says whether the token was made for this body. The zero Bound covers none.
func (b Bound) Covers(body []byte) bool {
	sum := sha256.Sum256(body)
	return b.sum != [sha256.Size]byte{} && hmac.Equal(sum[:], b.sum[:])
}

// CheckToken reports why a token is not one for this project, body and time.
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

// ReadToken checks all of a token but the body, so that a stranger is turned away
// before his body is read. Its errors hold nothing of the token.
func (k Keys) ReadToken(project, tok string, now time.Time) (Bound, error) {
	payload, err := k.payload(tok)
	if err != nil {
		return Bound{}, err
	}
	if err := strictjson.Check(payload, 1); err != nil {
		return Bound{}, fmt.Errorf("token: claims: %w", err)
	}
	c := claimsOf(payload)
	switch at := now.Unix(); {
	case c.issuer != issuer:
		return Bound{}, errors.New("token: another issuer")
	case !c.named || c.project != project:
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

// payload verifies the signature and gives the claims' text. The signature that
// was made here is compared as text, so there is one spelling of it.
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
	named                 bool // there is an audience, be it the empty one
	issued, expires       int64
}

// claimsOf reads the claims of a checked text; one of another type counts as
// missing. A key with a NUL or a dot is read like any other: ForEach takes no paths.
func claimsOf(payload string) (c claims) {
	gjson.Parse(payload).ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "iss":
			c.issuer = v.Str
		case "aud":
			c.project, c.named = v.Str, v.Type == gjson.String
		case "bodySha256":
			c.body = v.Str
		case "iat":
			c.issued = seconds(v)
		case "exp":
			c.expires = seconds(v)
		}
		return true
	})
	return c
}

func seconds(v gjson.Result) int64 {
	n, err := strconv.ParseInt(v.Raw, 10, 64)
	if v.Type != gjson.Number || err != nil || n < 0 {
		return 0
	}
	return n
}
