package token

import "time"

// key is one that verifies tokens.
type key struct {
	provider         string
	alg              *algorithm // nil: every one that the material fits
	kid              string
	public           any    // secret, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	spki             []byte // of RSA and ECDSA, for the host
	issuer, audience []string
}

// verifies reports whether the key may verify tokens of the algorithm.
func (k *key) verifies(a *algorithm) bool {
	if k.alg != nil && k.alg != a {
		return false
	}
	return a.fits(k.public)
}

// overlaps reports whether one token could choose both keys.
func (k *key) overlaps(other *key) bool {
	for i := range algorithms {
		if a := &algorithms[i]; k.verifies(a) && other.verifies(a) {
			return true
		}
	}
	return false
}

// Set holds the keys of a policy. It does not change, so any number of
// goroutines may use it. The zero Set accepts nothing.
type Set struct {
	static  []*key // secrets and PEM keys: what a token without kid is tried with
	byKid   map[string][]*key
	primary *primary
	host    Host

	remotes []remote
	fixed   map[string][]*key // byKid without the remote sets' keys; neither changes

	leeway        time.Duration
	requireExpiry bool
}

// Verify checks a token at the time now, with at most 16 KiB of text.
//
// A token is tried with the keys that its alg and kid choose; with more than
// one, the first that made the signature and whose issuer and audience agree
// is the provider.
//
// Errors: always an *Error, of the first stage that refuses. Its Missing names
// the remote sets that may hold the key that is not there.
func (s *Set) Verify(raw string, now time.Time) (Claims, error) {
	t, err := parse(raw)
	if err != nil {
		return Claims{}, err
	}
	a, keys, err := s.choose(&t)
	if err != nil {
		return Claims{}, s.missing(a, &t, err, now)
	}
	err = fail(StageSignature, "not made by a key that alg and kid choose")
	var f facts
	signed := false
	for _, k := range keys {
		if !s.signedBy(a, k, &t) {
			continue
		}
		if !signed { // the claims are the same, whoever signed
			signed = true
			if f, err = readFacts(t.payload); err != nil {
				return Claims{}, err
			}
			if err = s.checkTime(&f, now); err != nil {
				return Claims{}, err
			}
		}
		if err = k.checkParties(&f); err != nil {
			continue
		}
		c := s.claims(&f)
		c.JSON, c.Provider = t.payload, k.provider
		return c, nil
	}
	if !signed { // another issuer may have a key of the same kid
		err = s.missing(a, &t, err, now)
	}
	return Claims{}, err
}

// signedBy asks the host, and where that cannot tell, Go's own code.
func (s *Set) signedBy(a *algorithm, k *key, t *compact) bool {
	if ok, told := s.host.check(a, k, t.signed, t.signature); told {
		return ok
	}
	return verifySignature(a, k.public, t.signed, t.signature)
}

// choose gives the keys that a token's header names; never none without an
// error.
func (s *Set) choose(t *compact) (*algorithm, []*key, error) {
	a := findAlgorithm(t.alg)
	if a == nil {
		return nil, nil, fail(StageKey, "alg %s is not accepted", quote(t.alg))
	}
	if s == nil {
		return nil, nil, fail(StageKey, "no keys are configured")
	}
	among := s.static
	if t.hasKid {
		among = s.byKid[t.kid]
		if len(among) == 0 {
			return a, nil, fail(StageKey, "no key has the kid %s: add kid to the entry of auth.tokens that it belongs to", quote(t.kid))
		}
	}
	var keys []*key
	for _, k := range among {
		if k.verifies(a) {
			keys = append(keys, k)
		}
	}
	switch {
	case len(keys) > 0:
		return a, keys, nil
	case t.hasKid:
		return a, nil, fail(StageKey, "the key of kid %s is not for %s", quote(t.kid), a.name)
	default:
		return nil, nil, fail(StageKey, "no key is for %s (a token without kid is never tried with a JWK set)", a.name)
	}
}
