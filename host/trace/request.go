package trace

import (
	"time"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// Subject is a request that was decided.
type Subject struct {
	Policy  *policy.Policy
	Path    string     // of the policy file
	Keys    *token.Set // that verify the tokens; nil: those of the policy
	Request *simulate.Request
	Result  *simulate.Result
}

// Trace returns the trace of a request whose evaluations the Recorder has seen.
func (r *Recorder) Trace(s *Subject) *Trace {
	b := builder{Recorder: r, Subject: s}
	for _, c := range s.Result.Request.Credentials() {
		b.mask.AddText(c.Token, "")
	}
	b.all = s.Policy.Tokens
	if s.Keys != nil {
		b.all = s.Keys
	}
	b.messages = messages{mask: r.mask}
	if s.Result.Resource != nil {
		b.messages.kind = s.Result.Resource.Kind
	}
	return b.trace()
}

// builder makes a Trace.
type builder struct {
	*Recorder
	*Subject
	messages messages
	all      *token.Set
}

func (b *builder) trace() *Trace {
	in, out := b.Request, b.Result
	t := &Trace{Version: Version, Policy: b.Path, Time: in.Now.UTC().Format(time.RFC3339Nano)}
	t.Route = b.route()
	t.Token = b.token()
	t.Request = b.request()
	if out.Resource != nil {
		t.Rule = b.Evaluations(out.Resource.Rule)
	}
	t.Decision = b.decision()
	if out.Upstream != nil {
		t.Upstream, t.Changes = b.upstream()
		if in.Response != nil {
			t.Response = b.response()
		}
	}
	return t
}

func (b *builder) request() Message {
	in := b.Request
	m := Message{
		Method: in.Method, Target: b.messages.target(in.Target), Host: in.Host, Scheme: in.Scheme, IP: in.IP,
		Peer:    b.mask.show(in.Peer, b.mask.at(names([]string{rules.RootPeer})), b.o.Limits.Value),
		Headers: b.messages.headers(rules.RootRequest, b.Result.Received),
	}
	if len(b.mask.at(names([]string{rules.RootRequest, "ip"}))) > 0 && m.IP != "" {
		m.IP = masked
	}
	b.messages.body(&m, rules.RootRequest, in.Body, b.Result.Received)
	return m
}

func (b *builder) upstream() (*Message, []Change) {
	in, up := b.Request, b.Result.Upstream
	m := &Message{Method: up.Method, Target: b.messages.target(up.Target), Headers: b.messages.headers(rules.RootRequest, up.Headers)}
	b.messages.body(m, rules.RootRequest, up.Body, up.Headers)
	d := differ{mask: b.mask, most: b.o.Limits.Value}
	if came := b.Result.Received; up.Target != targetOf(came) {
		d.add("target", value.Str(b.messages.target(targetOf(came))), value.Str(m.Target), nil)
	}
	d.headers(rules.RootRequest, b.Result.Received, up.Headers)
	b.messages.bodies(&d, rules.RootRequest, in.Body, up.Body, up.Headers)
	return m, d.out
}

// targetOf returns the path and the query of header fields.
func targetOf(fields [][2]string) string {
	for _, f := range fields {
		if f[0] == ":path" {
			return f[1]
		}
	}
	return ""
}

func (b *builder) response() *Response {
	in, client := b.Request.Response, b.Result.Client
	out := &Response{Upstream: b.answer(in), Client: b.answer(client)}
	if rule := b.Result.Resource.Response; rule != nil {
		out.Rule = b.Evaluations(rule)
	}
	d := differ{mask: b.mask, most: b.o.Limits.Value}
	if in.Status != client.Status {
		d.add("status", value.Int(int64(in.Status)), value.Int(int64(client.Status)), nil)
	}
	d.headers(rules.RootResponse, in.Headers, client.Headers)
	b.messages.bodies(&d, rules.RootResponse, in.Body, client.Body, client.Headers)
	out.Changes = d.out
	return out
}

func (b *builder) answer(r *simulate.Response) Message {
	m := Message{Status: r.Status, Headers: b.messages.headers(rules.RootResponse, r.Headers)}
	b.messages.body(&m, rules.RootResponse, r.Body, r.Headers)
	return m
}

func (b *builder) decision() Decision {
	out := b.Result
	d := Decision{Outcome: out.Outcome, Status: out.Status, Place: out.Place, Name: out.Name, Reason: b.mask.Text(out.Reason), Of: "request"}
	if out.Upstream != nil && b.Request.Response != nil {
		d.Of = "response"
	}
	if out.Outcome != decide.Yes && out.Client != nil {
		if v, err := value.Parse(out.Client.Body, maxShownDepth); err == nil {
			text, _ := v.Key("error").Text()
			d.Error = b.mask.Text(text)
		}
		for _, h := range out.Client.Headers {
			if h[0] == "www-authenticate" {
				d.Challenge = h[1]
			}
		}
	}
	if b.o.Locate != nil && d.Place != "" {
		p := b.o.Locate(d.Place)
		d.File, d.Line, d.Column = p.File, p.Line, p.Column
	}
	return d
}
