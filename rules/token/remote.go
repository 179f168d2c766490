package token

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
)

const (
	// MaxJWKS bounds the text of a set that was fetched, in bytes.
	MaxJWKS = 256 << 10
	// maxRemoteKeys bounds what is in it.
	maxRemoteKeys = 100
)

// remote is an entry whose keys are fetched.
type remote struct {
	entry *key              // alg, provider, issuer and audience of its keys
	keys  map[string][]*key // by kid; nil: none were brought
}

// Remotes is how many entries of the policy are fetched sets. They are numbered
// from 0 in the file's order.
func (s *Set) Remotes() int {
	if s == nil {
		return 0
	}
	return len(s.remotes)
}

// WithHost is the set with a host that verifies signatures.
func (s *Set) WithHost(h Host) *Set {
	if s == nil {
		return nil
	}
	out := *s
	out.host = h
	return &out
}

// WithKeys is the set with the i-th remote set's keys replaced by those of a JWK
// set's text. What in it is no key that verifies tokens with a kid and an
// algorithm that are accepted here is passed over: issuers publish keys for
// encryption and for algorithms of tomorrow beside the others.
//
// Errors: the text is too large, no JSON, no set, or has no key that can be
// used, or too many; none repeats what is in it.
func (s *Set) WithKeys(i int, text string) (out *Set, used, passedOver int, err error) {
	if i < 0 || i >= s.Remotes() {
		return nil, 0, 0, fmt.Errorf("there is no remote set %d", i)
	}
	entry := s.remotes[i].entry
	keys, passedOver, err := remoteKeys(text, entry)
	if err != nil {
		return nil, 0, 0, err
	}
	byKid := map[string][]*key{}
	for _, k := range keys {
		byKid[k.kid] = append(byKid[k.kid], k)
	}
	return s.replaced(i, byKid), len(keys), passedOver, nil
}

// WithoutKeys is the set without the i-th remote set's keys.
func (s *Set) WithoutKeys(i int) *Set { return s.replaced(i, nil) }

func (s *Set) replaced(i int, byKid map[string][]*key) *Set {
	out := *s
	out.remotes = append([]remote(nil), s.remotes...)
	out.remotes[i].keys = byKid
	out.byKid = maps.Clone(s.fixed)
	for _, r := range out.remotes {
		for kid, keys := range r.keys {
			// A slice of its own: the fixed one must not be appended to.
			out.byKid[kid] = append(append([]*key(nil), out.byKid[kid]...), keys...)
		}
	}
	return &out
}

// remoteKeys reads a set that was fetched.
func remoteKeys(text string, entry *key) (keys []*key, passedOver int, err error) {
	if len(text) > MaxJWKS {
		return nil, 0, fmt.Errorf("more than %d bytes", MaxJWKS)
	}
	if err := strictjson.Check(text, maxDepth); err != nil {
		return nil, 0, fmt.Errorf("not JSON: %w", err)
	}
	list := member(gjson.Parse(text), "keys")
	if !list.IsArray() {
		return nil, 0, errors.New("no array `keys` (RFC 7517, section 5)")
	}
	jwks := list.Array()
	if len(jwks) > maxRemoteKeys {
		return nil, 0, fmt.Errorf("%d keys, at most %d are taken", len(jwks), maxRemoteKeys)
	}
	for _, jwk := range jwks {
		k, _, err := parseJWK(jwk)
		if err != nil || k == nil || !publishable(k) || entry.alg != nil && !k.verifies(entry.alg) {
			passedOver++
			continue
		}
		if entry.alg != nil {
			k.alg = entry.alg
		}
		k.provider, k.issuer, k.audience = entry.provider, entry.issuer, entry.audience
		k.spki = forHost(k.public)
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, 0, fmt.Errorf("none of %d keys can be used", len(jwks))
	}
	return keys, passedOver, nil
}

// publishable is false for a secret: one that anybody can fetch is none.
func publishable(k *key) bool {
	_, isSecret := k.public.(secret)
	return !isSecret
}

// missing adds to a failure to find a key which remote sets may have it. Where
// the token itself says that it would be refused, with whatever key, that is the
// error, and nothing is fetched for it.
func (s *Set) missing(a *algorithm, t *compact, err error, now time.Time) error {
	var e *Error
	if a == nil || !t.hasKid || !errors.As(err, &e) || s.Remotes() == 0 {
		return err
	}
	f, bad := readFacts(t.payload)
	if bad == nil {
		bad = s.checkTime(&f, now)
	}
	for i := range s.remotes {
		entry := s.remotes[i].entry
		_, known := s.remotes[i].keys[t.kid] // then it is for another algorithm
		if known || a.family == familyHMAC || entry.alg != nil && entry.alg != a {
			continue
		}
		if bad != nil {
			return bad
		}
		if entry.checkParties(&f) == nil {
			e.Missing = append(e.Missing, i)
			e.Kid = t.kid
		}
	}
	return err
}
