package token

import (
	"time"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// Verify checks a token of at most 16 KiB at the time now.
//
// The token's alg and kid choose the keys. If there are several, the provider
// is the first whose key made the signature and whose issuer and audience
// agree.
//
// Errors: always an *Error, of the first stage that refuses. Its Missing names
// the fetched sets that may hold a key that the Set does not have.
func (s *Set) Verify(raw string, now time.Time) (Claims, error) {
	t, err := parse(raw)
	if err != nil {
		return Claims{}, err
	}
	a, chosen, err := s.choose(&t)
	if err != nil {
		return Claims{}, s.missing(a, &t, err, now)
	}
	err = fail(StageSignature, "not made by a key that alg and kid choose")
	var c registeredClaims
	signed := false
	for _, k := range chosen {
		if !s.native.Verify(a, &k.Key, t.signed, t.signature) {
			continue
		}
		if !signed { // the claims are the same for every key
			signed = true
			if c, err = readClaims(t.payload); err != nil {
				return Claims{}, err
			}
			if err = s.checkTime(&c, now); err != nil {
				return Claims{}, err
			}
		}
		if err = k.checkParties(&c); err != nil {
			continue
		}
		out := s.times(&c)
		out.JSON, out.Provider = t.payload, k.provider
		return out, nil
	}
	if !signed { // another issuer may have a key of the same kid
		err = s.missing(a, &t, err, now)
	}
	return Claims{}, err
}

// choose returns the keys that a token's header chooses: at least one, or an
// error.
func (s *Set) choose(t *compact) (*keys.Algorithm, []*key, error) {
	a := keys.Find(t.alg)
	if a == nil {
		return nil, nil, fail(StageKey, "alg %s is not accepted", keys.Quote(t.alg))
	}
	if s == nil {
		return nil, nil, fail(StageKey, "no keys are configured")
	}
	among := s.static
	if t.hasKid {
		among = s.byKid[t.kid]
		if len(among) == 0 {
			return a, nil, fail(StageKey, "no key has the kid %s: add kid to the entry of auth.tokens that it belongs to", keys.Quote(t.kid))
		}
	}
	var chosen []*key
	for _, k := range among {
		if k.Verifies(a) {
			chosen = append(chosen, k)
		}
	}
	switch {
	case len(chosen) > 0:
		return a, chosen, nil
	case t.hasKid:
		return a, nil, fail(StageKey, "the key of kid %s is not for %s", keys.Quote(t.kid), a.Name)
	default:
		return nil, nil, fail(StageKey, "no key is for %s (a token without kid is never tried with a JWK set)", a.Name)
	}
}
