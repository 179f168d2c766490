package token

import (
	"slices"
	"time"
)

// Entry is an entry of the policy, and its answer about a token.
type Entry struct {
	Provider string
	Algs     []string // of its keys
	Fetched  bool     // its keys are fetched
	APIKeys  bool     // it has API keys, no keys of tokens
	Refusal  error    // nil: it accepts the token
}

// Explain returns each entry's answer about a token, as if the policy had no other.
// It is for explanations; VerifyFor decides.
func (s *Set) Explain(raw string, now time.Time, takes func(provider string) bool) (out []Entry) {
	for _, e := range s.entries() {
		alone := &Set{keyList: keyList{byKid: map[string][]*key{}}, crypto: s.crypto, leeway: s.leeway, requireExpiry: s.requireExpiry}
		entry := Entry{Provider: e.provider}
		for _, k := range s.all {
			if k.entry != e {
				continue
			}
			alone.add(k)
			if k.Alg != nil && !slices.Contains(entry.Algs, k.Alg.Name) {
				entry.Algs = append(entry.Algs, k.Alg.Name)
			}
		}
		for _, f := range s.fetched {
			if f.entry == e {
				alone.fetched, entry.Fetched = append(alone.fetched, f), true
			}
		}
		_, entry.Refusal = alone.VerifyFor(raw, now, takes)
		out = append(out, entry)
	}
	return out
}

// entries lists the entries with keys of tokens, in the order of the policy as far as
// their keys tell it.
func (s *Set) entries() (all []*entry) {
	add := func(e *entry) {
		if !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	for _, k := range s.all {
		add(k.entry)
	}
	for _, f := range s.fetched {
		add(f.entry)
	}
	return all
}
