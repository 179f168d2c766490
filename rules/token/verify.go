package token

import (
	"slices"
	"time"

	"github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/value"
)

// maxTried bounds the keys that are tried with one token.
const maxTried = 16

// Verify is VerifyFor with all entries.
func (s *Set) Verify(raw string, now time.Time) (Claims, error) {
	return s.VerifyFor(raw, now, nil)
}

// VerifyFor checks a token of at most 16 KiB at the time now. Takes says which
// entries count, by their Name; nil: all.
//
// The token's alg and kid choose the keys; without a kid all keys of the alg
// are tried, at most 16. The provider is the first entry whose key made the
// signature and whose issuer and audience agree.
//
// Errors: always an *Error, of the first stage that refuses. Its Missing names
// the fetched sets that may hold a key that the Set does not have.
func (s *Set) VerifyFor(raw string, now time.Time, takes func(provider string) bool) (Claims, error) {
	j, err := s.judge(raw, now, nil)
	if err != nil {
		return Claims{}, err
	}
	return j.decide(s, takes)
}

// judgement is the answer of every entry of a Set to one token.
type judgement struct {
	claims   Claims    // without the Provider; zero when no key made the signature
	accepted []*entry  // whose key made the signature, and whose parties agree
	one      [1]*entry // the memory of accepted, in most cases
	refused  error     // why an entry refuses, or why no key is the token's
	kid      string
	// missing are the fetched sets that may have the token's key if they are
	// fetched now. It does not matter for entries that have accepted the token.
	missing []int
}

// judge verifies a token with the keys of all entries. It fails for a token that
// no entry and no fetch can accept. o is the memory of the claims' Value; nil: it stays
// text.
func (s *Set) judge(raw string, now time.Time, o *value.Opener) (*judgement, error) {
	var known *headers
	if s != nil {
		known = s.headers
	}
	t, err := parse(raw, known)
	if err != nil {
		return nil, err
	}
	a := keys.Find(t.alg)
	if a == nil {
		return nil, fail(StageKey, "alg %s is not accepted", keys.Quote(t.alg))
	}
	if s == nil {
		return nil, fail(StageKey, "no keys are configured")
	}
	if !s.crypto.Supports(a) {
		return nil, fail(StageKey, "alg %s is not accepted: the proxy cannot verify it", a.Name)
	}
	j := &judgement{kid: t.kid}
	signers, err := s.signers(a, &t, j.one[:0])
	fetchable := s.fetchable(a, &t)
	if len(signers) == 0 && len(fetchable) == 0 {
		return nil, err
	}
	c, refused := readClaims(t.payload, o)
	if refused == nil {
		refused = s.checkTime(&c, now)
	}
	if refused != nil {
		return nil, refused
	}
	j.refused = err
	if len(signers) > 0 {
		s.headers.keep(&t)
		j.claims = s.times(&c)
		j.claims.JSON, j.claims.Value = t.payload, c.object
	}
	j.accepted = signers[:0]
	for _, e := range signers {
		if err := e.checkParties(&c); err == nil {
			j.accepted = append(j.accepted, e)
		} else {
			j.refused = err
		}
	}
	for _, i := range fetchable {
		if s.fetched[i].entry.checkParties(&c) == nil {
			j.missing = append(j.missing, i)
		}
	}
	return j, nil
}

// accepts reports whether an entry that the caller takes has accepted the token.
func (j *judgement) accepts(takes func(provider string) bool) bool {
	return slices.ContainsFunc(j.accepted, func(e *entry) bool { return takes(e.provider) })
}

// decide returns the claims if an entry that the caller takes has accepted them.
func (j *judgement) decide(s *Set, takes func(provider string) bool) (Claims, error) {
	for _, e := range j.accepted {
		if takes == nil || takes(e.provider) {
			claims := j.claims
			claims.Provider = e.provider
			return claims, nil
		}
	}
	var out Error
	switch refused, _ := j.refused.(*Error); {
	case len(j.accepted) > 0:
		out = *otherProvider(j.accepted[0])
	case refused != nil:
		out = *refused
	}
	for _, i := range j.missing {
		if takes == nil || takes(s.fetched[i].entry.provider) {
			out.Missing, out.Kid = append(out.Missing, i), j.kid
		}
	}
	return Claims{}, &out
}

// otherProvider refuses credentials that an entry accepts and the caller does not
// take.
func otherProvider(e *entry) *Error {
	return &Error{Stage: StageProvider, Message: "of provider " + keys.Quote(e.provider) + ", which the resource does not accept"}
}

// signers appends the entries with a key that made the token's signature to found, in
// their order. The error says why there is none.
func (s *Set) signers(a *keys.Algorithm, t *compact, found []*entry) ([]*entry, error) {
	among := s.all
	if t.hasKid {
		among = s.byKid[t.kid]
		if len(among) == 0 {
			return nil, fail(StageKey, "no key has the kid %s: add kid to the entry of auth.tokens that it belongs to", keys.Quote(t.kid))
		}
	}
	var signer keys.Public  // the key that made the signature
	var tried []keys.Public // the other keys; entries may share one
	more := false           // there are keys beyond maxTried
	for _, k := range among {
		switch {
		case !k.Verifies(a):
			continue
		case !signer.IsZero():
			if !signer.Equal(k.Public) {
				continue
			}
		case slices.ContainsFunc(tried, k.Public.Equal):
			continue
		case len(tried) == maxTried:
			more = true
			continue
		case s.crypto.Verify(a, k.Public, t.signed, t.signature):
			signer = k.Public
		default:
			tried = append(tried, k.Public)
			continue
		}
		if !slices.Contains(found, k.entry) {
			found = append(found, k.entry)
		}
	}
	switch {
	case !signer.IsZero():
		return found, nil
	case more:
		return nil, fail(StageSignature, "not made by one of the first %d keys for %s; no more are tried", maxTried, a.Name)
	case len(tried) > 0:
		return nil, fail(StageSignature, "not made by a key that alg and kid choose")
	case t.hasKid:
		return nil, fail(StageKey, "the key of kid %s is not for %s", keys.Quote(t.kid), a.Name)
	}
	return nil, fail(StageKey, "no key is for %s", a.Name)
}
