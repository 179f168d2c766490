package token

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
)

// facts are the registered claims that decide whether a token counts.
type facts struct {
	exp, nbf, iat gjson.Result // Exists() false: absent
	iss, aud      gjson.Result

	expires, notBefore time.Time // exact, zero when absent
}

// readFacts reads a payload; one that is not a single, unambiguous object is
// refused.
func readFacts(payload string) (facts, error) {
	var f facts
	if err := strictjson.Check(payload, maxDepth); err != nil {
		return f, fail(StageClaims, "%v", err)
	}
	claims := gjson.Parse(payload)
	if !claims.IsObject() {
		return f, fail(StageClaims, "want a JSON object")
	}
	claims.ForEach(func(key, v gjson.Result) bool {
		switch key.Str {
		case "exp":
			f.exp = v
		case "nbf":
			f.nbf = v
		case "iat":
			f.iat = v
		case "iss":
			f.iss = v
		case "aud":
			f.aud = v
		}
		return true
	})
	return f, nil
}

// checkTime judges exp, nbf and iat where they are present: RFC 7519 sections
// 4.1.4 to 4.1.6.
func (s *Set) checkTime(f *facts, now time.Time) error {
	for _, c := range []struct {
		name  string
		value gjson.Result
	}{{"exp", f.exp}, {"nbf", f.nbf}, {"iat", f.iat}} {
		if !c.value.Exists() {
			continue
		}
		at, ok := numericDate(c.value)
		switch {
		case !ok:
			return fail(StageTime, "%s: want a number of seconds", c.name)
		case c.name == "exp":
			f.expires = at
		case at.After(f.notBefore) || f.notBefore.IsZero():
			f.notBefore = at
		}
	}
	c := s.claims(f)
	switch {
	case !f.exp.Exists() && s.requireExpiry:
		return fail(StageTime, "exp: missing, and the policy requires it")
	case f.exp.Exists() && !now.Before(c.Expires):
		return fail(StageTime, "exp: the token has expired")
	case now.Before(c.NotBefore):
		return fail(StageTime, "nbf or iat: the token is not valid yet")
	}
	return nil
}

// claims gives the token's times with the leeway.
func (s *Set) claims(f *facts) Claims {
	var c Claims
	if !f.expires.IsZero() {
		c.Expires = f.expires.Add(s.leeway)
	}
	if !f.notBefore.IsZero() {
		c.NotBefore = f.notBefore.Add(-s.leeway)
	}
	return c
}

// The times that time.Time can print; what lies beyond counts as these.
const (
	maxSeconds = 253402300799 // 9999-12-31T23:59:59Z
	minSeconds = -62135596799 // 0001-01-01T00:00:01Z, one past the zero Time
)

// numericDate reads RFC 7519's NumericDate: seconds since 1970, fractions
// allowed. Only a JSON number is one, and only one that a double can hold.
func numericDate(v gjson.Result) (time.Time, bool) {
	if v.Type != gjson.Number {
		return time.Time{}, false
	}
	if n, err := strconv.ParseInt(v.Raw, 10, 64); err == nil {
		return time.Unix(min(max(n, minSeconds), maxSeconds), 0), true
	}
	f, err := strconv.ParseFloat(v.Raw, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return time.Time{}, false
	}
	whole, part := math.Modf(min(max(f, minSeconds), maxSeconds))
	return time.Unix(int64(whole), int64(part*1e9)), true
}

// checkParties judges aud and iss where the key names what they must be.
func (k *key) checkParties(f *facts) error {
	if len(k.audience) > 0 && !anyOf(f.aud, k.audience) {
		return fail(StageAudience, "aud: missing, or none that the key is for")
	}
	// RFC 7519 section 4.1.1: one string, never an array.
	if len(k.issuer) > 0 && !(f.iss.Type == gjson.String && slices.Contains(k.issuer, f.iss.Str)) {
		return fail(StageIssuer, "iss: missing, or none that the key belongs to")
	}
	return nil
}

// anyOf reports whether aud, a string or an array of strings, has one of the
// wanted. An array with anything else in it has none.
func anyOf(aud gjson.Result, wanted []string) bool {
	if aud.Type == gjson.String {
		return slices.Contains(wanted, aud.Str)
	}
	if !aud.IsArray() {
		return false
	}
	found, clean := false, true
	aud.ForEach(func(_, v gjson.Result) bool {
		clean = clean && v.Type == gjson.String
		found = found || slices.Contains(wanted, v.Str)
		return clean
	})
	return found && clean
}
