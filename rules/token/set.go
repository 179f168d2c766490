package token

import (
	"time"

	"github.com/rulegate/rulegate/rules/token/keys"
)

// key is a key that verifies tokens, with the settings of its entry in the policy.
type key struct {
	keys.Key
	provider         string
	issuer, audience []string // accepted values of iss and aud; nil: any
}

// Set holds the keys of a policy. It does not change, so any number of
// goroutines may use it. The zero Set accepts no token.
type Set struct {
	static  []*key            // secrets and PEM keys: tried for a token without kid
	byKid   map[string][]*key // of all keys
	primary *primary
	native  keys.Native

	fetched    []fetchedSet
	configured map[string][]*key // byKid without the keys of fetched sets; neither map changes

	leeway        time.Duration
	requireExpiry bool
}
