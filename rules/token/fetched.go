package token

import (
	"slices"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/token/keys"
)

// fetchedSet is an entry of the policy whose keys are fetched.
type fetchedSet struct {
	entry  *entry
	keys   []*key
	loaded bool // WithKeys has set keys
}

// FetchedSets returns the number of fetched JWK sets. Their indices start at 0,
// in the order of the policy.
func (s *Set) FetchedSets() int {
	if s == nil {
		return 0
	}
	return len(s.fetched)
}

// WithKeys returns the set with the keys of the i-th fetched set replaced by
// those in the text of a JWK set. It skips keys that cannot be used, and says
// why: see keys.ParseFetchedSet, whose errors it returns.
func (s *Set) WithKeys(i int, text string) (out *Set, used int, skipped []string, err error) {
	if i < 0 || i >= s.FetchedSets() {
		return nil, 0, nil, lightfmt.Errorf("there is no fetched set %d", i)
	}
	e := s.fetched[i].entry
	parsed, skipped, err := keys.ParseFetchedSet(text, e.alg)
	if err != nil {
		return nil, 0, nil, err
	}
	list := make([]*key, len(parsed))
	for n, k := range parsed {
		list[n] = &key{Key: *k, entry: e}
	}
	return s.replaced(i, list, true), len(parsed), skipped, nil
}

// WithoutKeys returns the set without the keys of the i-th fetched set.
func (s *Set) WithoutKeys(i int) *Set { return s.replaced(i, nil, false) }

func (s *Set) replaced(i int, list []*key, loaded bool) *Set {
	out := *s
	out.fetched = slices.Clone(s.fetched)
	out.fetched[i].keys, out.fetched[i].loaded = list, loaded
	out.keyList = s.configured.clone()
	for _, f := range out.fetched {
		for _, k := range f.keys {
			out.add(k)
		}
	}
	return &out
}

// fetchable returns the fetched sets that may have the token's key if they are
// fetched now.
func (s *Set) fetchable(a *keys.Algorithm, t *compact) (indices []int) {
	if a.IsHMAC() {
		return nil
	}
	for i := range s.fetched {
		f := &s.fetched[i]
		fits := f.entry.alg == nil || f.entry.alg == a
		if fits && (!f.loaded || t.hasKid || f.hasNameless(a)) {
			indices = append(indices, i)
		}
	}
	return indices
}

// hasNameless reports whether a key of the set has no kid: then the issuer may
// have replaced it by another one.
func (f *fetchedSet) hasNameless(a *keys.Algorithm) bool {
	return slices.ContainsFunc(f.keys, func(k *key) bool { return k.Kid == "" && k.Verifies(a) })
}
