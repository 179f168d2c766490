package wire

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// Minter signs the tokens that webhooks carry.
type Minter interface {
	// Mint signs claims, the text of a JSON object, without changing them.
	Mint(claims string) (string, error)
	// ServiceToken returns a token of the gateway's own for the origin of a
	// webhook, such as https://hooks.example.
	ServiceToken(origin string, now time.Time) (string, error)
}

// ClaimsLife is the lifetime of the token of a webhook's `claims`, if they have no
// `exp`.
const ClaimsLife = 5 * time.Minute

// Encode writes calls as the body of POST /v1/calls. The body has a nonce: the
// seal of an answer is over the hash of the body, so no answer fits the same calls
// made again.
//
// Encode makes the headers of webhooks too: Content-Type, Authorization with the
// user's token or with one minted of the call's claims, if there is either,
// X-SC-Token with the service token, and the call's own headers. It fails if a token cannot be minted, if two
// calls have one id, or if a call is not complete.
func Encode(calls []rules.Call, m Minter, now time.Time) ([]byte, error) {
	e := encoder{minter: m, now: now, out: []byte(`{"calls":[`)}
	seen := make(map[string]bool, len(calls))
	for i := range calls {
		c := &calls[i]
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if c.ID == "" || seen[c.ID] {
			return nil, fmt.Errorf("calls[%d]: want an id of its own, found %q", i, c.ID)
		}
		seen[c.ID] = true
		if err := e.call(c); err != nil {
			return nil, fmt.Errorf("calls[%d]: %w", i, err)
		}
	}
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, fmt.Errorf("nonce: %w", err)
	}
	e.out = append(e.out, `],"nonce":"`...)
	return append(hex.AppendEncode(e.out, nonce[:]), `"}`...), nil
}

type encoder struct {
	minter Minter
	now    time.Time
	out    []byte
}

func (e *encoder) call(c *rules.Call) (err error) {
	e.out = append(e.out, '{')
	e.text("id", c.ID)
	e.text("kind", c.Kind.String())
	switch c.Kind {
	case rules.Query:
		e.query(c)
	case rules.Webhook:
		err = e.webhook(c)
	default:
		err = errors.New("neither query nor webhook")
	}
	if c.Cache > 0 {
		e.text("cache", c.Cache.String())
	}
	e.out = append(e.out, '}')
	return err
}

// name begins a member.
func (e *encoder) name(name string) {
	if e.out[len(e.out)-1] != '{' {
		e.out = append(e.out, ',')
	}
	e.out = append(value.AppendString(e.out, name), ':')
}

func (e *encoder) text(name, text string) {
	e.name(name)
	e.out = value.AppendString(e.out, text)
}

func (e *encoder) query(c *rules.Call) {
	e.text("db", c.DB)
	e.text("col", c.Col)
	if c.Find.Kind() != value.Missing {
		e.name("find")
		e.out = c.Find.Append(e.out)
	}
	if c.Columns != nil {
		e.name("columns")
		e.out = append(e.out, '[')
		for i, column := range c.Columns {
			if i > 0 {
				e.out = append(e.out, ',')
			}
			e.out = value.AppendString(e.out, column)
		}
		e.out = append(e.out, ']')
	}
	if c.Limit > 0 {
		e.name("limit")
		e.out = strconv.AppendInt(e.out, int64(c.Limit), 10)
	}
}

func (e *encoder) webhook(c *rules.Call) error {
	if k := c.Body.Kind(); k == value.Missing || k == value.Pending {
		return errors.New("a webhook without a body")
	}
	e.text("url", c.URL)
	bearer, err := e.bearer(c)
	if err != nil {
		return err
	}
	origin, err := originOf(c.URL)
	if err != nil {
		return err
	}
	// One hook must not be able to use its token at another one.
	service, err := e.minter.ServiceToken(origin, e.now)
	if err != nil {
		return fmt.Errorf("service token: %w", err)
	}
	e.name("headers")
	e.out = append(e.out, '{')
	e.text("Content-Type", "application/json")
	for _, h := range [...]struct{ name, token string }{{"Authorization", bearer}, {"X-SC-Token", service}} {
		switch {
		case h.token == "":
			continue
		case !headerSafe(h.token):
			return fmt.Errorf("%s: a token that no header can carry", h.name)
		}
		e.text(h.name, "Bearer "+h.token)
	}
	for _, h := range c.Headers {
		e.text(h[0], h[1])
	}
	e.out = append(e.out, '}')
	if c.Cache > 0 && c.Claims.Kind() != value.Missing {
		// The minted token differs each time, its claims do not: they tell cached
		// answers apart.
		sum := sha256.Sum256([]byte(c.Claims.String()))
		e.text("vary", b64.EncodeToString(sum[:]))
	}
	e.name("body")
	e.out = c.Body.Append(e.out)
	return nil
}

// originOf returns the origin of a webhook's URL (RFC 6454, section 6.2): in lower
// case, without the scheme's default port.
func originOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return "", errors.New("a webhook without a URL")
	}
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"http": ":80", "https": ":443"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return u.Scheme + "://" + strings.TrimSuffix(host, ":"), nil
}

// bearer returns the token for Authorization; "": none.
func (e *encoder) bearer(c *rules.Call) (string, error) {
	switch c.Claims.Kind() {
	case value.Missing:
		return c.UserToken, nil
	case value.Object:
	default:
		return "", fmt.Errorf("claims: want an object, found %s", c.Claims.Kind())
	}
	claims := c.Claims
	if claims.Key("exp").Kind() == value.Missing {
		claims = claims.With("exp", value.Int(e.now.Add(ClaimsLife).Unix()))
	}
	token, err := e.minter.Mint(claims.String())
	if err != nil {
		return "", fmt.Errorf("claims: %w", err)
	}
	if token == "" {
		return "", errors.New("claims: minted nothing")
	}
	return token, nil
}

// headerSafe reports whether a token is visible ASCII. A line end in it would begin
// another header.
func headerSafe(token string) bool {
	for _, b := range []byte(token) {
		if b <= ' ' || b >= 0x7f {
			return false
		}
	}
	return true
}
