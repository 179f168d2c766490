package interleave

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/wire"
)

// natively returns the part of what is seen of a stream that package decide alone
// knows. A VM of its own does not find a request that overwrites its own memory; here each
// text has memory of its own, and there is no quick way.
func (o *oracle) natively(v *variant, s *stream, received time.Time) (map[string]string, error) {
	sim := o.simulators[v]
	if sim == nil {
		sim = newSimulator(v.plugin(o.t, v.log).policy)
		o.simulators[v] = sim
	}
	sim.now = received
	q := &simulate.Request{IP: "192.0.2.1", Now: received, Body: string(slices.Concat(s.script.pieces...)), Companion: fated{s, sim.Policy()}}
	for _, h := range s.script.headers {
		switch h[0] {
		case ":method":
			q.Method = h[1]
		case ":path":
			q.Target = h[1]
		case ":authority":
			q.Host = h[1]
		case ":scheme":
			q.Scheme = h[1]
		default:
			q.Headers = append(q.Headers, h)
		}
	}
	code, err := strconv.Atoi(s.script.answer[0][1])
	if err != nil {
		return nil, err
	}
	q.Response = &simulate.Response{Status: code, Headers: s.script.answer[1:], Body: string(slices.Concat(s.script.answerPieces...))}
	r, err := sim.Decide(q)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	if u := r.Upstream; u != nil {
		all := append([][2]string{{":method", u.Method}, {":path", u.Target}, {":authority", q.Host}, {":scheme", q.Scheme}}, u.Headers...)
		out["upstream headers"], out["upstream body"] = sorted(all), u.Body
	}
	if c := r.Client; c != nil {
		out["client headers"] = sorted(append([][2]string{{":status", strconv.Itoa(c.Status)}}, c.Headers...))
		out["client body"] = c.Body
	}
	return out, nil
}

// sorted lists fields without their order, and without the length of a reply, which the
// host adds.
func sorted(headers [][2]string) string {
	headers = slices.DeleteFunc(slices.Clone(headers), func(h [2]string) bool { return h[0] == "content-length" })
	slices.SortFunc(headers, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	return fmt.Sprintf("%q", headers)
}

// like returns the part of what is seen of the stream that natively returns too.
func (s *stream) like() map[string]string {
	out := map[string]string{}
	for _, f := range []*flow{&s.request, &s.response} {
		to := map[string]string{"request": "upstream", "response": "client"}[f.name]
		if f.released {
			out[to+" headers"] = sorted(f.out.headers)
		}
		if f.out.complete {
			out[to+" body"] = string(f.out.body)
		}
	}
	return out
}

// issuer fetches the keys of a simulator, whose clock goes on while a request waits.
type issuer struct {
	ring *jwks.Keyring
	now  time.Time
}

func (i *issuer) wait() time.Time {
	i.now = i.now.Add(100 * time.Millisecond)
	fetches, _ := i.ring.Tick(i.now)
	for _, f := range fetches {
		reply := jwks.Reply{Status: "200", Body: keySet(true)}
		reply.Header("content-type", "application/json")
		i.ring.Done(f, reply, i.now)
	}
	return i.now
}

// simulator is a simulator that has fetched its keys.
type simulator struct {
	*simulate.Simulator
	*issuer
}

func newSimulator(p *policy.Policy) *simulator {
	i := &issuer{jwks.New(p.Tokens, p.JWKS, p.Shared, nil, nil, rand.Reader), start}
	i.wait()
	return &simulator{simulate.New(p, simulate.Options{Keys: i.ring, Wait: i.wait, Shadow: true}), i}
}

// fated answers calls as the stream's were answered.
type fated struct {
	*stream
	policy *policy.Policy
}

func (f fated) Answer(calls []rules.Call) ([]rules.Reply, error) {
	body, err := wire.Encode(calls, f.policy.Gateway)
	if err != nil {
		return nil, err
	}
	c := &call{cluster: "companion", body: string(body)}
	all, err := c.questions()
	if err != nil {
		return nil, err
	}
	if how := f.questions[all[0].text()]; how != good && how != twice {
		var failed []rules.Reply
		for _, c := range calls {
			failed = append(failed, rules.Reply{ID: c.ID, Err: "it has failed"})
		}
		return failed, nil
	}
	answer, _ := c.answer(good)
	return wire.DecodeReplies(string(answer.body), calls, f.policy.Limits.Depth)
}
