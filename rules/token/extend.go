package token

import (
	"slices"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// WithSecret returns the set with one more HS256 key, which each of the providers
// has, and an entry without a name too. It is for tools that test a policy with
// tokens of their own; the module never calls it. Issuer and audience of these
// tokens are not checked, their times are.
func (s *Set) WithSecret(secret, kid string, providers []string) *Set {
	out := &Set{}
	if s != nil {
		*out = *s
	}
	out.keyList, out.configured = out.keyList.clone(), out.configured.clone()
	for _, name := range append([]string{""}, slices.Clone(providers)...) {
		k := &key{
			Key:   keys.Key{Kid: kid, Alg: keys.Find("HS256"), Public: keys.Secret(secret)},
			entry: &entry{provider: name},
		}
		out.keyList.add(k)
		out.configured.add(k)
	}
	return out
}

// RequiresExpiry reports whether a token without exp is refused.
func (s *Set) RequiresExpiry() bool { return s != nil && s.requireExpiry }
