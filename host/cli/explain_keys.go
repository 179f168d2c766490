package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
)

// fetchedKeys are the keys of a policy, with the sets of its URLs as far as they could be
// fetched. It implements decide.Keys as the module's keys do after a fetch of each set: a
// key that no set has is absent, and one of a set that could not be fetched is unavailable.
type fetchedKeys struct {
	set    *token.Set
	failed []int // the sets that could not be fetched
}

// fetchForToken fetches the key sets of a policy. It tells stderr of those that it cannot
// fetch: the policy decides without them.
func fetchForToken(ctx context.Context, p *policy.Policy, stderr io.Writer) *fetchedKeys {
	k := &fetchedKeys{set: p.Tokens}
	for i := range p.JWKS {
		with, err := withKeys(ctx, p, k.set, i)
		if err != nil {
			fmt.Fprintf(stderr, "%v; a token that may be of this key set is refused with 503\n", err)
			k.failed = append(k.failed, i)
			continue
		}
		k.set = with
	}
	return k
}

// Set implements decide.Keys.
func (k *fetchedKeys) Set() *token.Set { return k.set }

// Missing implements decide.Keys.
func (k *fetchedKeys) Missing(sources []int, _ string, _, _ time.Time) jwks.KeyState {
	if slices.ContainsFunc(sources, func(i int) bool { return slices.Contains(k.failed, i) }) {
		return jwks.Unavailable
	}
	return jwks.Absent
}
