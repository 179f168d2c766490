package cli

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules/wire"
)

// runners makes the runners of one run of tests.
type runners struct {
	ctx   context.Context
	flags *testFlags
	log   *slog.Logger

	module     *gateway.Module // nil: none was needed yet
	companions []*companion.Companion
	coverages  []*policytest.Coverage // one for each policy
}

// open returns a runner for a suite.
func (r *runners) open(s *policytest.Suite) (policytest.Runner, error) {
	var handler http.Handler // nil: the data of the tests
	if r.flags.live {
		c, err := embeddedCompanion(s.Policy, nil, r.log)
		if err != nil {
			return nil, err
		}
		if c != nil {
			r.companions = append(r.companions, c)
			handler = c
		}
	}
	if r.flags.wasm {
		return r.inModule(s, handler)
	}
	n := policytest.NewNative(s.Policy, r.flags.seed)
	if handler != nil {
		n.Companion = &simulate.Wire{Policy: s.Policy, Keys: wire.DeriveKeys(s.Policy.Companion.Secrets...), Handler: handler, Now: time.Now}
	}
	if r.flags.measures() {
		n.Coverage = r.coverage(s)
	}
	return n, nil
}

func (r *runners) inModule(s *policytest.Suite, companion http.Handler) (policytest.Runner, error) {
	if r.module == nil {
		var err error
		if r.module, err = loadModule(r.ctx, r.flags.module); err != nil {
			return nil, err
		}
	}
	return policytest.NewModule(r.ctx, s, r.module, companion)
}

// coverage returns the coverage of a suite's policy. Files with tests of one policy share
// it.
func (r *runners) coverage(s *policytest.Suite) *policytest.Coverage {
	for _, c := range r.coverages {
		if c.Path == s.PolicyPath {
			return c
		}
	}
	c := policytest.NewCoverage(s)
	r.coverages = append(r.coverages, c)
	return c
}

func (r *runners) close() {
	ctx := context.WithoutCancel(r.ctx)
	for _, c := range r.companions {
		c.Close(ctx)
	}
	if r.module != nil {
		r.module.Close(ctx)
	}
}
