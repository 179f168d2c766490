package main

import (
	"strconv"
	"time"
	"unsafe"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
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

	of *stream
	id uint32 // of the stream: when the reply comes, its memory may be another's
}

// peer is the companion, as the calls of a plugin reach it.
type peer struct {
	keys      wire.Keys // shared with it
	authority string
	timeout   uint32 // of calls, in milliseconds
	waits     string // the timeout, for the companion
}

func newPeer(pol *policy.Policy) peer {
	timeout := max(1, uint32(pol.Companion.Timeout.Milliseconds())) // to the host, 0 means no limit
	return peer{
		keys:      wire.DeriveKeys(pol.Companion.Secrets...),
		authority: authority(pol.Companion.Cluster),
		timeout:   timeout,
		waits:     strconv.FormatUint(uint64(timeout), 10),
	}
}

// desk is the memory in which a VM writes its calls and reads the headers of replies.
type desk struct {
	nonces  wire.Nonces
	body    []byte
	headers abi.Room
}

// maxDesk bounds the body that is kept, in bytes.
const maxDesk = 16 << 10

// dispatch sends the calls to the companion in one request, except those whose answer
// is kept. If there is nothing to send, or it cannot be sent, it returns the replies;
// if it returns nil, replied is called later.
func (s *stream) dispatch(calls []rules.Call) (replies []rules.Reply) {
	p := s.plugin.policy
	b := &batch{sent: abi.Now(), of: s, id: s.id}
	if b.known, b.calls, b.keys = s.plugin.answers.find(calls, p.Gateway, b.sent); len(b.calls) == 0 {
		return b.known
	}
	desk, peer := &s.plugin.vm.calls, &s.plugin.companion
	body, err := desk.nonces.Append(desk.body[:0], b.calls, p.Gateway)
	if err != nil {
		return failedReplies(calls, "not encoded: "+err.Error())
	}
	if cap(body) <= maxDesk {
		desk.body = body // the host copies it
	}
	if !s.hold(s.held + len(body)) {
		return failedReplies(calls, "not sent: "+decide.MemoryReason)
	}
	b.size = len(body)
	s.calling = b.size
	b.signature = peer.keys.Sign(p.Project, body, b.sent)
	headers := append(make([][2]string, 0, 6+len(traceHeaders)), [][2]string{
		{":method", "POST"},
		{":path", wire.Path},
		{":authority", peer.authority},
		{"content-type", "application/json"},
		{"authorization", b.signature},
		{wire.TimeoutHeader, peer.waits},
	}...)
	for _, name := range traceHeaders {
		if v := s.message().RequestHeader(name); v != "" {
			headers = append(headers, [2]string{name, v})
		}
	}
	if err := abi.Call(s.plugin.id, p.Companion.Cluster, headers, body, peer.timeout, b); err != nil {
		return failedReplies(calls, "not sent: "+err.Error())
	}
	return nil
}

// Called is called by the host, about a reply.
func (b *batch) Called(size int) {
	if b.of.id == b.id { // else the memory is another stream's by now
		b.of.replied(b, size)
	}
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
	room := &s.plugin.vm.calls.headers
	defer room.Reset()
	headers, err := abi.PairsIn(room, abi.CallHeaders)
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
	if err := s.plugin.companion.keys.CheckSeal(signature, body, seal); err != nil {
		return failedReplies(calls, "reply without a valid seal: "+err.Error())
	}
	replies, err := wire.DecodeReplies(unsafe.String(unsafe.SliceData(body), len(body)), calls, p.Limits.Depth+replyNesting)
	if err != nil {
		return failedReplies(calls, err.Error())
	}
	return replies
}

// failedReplies is not inlined, which would make the module larger.
//
//go:noinline
func failedReplies(calls []rules.Call, reason string) []rules.Reply {
	out := make([]rules.Reply, len(calls))
	for i, c := range calls {
		out[i] = rules.Reply{ID: c.ID, Err: reason}
	}
	return out
}
