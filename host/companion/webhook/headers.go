package webhook

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// ClaimsLife is the lifetime of the token of a call's Claims, if they have no `exp`.
const ClaimsLife = 5 * time.Minute

// Fields returns the headers of a call in their order: Content-Type, Authorization
// with the user's token or with one of the call's claims, if there is either,
// X-SC-Token with the service token, and the rule's own. It fails if a token cannot be
// signed with the primary of the keys.
func (c *Call) Fields(keys *token.Set, now time.Time) ([][2]string, error) {
	bearer, err := c.bearer(keys, now)
	if err != nil {
		return nil, err
	}
	origin, err := originOf(c.URL)
	if err != nil {
		return nil, err
	}
	// One host must not be able to use its token at another one.
	service, err := keys.ServiceToken(c.Gateway, origin, now)
	if err != nil {
		return nil, fmt.Errorf("service token: %w", err)
	}
	fields := [][2]string{{"Content-Type", "application/json"}}
	if bearer != "" {
		fields = append(fields, [2]string{"Authorization", "Bearer " + bearer})
	}
	fields = append(fields, [2]string{"X-SC-Token", "Bearer " + service})
	return append(fields, c.Headers...), nil
}

// bearer returns the token for Authorization; "": none.
func (c *Call) bearer(keys *token.Set, now time.Time) (string, error) {
	if c.Claims.Kind() == value.Missing {
		if !visible(c.Token) {
			return "", errors.New("token: no header can have it")
		}
		return c.Token, nil
	}
	claims := c.Claims
	if claims.Key("exp").Kind() == value.Missing {
		claims = claims.With("exp", value.Int(now.Add(ClaimsLife).Unix()))
	}
	return keys.Mint(claims.String(), "")
}

// visible reports whether a token is visible ASCII. A line end in it would begin
// another header.
func visible(token string) bool {
	for _, b := range []byte(token) {
		if b <= ' ' || b >= 0x7f {
			return false
		}
	}
	return true
}

// originOf returns the origin of a URL (RFC 6454, section 6.2): in lower case, without
// the scheme's default port.
func originOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return "", errors.New("url: want one with a scheme and a host")
	}
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"http": ":80", "https": ":443"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return u.Scheme + "://" + strings.TrimSuffix(host, ":"), nil
}
