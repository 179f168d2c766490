package decide

import (
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Credential is the content of one place of the policy's `auth.from`.
type Credential struct {
	Source policy.Source
	Token  string // "": none is there
	Err    error  // why it cannot be read
}

// Credentials looks at each place where the policy takes tokens from. It is for
// explanations, after Headers.
func (r *Request) Credentials() []Credential {
	out := make([]Credential, len(r.engine.policy.Sources))
	for i, src := range r.engine.policy.Sources {
		out[i].Source = src
		out[i].Token, _, out[i].Err = readSource(&r.head, &src)
	}
	return out
}

// Identity returns the claims of the token or the API key, if it was verified.
func (r *Request) Identity() (claims value.Value, verified bool) { return r.claims, r.verified }
