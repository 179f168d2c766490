package token

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// fetchedSet is an entry of the policy whose keys are fetched.
type fetchedSet struct {
	entry *key              // alg, provider, issuer and audience of its keys
	keys  map[string][]*key // by kid; nil: WithKeys has not set any
}

// FetchedSets returns the number of fetched JWK sets. Their indices start at 0,
// in the order of the policy.
func (s *Set) FetchedSets() int {
	if s == nil {
		return 0
	}
	return len(s.fetched)
}

// WithNative returns the set with the proxy's verification of signatures.
func (s *Set) WithNative(n keys.Native) *Set {
	if s == nil {
		return nil
	}
	out := *s
	out.native = n
	return &out
}

// WithKeys returns the set with the keys of the i-th fetched set replaced by
// those in the text of a JWK set. It skips keys that cannot be used: see
// keys.ParseFetchedSet, whose errors it returns.
func (s *Set) WithKeys(i int, text string) (out *Set, used, skipped int, err error) {
	if i < 0 || i >= s.FetchedSets() {
		return nil, 0, 0, fmt.Errorf("there is no fetched set %d", i)
	}
	entry := s.fetched[i].entry
	parsed, skipped, err := keys.ParseFetchedSet(text, entry.Alg)
	if err != nil {
		return nil, 0, 0, err
	}
	byKid := map[string][]*key{}
	for _, k := range parsed {
		byKid[k.Kid] = append(byKid[k.Kid], entry.with(k))
	}
	return s.replaced(i, byKid), len(parsed), skipped, nil
}

// with returns a key with the entry's provider, issuer and audience.
func (entry *key) with(k *keys.Key) *key {
	return &key{Key: *k, provider: entry.provider, issuer: entry.issuer, audience: entry.audience}
}

// WithoutKeys returns the set without the keys of the i-th fetched set.
func (s *Set) WithoutKeys(i int) *Set { return s.replaced(i, nil) }

func (s *Set) replaced(i int, byKid map[string][]*key) *Set {
	out := *s
	out.fetched = append([]fetchedSet(nil), s.fetched...)
	out.fetched[i].keys = byKid
	out.byKid = maps.Clone(s.configured)
	for _, f := range out.fetched {
		for kid, keys := range f.keys {
			// A new slice, because configured shares the old one.
			out.byKid[kid] = append(append([]*key(nil), out.byKid[kid]...), keys...)
		}
	}
	return &out
}

// missing adds to err, the failure to find a key, the fetched sets that may have
// that key. A token that would be refused with any key gets that error instead,
// so that no set is fetched for it.
func (s *Set) missing(a *keys.Algorithm, t *compact, err error, now time.Time) error {
	var e *Error
	if a == nil || !t.hasKid || !errors.As(err, &e) || s.FetchedSets() == 0 {
		return err
	}
	c, refused := readClaims(t.payload)
	if refused == nil {
		refused = s.checkTime(&c, now)
	}
	for i := range s.fetched {
		entry := s.fetched[i].entry
		_, known := s.fetched[i].keys[t.kid] // then the key is for another algorithm
		if known || a.IsHMAC() || entry.Alg != nil && entry.Alg != a {
			continue
		}
		if refused != nil {
			return refused
		}
		if entry.checkParties(&c) == nil {
			e.Missing = append(e.Missing, i)
			e.Kid = t.kid
		}
	}
	return err
}
