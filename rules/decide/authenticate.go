package decide

import (
	"errors"
	"time"

	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// authenticate reads and verifies the token, as far as the resource wants one. Wait is
// awaitKeys or awaitIssuer if that may bring what the token's verification lacks.
func (r *Request) authenticate(now time.Time) (wait state, refusal *Refusal) {
	wait, refusal = r.readToken(now)
	return wait, r.unlessIgnored(refusal)
}

// unlessIgnored returns the refusal of a token, unless the resource takes a token that
// is not valid for none.
func (r *Request) unlessIgnored(refusal *Refusal) *Refusal {
	if refusal != nil && refusal.Status == 401 && r.resource.Auth.IgnoresInvalid() {
		return nil
	}
	return refusal
}

func (r *Request) readToken(now time.Time) (wait state, refusal *Refusal) {
	auth := r.resource.Auth
	if !auth.Reads() {
		return ended, nil
	}
	if r.judged.raw != "" {
		return r.verify(r.judged.raw, now)
	}
	c, found, err := readCredential(&r.head, r.engine.policy.Sources)
	switch {
	case err != nil:
		return ended, r.engine.badToken(err)
	case !found && auth.Optional():
		return ended, nil
	case !found:
		return ended, r.engine.unauthorized("", "no token")
	}
	if err := checkOrigin(&r.head, c.cookieSources); err != nil {
		return ended, forbidden("token: " + err.Error())
	}
	if c.apiKey != "" {
		return ended, r.readAPIKey(&c, now)
	}
	return r.verify(c.token, now)
}

// verify verifies the request's token, unless Passes has done so.
func (r *Request) verify(raw string, now time.Time) (wait state, refusal *Refusal) {
	j := &r.judged
	if !j.known {
		j.claims, j.err = r.verifyToken(raw, now)
	}
	if j.err == nil {
		return ended, r.acceptToken(raw, &j.claims)
	}
	wait, refusal = r.unverified(j.err, now)
	if wait != ended || errors.Is(j.err, token.ErrServiceToken) {
		return wait, refusal
	}
	return r.introspect(raw, refusal, now)
}

// verifyToken verifies the request's token. Its claims are valid as long as the request.
func (r *Request) verifyToken(raw string, now time.Time) (token.Claims, error) {
	if r.opener == nil {
		r.opener = new(value.Opener)
	}
	keys, takes := r.engine.keys.Set(), r.resource.Auth.Accepts
	if r.judged.isNew {
		return r.engine.tokens.VerifyNew(keys, raw, now, takes, r.opener)
	}
	return r.engine.tokens.Verify(keys, raw, now, takes, r.opener)
}

// acceptToken takes the claims of a token that was verified.
func (r *Request) acceptToken(raw string, c *token.Claims) *Refusal {
	if refusal := r.accept(c); refusal != nil {
		return refusal
	}
	r.token = raw
	return nil
}

// accept takes the claims of a token or an API key that was verified.
func (r *Request) accept(c *token.Claims) *Refusal {
	claims := c.Value
	if r.resource.Auth.Bound() {
		if err := r.checkBound(claims); err != nil {
			return r.engine.badToken(err)
		}
	}
	r.verified, r.claims, r.memo = true, claims, c.Memo
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
func (r *Request) unverified(err error, now time.Time) (wait state, refusal *Refusal) {
	e, ok := errors.AsType[*token.Error](err)
	if !ok || e.Missing == nil {
		return ended, r.engine.badToken(err)
	}
	switch r.engine.keys.Missing(e.Missing, e.Kid, r.received, now) {
	case jwks.Wait:
		return awaitKeys, nil
	case jwks.Absent:
		return ended, r.engine.badToken(lightfmt.Errorf("%w; its issuer does not have the key either", err))
	}
	return ended, unavailable("token: the keys of its issuer cannot be fetched")
}
