package main

import (
	"strconv"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/wire"
)

// traceHeaders go on to the companion: W3C Trace Context, and the request's id.
var traceHeaders = [...]string{"x-request-id", "traceparent", "tracestate"}

// minter signs what webhooks carry.
type minter struct{ policy *policy.Policy }

func (m minter) Mint(claims string) (string, error) { return m.policy.Tokens.Mint(claims, "") }

func (m minter) ServiceToken(now time.Time) (string, error) {
	id := m.policy.Gateway
	if id == "" {
		id = "rulegate" // a module does not know its host's name
	}
	return m.policy.Tokens.ServiceToken(id, now)
}

// envelope is the nesting of a reply around what it brings.
const envelope = 4

// dispatch sends the calls to the companion in one request, with headers of the
// client's. When that fails it returns their failed replies, else nil, and done
// hears of it later.
func (s *stream) dispatch(calls []rules.Call, header func(string) string, done func(calls []rules.Call, request []byte)) (failed []rules.Reply) {
	p := s.plugin.policy
	body, err := wire.Encode(calls, minter{p}, time.Now())
	if err != nil {
		return failures(calls, "not encoded: "+err.Error())
	}
	timeout := max(1, uint32(p.Companion.Timeout.Milliseconds())) // to the host, 0 is no limit at all
	headers := [][2]string{
		{":method", "POST"},
		{":path", wire.Path},
		{":authority", p.Companion.Cluster},
		{"content-type", "application/json"},
		{"authorization", "Bearer " + s.plugin.companion.Token(p.Project, body, time.Now())},
		{wire.TimeoutHeader, strconv.FormatUint(uint64(timeout), 10)},
	}
	for _, name := range traceHeaders {
		if v := header(name); v != "" {
			headers = append(headers, [2]string{name, v})
		}
	}
	_, err = proxywasm.DispatchHttpCall(p.Companion.Cluster, headers, body, nil, timeout, func(int, int, int) {
		done(calls, body)
	})
	if err != nil {
		return failures(calls, "not sent: "+err.Error())
	}
	return nil
}

// replied is called when the companion answered, or when the host answers for it
// (503, 504, or no headers at all). The host may call long after the request is
// gone; the SDK drops those calls, and any other that comes out of turn is
// dropped here.
func (s *stream) replied(calls []rules.Call, request []byte) {
	var action types.Action
	defer s.guard(&action)
	if !s.enter() || s.state != calling {
		return
	}
	s.resume(s.gate.Replies(s.readReplies(calls, request)))
}

// readReplies takes the companion's word alone: whatever has no seal over this
// request and this answer fails every call.
func (s *stream) readReplies(calls []rules.Call, request []byte) []rules.Reply {
	p := s.plugin.policy
	headers, err := proxywasm.GetHttpCallResponseHeaders()
	if err != nil {
		return failures(calls, "no reply")
	}
	status, seal := "", ""
	for _, h := range headers {
		switch h[0] {
		case ":status":
			status = h[1]
		case wire.SealHeader:
			seal = h[1]
		}
	}
	if status != "200" || seal == "" {
		return failures(calls, "the companion's cluster answered "+status)
	}
	body, err := proxywasm.GetHttpCallResponseBody(0, p.Limits.ResponseBody+1)
	if err != nil || len(body) > p.Limits.ResponseBody {
		return failures(calls, "no reply, or one beyond limits.responseBody")
	}
	if err := s.plugin.companion.CheckSeal(request, body, seal); err != nil {
		return failures(calls, "reply without a valid seal: "+err.Error())
	}
	replies, err := wire.DecodeReplies(string(body), calls, p.Limits.Depth+envelope)
	if err != nil {
		return failures(calls, "reply: "+err.Error())
	}
	return replies
}

func failures(calls []rules.Call, reason string) []rules.Reply {
	out := make([]rules.Reply, len(calls))
	for i, c := range calls {
		out[i] = rules.Reply{ID: c.ID, Err: reason}
	}
	return out
}
