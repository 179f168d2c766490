package cases

import (
	"net/http"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules/policy"
)

// TestNative runs the cases through rules/decide, without a proxy and without wasm.
func TestNative(t *testing.T) {
	for _, c := range harness.LoadCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			if c.Faults != nil {
				checkFaults(t, c)
				tally.native.add(c)
				return
			}
			p, _ := c.Load(t, c.Policy)
			n := &native{policy: p, companion: c.Companion(t, p), keys: newNativeKeys(p)}
			n.simulator = simulate.New(p, simulate.Options{Keys: n.keys, Wait: n.keys.wait, Shadow: true})
			d := newDifferences(p)
			for _, r := range sent(c, p) {
				t.Run(r.Name, func(t *testing.T) {
					n.companion.Expect(r.Replies)
					seen, err := n.run(r)
					if err != nil {
						t.Fatal(err)
					}
					report(t, r, &r.Want, seen, n.companion)
					if d != nil {
						d.add(t, n, r)
					}
				})
			}
			if d != nil {
				d.check(t, c)
			}
			tally.native.add(c)
		})
	}
}

// native takes a proxy's place for a case.
type native struct {
	policy    *policy.Policy
	simulator *simulate.Simulator
	keys      *nativeKeys
	companion *harness.Companion
	only      *policy.CandidatePolicy // says which calls may be made; nil: all
}

// decide returns the decision about a request.
func (n *native) decide(r *harness.Request) (*simulate.Result, error) {
	now := n.keys.now()
	q := &simulate.Request{
		Method: r.Method, Target: r.Target, Body: r.Body, Host: "shop.example", ID: "native", IP: "127.0.0.1", Peer: r.Peer(), Now: now,
		Companion: &simulate.Wire{Policy: n.policy, Keys: n.companion.Keys, Handler: n.companion, Now: time.Now}, // the clock of the companion
	}
	if n.only != nil {
		q.Companion = allowed{q.Companion, n.only}
	}
	for _, h := range r.Headers {
		if h[0] == "host" {
			q.Host = h[1]
		} else {
			q.Headers = append(q.Headers, h)
		}
	}
	if a := r.Answer; a != nil {
		q.Response = &simulate.Response{Status: a.Status, Headers: a.Headers, Body: a.Body}
	}
	return n.simulator.Decide(q)
}

func (n *native) run(r *harness.Request) (*harness.Seen, error) {
	got, err := n.decide(r)
	if err != nil {
		return nil, err
	}
	seen := &harness.Seen{Response: harness.Response{Status: http.StatusOK}}
	if c := got.Client; c != nil {
		seen.Response = harness.Response{Status: c.Status, Body: c.Body, Headers: grouped(c.Headers)}
	}
	if u := got.Upstream; u != nil {
		seen.Upstream = []*harness.Received{{Method: u.Method, Target: u.Target, Body: u.Body, Headers: grouped(u.Headers)}}
	}
	return seen, nil
}

func grouped(headers [][2]string) map[string][]string {
	out := map[string][]string{}
	for _, h := range headers {
		out[h[0]] = append(out[h[0]], h[1])
	}
	return out
}
