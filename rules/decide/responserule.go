package decide

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// mask is what is to be done with the response to a request that the rule has
// let through; nil: nothing.
func (s *Stream) mask(v *rules.Verdict) *Mask {
	rule := s.resource.Response
	if rule == nil && len(v.Response) == 0 {
		return nil
	}
	m := &Mask{
		actions: v.Response, rule: rule, limits: s.gate.policy.Limits,
		head: s.head, bodyless: s.head.method == "HEAD", phase: wantHeaders,
	}
	m.made = s.made
	if rule == nil {
		return m
	}
	// The request stays in memory until its response is there, so no more of it
	// is kept than the rule may look at. res and response are the upstream's.
	var kept []value.Member
	v.Args.Each(func(root string, x value.Value) bool {
		if root != "res" && root != "response" && rule.Uses(root) {
			kept = append(kept, value.Member{Key: root, Value: x})
		}
		return true
	})
	m.in = rules.Input{
		Args: value.Obj(kept...), Verified: s.verified, Token: s.token, Now: s.now, MaxCalls: m.limits.Calls,
	}
	return m
}

// reads says whether the body is needed: to be looked at, or to be rewritten.
func (m *Mask) reads() bool {
	return len(m.actions) > 0 || m.rule != nil && (m.rule.Uses("res") || m.rule.HasResponse())
}

// responseHead is what the headers of a response tell.
type responseHead struct {
	status int
	length int      // -1: not told
	types  []string // every content-type
	fault  string   // why the body cannot be read; "" when it can
	fields grouped
	text   bool // every field is UTF-8
}

func readResponseHead(headers [][2]string) *responseHead {
	h := &responseHead{length: -1, text: true, fields: grouped{members: make([]value.Member, 0, len(headers))}}
	for _, f := range headers {
		name := strings.ToLower(f[0])
		switch name {
		case ":status":
			h.status, _ = strconv.Atoi(f[1])
		case "content-length":
			n, ok := parseLength(f[1])
			if !ok || h.length >= 0 && n != h.length {
				h.fault = "content-length"
			}
			h.length = n
		case "content-type":
			h.types = append(h.types, f[1])
		case "content-encoding":
			h.fault = "a content-encoding"
		case "content-range":
			h.fault = "a part of a document" // RFC 9110, section 15.3.7
		}
		if !strings.HasPrefix(name, ":") {
			h.fields.add(name, f[1])
			h.text = h.text && utf8.ValidString(f[1]) && utf8.ValidString(name)
		}
	}
	return h
}

// bring adds args.response.
func (m *Mask) bring(h *responseHead) (fault string) {
	switch {
	case m.rule == nil || !m.rule.Uses("response"):
		return ""
	case h.status < 100:
		return "no status"
	case !h.text:
		return "a header that is not UTF-8"
	}
	m.in.Args = m.in.Args.With("response", value.Obj(
		value.Member{Key: "status", Value: value.Int(int64(h.status))},
		value.Member{Key: "headers", Value: h.fields.object()},
	))
	return ""
}

// decide evaluates the rule on the response with what is there.
//
// The rule sees the body as the upstream sent it. The actions of the request's
// rule run on what it has left of that, and its own come last: so nothing that
// it copies or keeps brings back what the request's rule hides.
func (m *Mask) decide() MaskStep {
	if m.rule == nil {
		return m.rewrite(m.body, m.actions)
	}
	v := m.rule.Eval(&m.in, m.replies)
	switch v.Outcome {
	case rules.Yes:
		return m.rewrite(m.left(&v), append(m.actions[:len(m.actions):len(m.actions)], v.Response...))
	case rules.Waiting:
		fresh, r := m.ask(v.Calls, m.limits.Calls)
		if r != nil {
			return m.deny(r)
		}
		m.phase = wantAnswers
		return MaskStep{Action: AwaitAnswers, Calls: fresh}
	}
	return m.deny(denied(&v))
}

// left is the body with what the rule changed under args.res.
func (m *Mask) left(v *rules.Verdict) string {
	before, now := m.in.Args.Key("res"), v.Args.Key("res")
	switch {
	case !m.rule.Changes("res"), before.Kind() == now.Kind() && before.String() == now.String():
		return m.body
	case now.Kind() == value.Missing:
		return ""
	}
	return now.String()
}

// deny is the answer in place of a response that the rule does not let out.
func (m *Mask) deny(r *Refusal) MaskStep {
	m.phase = wantNothing
	if r.Body == "" {
		r.complete("")
	}
	r.Reason = "response: " + r.Reason
	return MaskStep{Refusal: *r}
}
