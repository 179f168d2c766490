package token

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// registeredClaims are the claims that decide whether a token is accepted (RFC
// 7519 section 4.1).
type registeredClaims struct {
	object        value.Value
	exp, nbf, iat value.Value // Missing: absent
	iss, aud      value.Value

	expires, notBefore time.Time // exact, zero when absent
}

// readClaims reads the registered claims of a payload, in one pass if there is an Opener.
// It refuses a payload that is not exactly one JSON object without repeated keys.
func readClaims(payload string, o *value.Opener) (registeredClaims, error) {
	var object value.Value
	var err error
	if o != nil {
		object, err = o.Parse(payload, maxDepth)
	} else {
		object, err = value.Parse(payload, maxDepth)
	}
	if err != nil {
		return registeredClaims{}, fail(StageClaims, "%v", err)
	}
	if object.Kind() != value.Object {
		return registeredClaims{}, fail(StageClaims, "want a JSON object")
	}
	return registered(object), nil
}

// registered picks the registered claims of an object.
func registered(object value.Value) (c registeredClaims) {
	c.object = object
	object.Each(func(key string, v value.Value) bool {
		switch key {
		case "exp":
			c.exp = v
		case "nbf":
			c.nbf = v
		case "iat":
			c.iat = v
		case "iss":
			c.iss = v
		case "aud":
			c.aud = v
		}
		return true
	})
	return c
}

// date is a registered claim that is a time.
type date struct {
	name  string
	claim value.Value
}

func (c *registeredClaims) dates() [3]date {
	return [...]date{{"exp", c.exp}, {"nbf", c.nbf}, {"iat", c.iat}}
}

// checkTime checks exp, nbf and iat where they are present: RFC 7519 sections
// 4.1.4 to 4.1.6.
func (s *Set) checkTime(c *registeredClaims, now time.Time) error {
	for _, date := range c.dates() {
		if date.claim.Kind() == value.Missing {
			continue
		}
		at, ok := numericDate(date.claim)
		switch {
		case !ok:
			return fail(StageTime, "%s: want a number of seconds", date.name)
		case date.name == "exp":
			c.expires = at
		case at.After(c.notBefore) || c.notBefore.IsZero():
			c.notBefore = at
		}
	}
	times := s.times(c)
	switch {
	case c.exp.Kind() == value.Missing && s.requireExpiry:
		return fail(StageTime, "exp: missing, and the policy requires it")
	case c.exp.Kind() != value.Missing && !now.Before(times.Expires):
		return fail(StageTime, "exp: the token has expired")
	case now.Before(times.NotBefore):
		return fail(StageTime, "nbf or iat: the token is not valid yet")
	}
	return nil
}

// times returns Claims with the times of a token, the leeway included.
func (s *Set) times(c *registeredClaims) Claims {
	var out Claims
	if !c.expires.IsZero() {
		out.Expires = c.expires.Add(s.leeway)
	}
	if !c.notBefore.IsZero() {
		out.NotBefore = c.notBefore.Add(-s.leeway)
	}
	return out
}

// The first and last times that time.Time can print. Dates outside this range
// count as the nearer bound.
const (
	maxSeconds = 253402300799 // 9999-12-31T23:59:59Z
	minSeconds = -62135596799 // 0001-01-01T00:00:01Z, one past the zero Time
)

// numericDate reads RFC 7519's NumericDate: seconds since 1970, fractions
// allowed. Only a JSON number is one, and only one that a double can hold.
func numericDate(v value.Value) (time.Time, bool) {
	text, ok := v.Number()
	if !ok {
		return time.Time{}, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(min(max(n, minSeconds), maxSeconds), 0), true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return time.Time{}, false
	}
	whole, part := math.Modf(min(max(f, minSeconds), maxSeconds))
	return time.Unix(int64(whole), int64(part*1e9)), true
}

// checkParties checks aud and iss where the entry names accepted values.
func (e *entry) checkParties(c *registeredClaims) error {
	if len(e.audience) > 0 && !anyOf(c.aud, e.audience) {
		return fail(StageAudience, "aud: missing, or not one that the entry accepts")
	}
	// RFC 7519 section 4.1.1: one string, never an array.
	if iss, ok := c.iss.Text(); len(e.issuer) > 0 && !(ok && slices.Contains(e.issuer, iss)) {
		return fail(StageIssuer, "iss: missing, or not one that the entry accepts")
	}
	return nil
}

// anyOf reports whether aud, a string or an array of strings, has one of the
// wanted values. An array with any other element is refused.
func anyOf(aud value.Value, wanted []string) bool {
	if text, ok := aud.Text(); ok {
		return slices.Contains(wanted, text)
	}
	if aud.Kind() != value.Array {
		return false
	}
	found, clean := false, true
	aud.Each(func(_ string, v value.Value) bool {
		var text string
		text, clean = v.Text()
		found = found || slices.Contains(wanted, text)
		return clean
	})
	return found && clean
}
