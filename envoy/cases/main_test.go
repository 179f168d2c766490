// Package cases runs testdata/cases in three runners: natively, in the embedded
// gateway (wazero) and in Envoy.
package cases

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/rules/policy"
)

// TestMain prints how many cases ran in each runner, for .ci/test to compare.
func TestMain(m *testing.M) {
	code := harness.Main(m)
	n, w, e := &tally.native, &tally.wazero, &tally.envoy
	fmt.Printf("cases: native %d, wazero %d, envoy %d\n", n.files, w.files, e.files)
	fmt.Printf("requests: native %d, wazero %d, envoy %d\n", n.requests, w.requests, e.requests)
	os.Exit(code)
}

// report fails the test with each difference between the result and the case.
func report(t *testing.T, r *harness.Request, w *harness.Want, s *harness.Seen, co *harness.Companion) {
	t.Helper()
	batches, faults := co.Asked()
	s.Batches = batches
	for _, f := range append(faults, r.Check(w, s)...) {
		t.Error(f)
	}
}

// sent returns a case's requests in the order in which they are sent: twice, if the
// second time ends like the first. Then their tokens are known, and decide lets many
// through by its quick way.
func sent(c *harness.Case, p *policy.Policy) []*harness.Request {
	if p.Calls || len(p.JWKS) > 0 {
		return c.Requests
	}
	requests := slices.Clone(c.Requests)
	for _, r := range c.Requests {
		again := *r
		again.Name += ", again"
		requests = append(requests, &again)
	}
	return requests
}

// tally counts the cases that ran in each runner.
var tally struct{ native, wazero, envoy counter }

type counter struct {
	mu              sync.Mutex
	files, requests int
}

// add counts a case and its requests.
func (c *counter) add(of *harness.Case) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files++
	c.requests += len(of.Requests)
}
