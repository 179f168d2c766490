package cases

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/candidate"
	"github.com/rulegate/rulegate/rules/policy"
)

// differences compares the decisions of a case's policy and its candidate, as the module
// does.
type differences struct {
	policy    *policy.Policy
	simulator *simulate.Simulator // of the candidate
	counts    map[string]int
}

// newDifferences returns nil for a policy without a candidate.
func newDifferences(p *policy.Policy) *differences {
	if p.Candidate == nil {
		return nil
	}
	c := p.Candidate.Policy
	keys := newNativeKeys(c)
	return &differences{p, simulate.New(c, simulate.Options{Keys: keys, Wait: keys.wait}), map[string]int{}}
}

// add has the candidate decide a request too.
func (d *differences) add(t *testing.T, n *native, r *harness.Request) {
	active, err := n.decide(r)
	if err != nil {
		t.Fatal(err)
	}
	resource := "none"
	if active.Resource != nil {
		resource = active.Resource.Name
	}
	beside := &native{policy: n.policy, simulator: d.simulator, keys: n.keys, companion: n.companion, only: d.policy.Candidate}
	other, err := beside.decide(r)
	if errors.Is(err, errNoCalls) {
		d.counts["undecided:calls "+resource]++
		return
	} else if err != nil {
		t.Fatal(err)
	}
	found := candidate.Compare(&active.Made, &other.Made, active.Received)
	if found == nil {
		t.Fatal("the request has no response: give an answer")
	}
	if found.Unclear {
		d.counts["undecided:response "+resource]++
		return
	}
	for _, kind := range found.Kinds {
		d.counts[kind+" "+resource]++
	}
}

func (d *differences) check(t *testing.T, c *harness.Case) {
	var lines []string
	for what, n := range d.counts {
		lines = append(lines, fmt.Sprint(what, " ", n))
	}
	slices.Sort(lines)
	if diff := cmp.Diff(c.Differences, lines); diff != "" {
		t.Errorf("differences: %s", diff)
	}
}

var errNoCalls = errors.New("the candidate may not make the calls")

// allowed answers the calls that a candidate may make.
type allowed struct {
	simulate.Companion
	candidate *policy.CandidatePolicy
}

func (a allowed) Answer(calls []rules.Call) ([]rules.Reply, error) {
	for _, c := range calls {
		key := "queries"
		if c.Kind == rules.Webhook {
			key = "webhooks"
		}
		if !a.candidate.May(key) {
			return nil, errNoCalls
		}
	}
	return a.Companion.Answer(calls)
}

// awaitDifferences compares the counts of a proxy, which tells them once a second, with
// those of a case.
func awaitDifferences(t *testing.T, c *harness.Case, names func() map[string]uint64) {
	t.Helper()
	if c.Candidate == "" {
		return
	}
	for end := time.Now().Add(harness.RequestTimeout); ; time.Sleep(100 * time.Millisecond) {
		var lines []string
		for name, n := range names() {
			if rest, ok := strings.CutPrefix(name, "rulegate.shadow_differences_total."); ok && n > 0 {
				kind, resource, _ := strings.Cut(rest, ".")
				lines = append(lines, fmt.Sprint(kind, " ", resource, " ", n))
			}
			if rest, ok := strings.CutPrefix(name, "rulegate.candidate_undecided_total."); ok && n > 0 {
				reason, resource, _ := strings.Cut(rest, ".")
				lines = append(lines, fmt.Sprint("undecided:", reason, " ", resource, " ", n))
			}
		}
		slices.Sort(lines)
		diff := cmp.Diff(c.Differences, lines)
		if diff == "" {
			return
		}
		if time.Now().After(end) {
			t.Errorf("differences: %s", diff)
			return
		}
	}
}

// ofGateway returns the metrics of an embedded gateway.
func ofGateway(g *gateway.Gateway) map[string]uint64 {
	out := map[string]uint64{}
	for _, m := range g.Metrics() {
		out[m.Name] = uint64(m.Value)
	}
	return out
}

// ofEnvoy returns the metrics about the case's resources. All listeners share the
// metrics, so the resources of cases with candidates have names of their own.
func ofEnvoy(t *testing.T, p *harness.Process, c *harness.Case) map[string]uint64 {
	page, err := p.AdminGet("/stats?filter=rulegate.(shadow_diff|candidate_und)")
	if err != nil {
		t.Fatal(err)
	}
	_, pol, err := c.ReadPolicy(c.Policy)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]uint64{}
	for line := range strings.Lines(page) {
		name, text, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "wasmcustom."), ": ")
		if slices.ContainsFunc(pol.Resources(), func(r *policy.Resource) bool { return strings.HasSuffix(name, "."+r.Name) }) {
			var n uint64
			fmt.Sscan(text, &n)
			out[name] = n
		}
	}
	return out
}
