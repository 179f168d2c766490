package token

import (
	"slices"
	"time"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// entry is an entry of the policy. It decides about the tokens that its keys
// have signed.
type entry struct {
	provider         string
	issuer, audience []string        // accepted values of iss and aud; nil: any
	alg              *keys.Algorithm // of a JWK set: the only one that its keys are used with; nil: each key's own
}

// key is a key of an entry.
type key struct {
	keys.Key
	entry *entry
}

// Set holds the keys of a policy. It does not change, so any number of
// goroutines may use it. The zero Set accepts no token.
type Set struct {
	keyList
	primary *primary
	crypto  keys.Crypto
	headers *headers // of tokens that were verified

	fetched    []fetchedSet
	configured keyList // keyList without the keys of fetched sets; neither changes
	apiKeys    []apiKey
	opaque     []opaque // in the order of the policy

	leeway        time.Duration
	requireExpiry bool
}

// keyList is a list of keys, and an index of it.
type keyList struct {
	all   []*key            // tried for a token without kid
	byKid map[string][]*key // without the keys that have no kid
}

// add adds a key to a list that no Set shares.
func (l *keyList) add(k *key) {
	l.all = append(l.all, k)
	if k.Kid != "" {
		l.byKid[k.Kid] = append(l.byKid[k.Kid], k)
	}
}

// clone returns a copy that add may change.
func (l keyList) clone() keyList {
	out := keyList{all: slices.Clone(l.all), byKid: make(map[string][]*key, len(l.byKid))}
	for kid, list := range l.byKid {
		out.byKid[kid] = slices.Clone(list)
	}
	return out
}
