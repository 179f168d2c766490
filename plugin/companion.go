package main

import (
	"strconv"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/wire"
)

// traceHeaders of the client go to the companion: the request's id and W3C Trace
// Context.
var traceHeaders = [...]string{"x-request-id", "traceparent", "tracestate"}

// replyNesting is the depth of a reply around the row or body that it brings.
const replyNesting = 4

// batch is a request for calls that is under way.
type batch struct {
	calls     []rules.Call
	keys      []string      // of the calls, for the answers that are kept
	known     []rules.Reply // to other calls of the rule
	signature string
	sent      time.Time
	size      int // of the body
}

// dispatch sends the calls to the companion in one request, except those whose answer
// is kept. If there is nothing to send, or it cannot be sent, it returns the replies;
// if it returns nil, replied is called later.
func (s *stream) dispatch(calls []rules.Call) (replies []rules.Reply) {
	p := s.plugin.policy
	b := batch{sent: abi.Now()}
	if b.known, b.calls, b.keys = s.plugin.answers.find(calls, p.Gateway, b.sent); len(b.calls) == 0 {
		return b.known
	}
	body, err := wire.Encode(b.calls, p.Gateway)
	if err != nil {
		return failedReplies(calls, "not encoded: "+err.Error())
	}
	if !s.hold(s.held + len(body)) {
		return failedReplies(calls, "not sent: "+decide.MemoryReason)
	}
	b.size = len(body)
	s.calling = b.size
	b.signature = s.plugin.companion.Sign(p.Project, body, b.sent)
	timeout := max(1, uint32(p.Companion.Timeout.Milliseconds())) // to the host, 0 means no limit
	headers := [][2]string{
		{":method", "POST"},
		{":path", wire.Path},
		{":authority", s.plugin.authority},
		{"content-type", "application/json"},
		{"authorization", b.signature},
		{wire.TimeoutHeader, strconv.FormatUint(uint64(timeout), 10)},
	}
	for _, name := range traceHeaders {
		if v := s.message().RequestHeader(name); v != "" {
			headers = append(headers, [2]string{name, v})
		}
	}
	id := s.id
	err = abi.Call(s.plugin.id, p.Companion.Cluster, headers, body, timeout, func(size int) {
		if s.id == id { // else s is another stream by now
			s.replied(&b, size)
		}
	})
	if err != nil {
		return failedReplies(calls, "not sent: "+err.Error())
	}
	return nil
}

// replied is called when the companion has answered a request for calls, or when
// the host answers for it (503, 504, or no headers at all). It ignores an answer
// that the stream does not await: the host may call long after the stream is gone.
// size is that of the answer's body.
func (s *stream) replied(b *batch, size int) {
	var action types.Action
	defer s.guard(&action)
	if s.shadow != shadowOff && s.enter() {
		s.calling = 0
		s.observeReplies(b)
		return
	}
	if !s.enter() || !s.state.awaitsReplies() {
		return
	}
	// From here on the stream needs the answer, and no more its request for it.
	s.calling = 0
	if !s.hold(s.held - b.size + size) {
		s.refuse(s.noMemory())
		return
	}
	s.plugin.vm.memory.use(s.held)
	replies := s.readReplies(b.calls, b.signature)
	s.plugin.answers.keep(b.keys, replies, size, b.sent)
	s.noteReplies(b.calls, replies)
	s.resume(s.message().Replies(append(replies, b.known...)))
}

// readReplies reads the companion's answer. Every call fails, unless the answer
// has a seal for the request with this signature.
func (s *stream) readReplies(calls []rules.Call, signature string) []rules.Reply {
	p := s.plugin.policy
	headers, err := abi.Pairs(abi.CallHeaders)
	if err != nil {
		return failedReplies(calls, "no reply")
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
	switch {
	case status == "401":
		return failedReplies(calls, "the companion's cluster answered 401: want a companion of the module's release, with its secret, project and time")
	case status != "200" || seal == "":
		return failedReplies(calls, "the companion's cluster answered "+status)
	}
	body, err := abi.Bytes(abi.CallBody, p.Limits.ResponseBody+1)
	if err != nil || len(body) > p.Limits.ResponseBody {
		return failedReplies(calls, "no reply, or one beyond limits.responseBody")
	}
	if err := s.plugin.companion.CheckSeal(signature, body, seal); err != nil {
		return failedReplies(calls, "reply without a valid seal: "+err.Error())
	}
	replies, err := wire.DecodeReplies(string(body), calls, p.Limits.Depth+replyNesting)
	if err != nil {
		return failedReplies(calls, err.Error())
	}
	return replies
}

func failedReplies(calls []rules.Call, reason string) []rules.Reply {
	out := make([]rules.Reply, len(calls))
	for i, c := range calls {
		out[i] = rules.Reply{ID: c.ID, Err: reason}
	}
	return out
}
