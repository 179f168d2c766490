package compare

import (
	"fmt"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

// engine decides requests by two policies. Both accept the same tokens: one key for
// each provider that some resource names, and one more.
type engine struct {
	policies   [2]*policy.Policy
	simulators [2]*simulate.Simulator
	signers    map[string]*token.Set // by provider; "" for the one more
	expiry     bool                  // some policy wants tokens with exp
}

func newEngine(policies [2]*policy.Policy) *engine {
	e := &engine{policies: policies, signers: map[string]*token.Set{}}
	providers := []string{""}
	for _, p := range policies {
		for _, name := range simulate.Providers(p) {
			providers = appendNew(providers, name)
		}
		e.expiry = e.expiry || p.Tokens.RequiresExpiry()
	}
	var sets [2]*token.Set
	for i, p := range policies {
		sets[i] = p.Tokens
	}
	for n, name := range providers {
		kid := fmt.Sprintf("rulegate-compare-%d", n)
		secret := "a key of the comparison: " + kid
		e.signers[name], _ = token.NewSet([]token.Key{{Alg: "HS256", Secret: secret, Kid: kid, Primary: true}}, 0, false, gocrypto.Crypto())
		for i := range sets {
			var only []string
			if name != "" {
				only = []string{name}
			}
			sets[i] = sets[i].WithSecret(secret, kid, only)
		}
	}
	for i, p := range policies {
		e.simulators[i] = simulate.New(p, simulate.Options{Keys: decide.FixedKeys(sets[i])})
	}
	return e
}

// tokenChoice is a token of a request.
type tokenChoice struct {
	sent     bool
	valid    bool
	provider string
}

// tokens returns the choices of a token for which two resources differ, and at
// least one of each kind.
func (e *engine) tokens(resources [2]*policy.Resource) (out []combination) {
	out = append(out, combination{token: &tokenChoice{}})
	seen := map[[2]bool]bool{}
	add := func(provider string) {
		var accepted [2]bool
		for i, r := range resources {
			accepted[i] = r != nil && r.Auth.Reads() && r.Auth.Accepts(provider)
		}
		if !seen[accepted] {
			seen[accepted] = true
			out = append(out, combination{token: &tokenChoice{sent: true, valid: true, provider: provider}, cost: 2 + len(provider)})
		}
	}
	add("")
	for _, r := range resources {
		if r != nil {
			for _, name := range r.Auth.Providers() {
				add(name)
			}
		}
	}
	return append(out, combination{token: &tokenChoice{sent: true}, cost: unusual})
}

// withToken adds a token to the fields of a request.
func (e *engine) withToken(fields [][2]string, t *tokenChoice, claims value.Value) ([][2]string, error) {
	raw := "not.a.token"
	if t.valid {
		if e.expiry && claims.Key("exp").Kind() == value.Missing {
			claims = claims.With("exp", value.Int(Now.AddDate(100, 0, 0).Unix()))
		}
		var err error
		if raw, err = e.signers[t.provider].Mint(claims.String(), ""); err != nil {
			return nil, err
		}
	}
	return simulate.PlaceToken(fields, e.policies[0].Sources, raw), nil
}
