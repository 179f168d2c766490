package decide

import (
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// cachedTokens bounds the verified tokens that an Engine remembers: each takes
// the 32 bytes of a hash, and some 500 bytes of claims.
const cachedTokens = 1024

// Keys verify tokens.
type Keys interface {
	Set() *token.Set
	// Missing reports whether a request received at since, whose token names the
	// key kid of one of the remote sources, waits for it or is refused.
	Missing(sources []int, kid string, since, now time.Time) jwks.KeyState
}

// Properties are facts of a request that its headers do not tell. An Engine asks
// for each only if a rule of the resource may read it.
type Properties interface {
	ClientIP() string  // without a port; "": not known
	Peer() value.Value // the verified client certificate; Missing: none
}

// Engine decides the requests of one policy. It is safe for concurrent use if
// its Keys are.
type Engine struct {
	policy *policy.Policy
	keys   Keys
	tokens *token.Cache
	// tokenPlaces are the policy's sources, but for cookies.
	tokenPlaces rules.TokenPlaces
	noMemo      bool // for tests: each rule is evaluated each time
	quick       quick
}

// New returns an engine for a policy. If keys is nil, it uses the keys that
// stand in the policy.
func New(p *policy.Policy, keys Keys) *Engine {
	if keys == nil {
		keys = FixedKeys(p.Tokens)
	}
	e := &Engine{policy: p, keys: keys, tokens: token.NewCache(cachedTokens), quick: newQuick(p)}
	for _, src := range p.Sources {
		if src.APIKeys {
			e.tokenPlaces.APIKeys = append(e.tokenPlaces.APIKeys, src.Header)
			continue
		}
		if src.Header != "" {
			e.tokenPlaces.Headers = append(e.tokenPlaces.Headers, src.Header)
		}
		if src.Query != "" {
			e.tokenPlaces.Query = append(e.tokenPlaces.Query, src.Query)
		}
	}
	return e
}

// Lookups returns the numbers of tokens that were looked up in the cache since the last
// call, and that were found or not.
func (e *Engine) Lookups() (hits, misses uint64) { return e.tokens.Lookups() }

// FixedKeys returns Keys that do not change.
func FixedKeys(set *token.Set) Keys { return fixedKeys{set} }

type fixedKeys struct{ set *token.Set }

func (f fixedKeys) Set() *token.Set { return f.set }

// Missing refuses: a key that is not there never comes.
func (fixedKeys) Missing([]int, string, time.Time, time.Time) jwks.KeyState { return jwks.Unavailable }
