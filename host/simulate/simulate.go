// Package simulate drives one request and its response through package decide, as
// the module does in a proxy, without a proxy. The tests, the explanations and the
// comparisons of policies ask it for decisions.
//
// Nothing here depends on the time, on chance or on the network: the caller gives
// the time and a Companion, which answers the calls. Answers is a companion with
// given rows and webhooks; Wire asks a real one.
package simulate

import (
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/candidate"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Simulator decides requests by one policy. It is safe for concurrent use, if its
// Keys are.
type Simulator struct {
	policy  *policy.Policy
	engine  *decide.Engine
	trusted *TrustedKey // mints the tokens of Request.Claims; nil: there are none
	wait    func() time.Time
	shadow  bool
}

// Options change how a Simulator verifies tokens. The zero Options are for a policy
// that is tested without a network.
type Options struct {
	// Keys verify the tokens. Nil: the keys that stand in the policy, and one that
	// mints the tokens of Request.Claims. Tokens of fetched key sets end in 503.
	Keys decide.Keys
	// Wait is called where a request waits for keys. It returns the time when they
	// may be there. Nil: they never are.
	Wait func() time.Time
	// Shadow: what is in shadow passes as it came, as in a proxy. Otherwise the Result
	// is what the policy decides.
	Shadow bool
}

// New returns a simulator for a policy.
func New(p *policy.Policy, o Options) *Simulator {
	s := &Simulator{policy: p, wait: o.Wait, shadow: o.Shadow}
	keys := o.Keys
	if keys == nil {
		s.trusted = NewTrustedKey()
		keys = decide.FixedKeys(s.trusted.Extend(p))
	}
	s.engine = decide.New(p, keys)
	return s
}

// Policy is the policy that decides.
func (s *Simulator) Policy() *policy.Policy { return s.policy }

// Result is the decision about a request. The zero Result is a denial.
type Result struct {
	Outcome decide.Outcome // Yes: the client got the upstream's response, if there was one
	// Status is that of the answer to the client. It is 0 for a request that the
	// upstream gets, and whose response was not given.
	Status int
	// Place is that of the clause that denied, and Name its name or that of the
	// nearest rule around it that has one; "": no clause did.
	Place, Name string
	Reason      string // of a denial, for the operator

	Resource *policy.Resource // that covers the request; nil: none does
	Received [][2]string      // the header of the request, as the proxy passes it to the module
	Request  *decide.Request  // for explanations
	Upstream *Forwarded       // the request as the upstream gets it; nil: it gets none
	Client   *Response        // what the client gets; nil for a request without a given response
	Calls    []Call           // that were made, in their order
	// Made is the decision, for a comparison with that of another policy.
	Made candidate.Decision
}

// Call is one call that a rule made, and its reply.
type Call struct {
	rules.Call
	Reply rules.Reply
	Batch int // calls of the same number went out together
}

// Forwarded is the request as the upstream gets it.
type Forwarded struct {
	Method, Target string
	Headers        [][2]string
	Body           string
}

// Companion answers the calls of a rule. It is used by one request at a time.
type Companion interface {
	// Answer returns the replies to calls that go out together. An error means that
	// the simulation itself cannot go on.
	Answer(calls []rules.Call) ([]rules.Reply, error)
}

// Decide returns the policy's decision about the request.
//
// Errors: of the Companion, and of tokens that cannot be minted.
func (s *Simulator) Decide(r *Request) (*Result, error) {
	fields, err := r.Fields(s.policy, s.trusted)
	if err != nil {
		return nil, err
	}
	d := decision{Simulator: s, request: r, rand: mathrand.NewChaCha8(seed(r.Seed))}
	result, err := d.run(fields)
	if err == nil && s.shadow && (s.policy.Shadow || result.Resource != nil && result.Resource.Shadow) {
		result.passed(r, fields)
	}
	return result, err
}

// passed makes the request and its response go on as they came.
func (result *Result) passed(r *Request, fields [][2]string) {
	result.Upstream, result.Client = forwarded(r, fields, &decide.Changes{}), r.Response
	result.Status = 0
	if r.Response != nil {
		result.Status = r.Response.Status
	}
}

// decision is one request on its way.
type decision struct {
	*Simulator
	request *Request
	rand    io.Reader
	result  Result
	batches int
}

func (d *decision) run(fields [][2]string) (*Result, error) {
	r := d.request
	req := d.engine.NewRequest(properties{r}, r.Now)
	req.Rand, req.Tracer = d.rand, r.Tracer
	d.result.Received, d.result.Request = fields, req
	step := req.Headers(fields, r.Body == "")
	d.result.Resource = req.Resource()
	for waits := 0; step.Action != decide.Continue; {
		switch step.Action {
		case decide.AwaitKeys:
			if waits++; d.wait == nil || waits > maxWaits {
				return nil, fmt.Errorf("%s %s waits for keys that never come", r.Method, r.Target)
			}
			step = req.Keys(d.wait())
		case decide.AwaitBody:
			step = req.Body(r.Body)
			d.result.Resource = req.Resource() // an event's is told by its body
		case decide.AwaitReplies:
			replies, err := d.call(step.Calls)
			if err != nil {
				return nil, err
			}
			step = req.Replies(replies)
		default:
			return d.refused(&step), nil
		}
	}
	d.result.Made.Take(&step)
	d.result.Outcome = decide.Yes
	d.result.Upstream = forwarded(r, fields, &step.Changes)
	if r.Response == nil {
		return &d.result, nil
	}
	return d.respond(step.Response)
}

// maxWaits bounds how often one request waits for keys. The number of calls is
// bounded by the policy's limits.
const maxWaits = 200

// respond takes the upstream's response through the rules on it; rule is nil if there
// are none.
func (d *decision) respond(rule *decide.Response) (*Result, error) {
	in := d.request.Response
	out := &Response{Status: in.Status, Headers: in.Headers, Body: in.Body}
	if d.request.Method == "HEAD" || in.Status == 204 || in.Status == 304 { // RFC 9110, section 6.4.1
		out.Body = ""
	}
	d.result.Status, d.result.Client = in.Status, out
	if rule == nil {
		return &d.result, nil
	}
	step := rule.Headers(in.fields(), out.Body == "")
	for step.Action != decide.Continue {
		switch step.Action {
		case decide.AwaitBody:
			step = rule.Body(out.Body)
		case decide.AwaitReplies:
			replies, err := d.call(step.Calls)
			if err != nil {
				return nil, err
			}
			step = rule.Replies(replies)
		default:
			return d.refused(&step), nil
		}
	}
	d.result.Made.Take(&step)
	d.result.Made.Masked = rule.Masked()
	out.Headers = changed(in.Headers, &step.Changes)
	if step.Changes.Body != nil {
		out.Body = *step.Changes.Body
	}
	return &d.result, nil
}

// call makes the calls of one step, and keeps them.
func (d *decision) call(calls []rules.Call) ([]rules.Reply, error) {
	if d.request.Companion == nil {
		return nil, fmt.Errorf("%s %s makes calls, and nobody answers them", d.request.Method, d.request.Target)
	}
	replies, err := d.request.Companion.Answer(calls)
	if err != nil {
		return nil, err
	}
	byID := map[string]rules.Reply{}
	for _, r := range replies {
		byID[r.ID] = r
	}
	for _, c := range calls {
		d.result.Calls = append(d.result.Calls, Call{Call: c, Reply: byID[c.ID], Batch: d.batches})
	}
	d.batches++
	return replies, nil
}

func (d *decision) refused(step *decide.Step) *Result {
	r, f := &d.result, &step.Refusal
	r.Made.Take(step)
	r.Outcome, r.Status = f.Outcome, f.Status
	r.Place, r.Name, r.Reason = f.Place, f.Name, f.Reason
	r.Client = &Response{Status: f.Status, Headers: f.Headers, Body: f.Body}
	return r
}

// properties are the proxy's knowledge of the request beside its headers.
type properties struct{ r *Request }

func (p properties) ClientIP() string  { return p.r.IP }
func (p properties) Peer() value.Value { return p.r.Peer }
