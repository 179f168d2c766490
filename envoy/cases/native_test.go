package cases

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
)

// decideResponse passes the upstream's response through the decision on the response,
// as a proxy does. call sends calls to the companion.
func decideResponse(a *harness.UpstreamResponse, r *decide.Response, head bool, call func([]rules.Call) ([]rules.Reply, error)) (harness.Response, error) {
	pairs := append([][2]string{{":status", strconv.Itoa(a.Status)}}, a.Headers...)
	body := a.Body
	if a.Bodyless(head) {
		body = ""
	}
	var changes decide.Changes
	if r != nil {
		step := r.Headers(pairs, body == "")
		for step.Action == decide.AwaitBody || step.Action == decide.AwaitReplies {
			if step.Action == decide.AwaitBody {
				step = r.Body(body)
				continue
			}
			replies, err := call(step.Calls)
			if err != nil {
				return harness.Response{}, err
			}
			step = r.Replies(replies)
		}
		if step.Action != decide.Continue {
			return refusedAnswer(&step.Refusal), nil
		}
		changes = step.Changes
	}
	got := harness.Response{Status: a.Status, Headers: map[string][]string{}, Body: body}
	for _, h := range a.Headers {
		got.Headers[h[0]] = append(got.Headers[h[0]], h[1])
	}
	for _, name := range changes.RemoveHeaders {
		delete(got.Headers, name)
	}
	for _, h := range changes.SetHeaders {
		got.Headers[h[0]] = []string{h[1]}
	}
	if changes.Body != nil {
		got.Body = *changes.Body
	}
	return got, nil
}

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
			n.engine = decide.New(p, n.keys)
			for _, r := range c.Requests {
				t.Run(r.Name, func(t *testing.T) {
					n.companion.Expect(r.Replies)
					seen, err := n.run(r)
					if err != nil {
						t.Fatal(err)
					}
					report(t, r, &r.Want, seen, n.companion)
				})
			}
			tally.native.add(c)
		})
	}
}

// native takes a proxy's place for a case.
type native struct {
	policy    *policy.Policy
	engine    *decide.Engine
	keys      *nativeKeys
	companion *harness.Companion
}

func (n *native) run(r *harness.Request) (*harness.Seen, error) {
	now := n.keys.now()
	req := n.engine.NewRequest(properties{r}, now)
	step := req.Headers(append(r.Pairs("native"), [2]string{"x-request-id", "native"}), r.Body == "")
	for rounds := 0; ; rounds++ {
		if rounds > 200 {
			return nil, fmt.Errorf("no end after %d steps", rounds)
		}
		switch step.Action {
		case decide.AwaitKeys:
			n.keys.tick()
			step = req.Keys(n.keys.now())
		case decide.AwaitBody:
			step = req.Body(r.Body)
		case decide.AwaitReplies:
			replies, err := n.call(step.Calls, now)
			if err != nil {
				return nil, err
			}
			step = req.Replies(replies)
		case decide.Continue:
			seen := &harness.Seen{Response: harness.Response{Status: http.StatusOK}, Upstream: []*harness.Received{forwarded(r, step.Changes)}}
			if r.Answer == nil {
				return seen, nil
			}
			var err error
			seen.Response, err = decideResponse(r.Answer, step.Response, r.Method == http.MethodHead, func(calls []rules.Call) ([]rules.Reply, error) {
				return n.call(calls, now)
			})
			return seen, err
		default:
			return &harness.Seen{Response: refusedAnswer(&step.Refusal)}, nil
		}
	}
}

// properties are those of the client of a request.
type properties struct{ request *harness.Request }

func (properties) ClientIP() string    { return "127.0.0.1" }
func (p properties) Peer() value.Value { return p.request.Peer() }

func refusedAnswer(r *decide.Refusal) harness.Response {
	a := harness.Response{Status: r.Status, Body: r.Body, Headers: map[string][]string{}}
	for _, h := range r.Headers {
		a.Headers[h[0]] = append(a.Headers[h[0]], h[1])
	}
	return a
}

// call sends calls to the companion as the module does, but without a network.
func (n *native) call(calls []rules.Call, now time.Time) ([]rules.Reply, error) {
	body, err := wire.Encode(calls, n.policy.Gateway)
	if err != nil {
		return nil, err
	}
	req := httptest.NewRequest(http.MethodPost, wire.Path, strings.NewReader(string(body)))
	req.Header.Set("authorization", "Bearer "+n.companion.Keys.Token(n.policy.Project, body, now))
	rec := httptest.NewRecorder()
	n.companion.ServeHTTP(rec, req)
	answer := rec.Body.String()
	if err := n.companion.Keys.CheckSeal(body, []byte(answer), rec.Header().Get(wire.SealHeader)); err != nil {
		return nil, err
	}
	return wire.DecodeReplies(answer, calls, n.policy.Limits.Depth)
}

// forwarded returns the request as a proxy sends it to the upstream.
func forwarded(r *harness.Request, c decide.Changes) *harness.Received {
	got := &harness.Received{Method: r.Method, Target: r.Target, Body: r.Body, Headers: map[string][]string{}}
	for _, h := range r.Pairs("native") {
		if !strings.HasPrefix(h[0], ":") {
			got.Headers[h[0]] = append(got.Headers[h[0]], h[1])
		}
	}
	for _, name := range c.RemoveHeaders {
		delete(got.Headers, name)
	}
	set := map[string][]string{}
	for _, h := range c.SetHeaders {
		set[h[0]] = append(set[h[0]], h[1])
	}
	for name, values := range set {
		got.Headers[name] = values
	}
	if c.Path != "" {
		got.Target = c.Path
	}
	if c.Body != nil {
		got.Body = *c.Body
		got.Headers["content-length"] = []string{fmt.Sprint(len(got.Body))}
	}
	return got
}
