package decide

import (
	"errors"
	"fmt"
	"time"

	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/token"
)

// authenticate reads and verifies the token, as far as the resource wants one.
// If wait is true, the key of the token may come in a moment.
func (r *Request) authenticate(now time.Time) (wait bool, refusal *Refusal) {
	wait, refusal = r.readToken(now)
	if refusal != nil && refusal.Status == 401 && r.resource.Auth.IgnoresInvalid() {
		return false, nil
	}
	return wait, refusal
}

func (r *Request) readToken(now time.Time) (wait bool, refusal *Refusal) {
	auth := r.resource.Auth
	if !auth.Reads() {
		return false, nil
	}
	c, found, err := readCredential(&r.head, r.engine.policy.Sources)
	switch {
	case err != nil:
		return false, r.engine.badToken(err)
	case !found && auth.Optional():
		return false, nil
	case !found:
		return false, r.engine.unauthorized("", "no token")
	}
	if err := checkOrigin(&r.head, c.cookieSources); err != nil {
		return false, forbidden("token: " + err.Error())
	}
	if c.apiKey != "" {
		return false, r.readAPIKey(&c, now)
	}
	claims, err := r.engine.tokens.Verify(r.engine.keys.Set(), c.token, now, auth.Accepts)
	if err != nil {
		return r.unverified(err, now)
	}
	if refusal := r.accept(&claims); refusal != nil {
		return false, refusal
	}
	r.token = c.token
	return false, nil
}

// accept takes the claims of a token or an API key that was verified.
func (r *Request) accept(c *token.Claims) *Refusal {
	claims := c.Value
	if r.resource.Auth.Bound() {
		if err := r.checkBound(claims); err != nil {
			return r.engine.badToken(err)
		}
	}
	r.verified, r.claims = true, claims
	return nil
}

func (r *Request) readAPIKey(c *credential, now time.Time) *Refusal {
	claims, err := r.engine.keys.Set().APIKey(c.apiKey, c.token, now, r.resource.Auth.Accepts)
	if err != nil {
		return r.engine.badToken(err)
	}
	if refusal := r.accept(&claims); refusal != nil {
		return refusal
	}
	r.apiKey = c.token
	return nil
}

// unverified decides about a token that no entry accepts with the keys at hand:
// if a set that may have its key is not here, or old, it is fetched.
func (r *Request) unverified(err error, now time.Time) (wait bool, refusal *Refusal) {
	var e *token.Error
	if !errors.As(err, &e) || e.Missing == nil {
		return false, r.engine.badToken(err)
	}
	switch r.engine.keys.Missing(e.Missing, e.Kid, r.received, now) {
	case jwks.Wait:
		return true, nil
	case jwks.Absent:
		return false, r.engine.badToken(fmt.Errorf("%w; its issuer does not have the key either", err))
	}
	return false, unavailable("token: the keys of its issuer cannot be fetched")
}
