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

// batch is the calls of a stream that are under way: alone, in a request of their own, or
// in a group.
type batch struct {
	flight // alone
	plugin *plugin
	calls  []rules.Call
	keys   []string      // of the calls, for the answers that are kept
	known  []rules.Reply // to other calls of the rule
	asked  time.Time
	from   int  // the number of the first, in a group
	again  bool // they were in a group before
	size   int  // of the calls, encoded

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

// left returns what is left of the timeout, in milliseconds.
func (c *peer) left(after time.Duration) uint32 {
	left := time.Duration(c.timeout)*time.Millisecond - max(0, after)
	return uint32(max(0, left.Milliseconds()))
}

// desk is the memory in which a VM writes its calls and reads the headers of replies.
type desk struct {
	nonces  wire.Nonces
	body    []byte
	headers abi.Room
	trace   [][2]string
}

// maxDesk bounds the body that is kept, in bytes.
const maxDesk = 16 << 10

// dispatch sends the calls to the companion in one request, except those whose answer
// is kept. If there is nothing to send, or it cannot be sent, it returns the replies;
// if it returns nil, take is called later.
func (s *stream) dispatch(calls []rules.Call) (replies []rules.Reply) {
	p := s.plugin
	b := &batch{plugin: p, asked: abi.Now(), of: s, id: s.id}
	if b.known, b.calls, b.keys = p.answers.find(calls, p.policy.Gateway, b.asked); len(b.calls) == 0 {
		return b.known
	}
	s.awaits = b
	if p.group.takes(s, b) {
		replies = p.group.add(s, b)
	} else {
		replies = b.alone(b.asked)
	}
	if replies != nil {
		replies = append(replies, b.known...)
	}
	return replies
}

// alone sends the calls in a request of their own.
func (b *batch) alone(now time.Time) (replies []rules.Reply) {
	s, p := b.of, b.plugin
	left := p.companion.timeout
	if b.again {
		// The stream's deadline counts from the first request.
		if left = p.companion.left(now.Sub(b.asked)); left == 0 {
			return failedReplies(b.calls, "timeout")
		}
	}
	desk := &p.vm.calls
	body, err := desk.nonces.Append(desk.body[:0], b.calls, p.policy.Gateway)
	if err != nil {
		return failedReplies(b.calls, "not encoded: "+err.Error())
	}
	if cap(body) <= maxDesk {
		desk.body = body // the host copies it
	}
	if !s.hold(s.held + len(body)) {
		return failedReplies(b.calls, "not sent: "+decide.MemoryReason)
	}
	b.size = len(body)
	s.calling = b.size
	if err := p.post(&b.flight, body, left, s.trace(), now, b); err != nil {
		return failedReplies(b.calls, "not sent: "+err.Error())
	}
	return nil
}

// trace returns the headers that tell the companion which request it works for.
func (s *stream) trace() [][2]string {
	m, desk := s.message(), &s.plugin.vm.calls
	desk.trace = desk.trace[:0]
	for _, name := range traceHeaders {
		if v := m.RequestHeader(name); v != "" {
			desk.trace = append(desk.trace, [2]string{name, v})
		}
	}
	return desk.trace
}

// post sends a request to the companion. The host calls done once if there is no error.
func (p *plugin) post(f *flight, body []byte, timeout uint32, trace [][2]string, now time.Time, done abi.Callback) error {
	peer := &p.companion
	f.sent, f.signature = now, peer.keys.Sign(p.policy.Project, body, now)
	waits := peer.waits
	if timeout != peer.timeout {
		waits = strconv.FormatUint(uint64(timeout), 10)
	}
	headers := append(make([][2]string, 0, 6+len(traceHeaders)), [][2]string{
		{":method", "POST"},
		{":path", wire.Path},
		{":authority", peer.authority},
		{"content-type", "application/json"},
		{"authorization", f.signature},
		{wire.TimeoutHeader, waits},
	}...)
	headers = append(headers, trace...)
	if err := abi.Call(p.id, p.policy.Companion.Cluster, headers, body, timeout, done); err != nil {
		return err
	}
	p.group.note(f)
	return nil
}

// Called is called by the host, about the reply to calls that went alone.
func (b *batch) Called(size int) {
	defer b.plugin.rescue()
	b.landed = true
	b.plugin.group.flush()
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
	if s.awaits != b {
		return
	}
	if s.shadow != shadowOff && s.enter() {
		s.calling, s.awaits = 0, nil
		s.observeReplies(b)
		return
	}
	if s.enter() && s.state.awaitsReplies() {
		s.take(b, nil, size)
	}
}

// take goes on with the replies to calls, or reads those of an answer to them alone. size
// is that of the answer's body.
func (s *stream) take(b *batch, replies []rules.Reply, size int) {
	// From here on the stream needs the answer, and no more its request for it.
	s.calling, s.awaits = 0, nil
	if !s.hold(s.held - b.size + size) {
		s.refuse(s.noMemory())
		return
	}
	s.plugin.vm.memory.use(s.held)
	if replies == nil {
		replies = s.readReplies(b)
		s.plugin.answers.keep(b.keys, replies, size, b.asked)
	}
	s.noteReplies(b.calls, replies)
	s.resume(s.message().Replies(append(replies, b.known...)))
}

// readReplies reads the companion's answer to calls that went alone. Every call fails,
// unless the answer has a seal for their request.
func (s *stream) readReplies(b *batch) []rules.Reply {
	a := s.plugin.readAnswer(b.signature)
	if a.failure != "" {
		return failedReplies(b.calls, a.failure)
	}
	replies, err := wire.DecodeReplies(a.body, b.calls, s.plugin.policy.Limits.Depth+replyNesting)
	if err != nil {
		return failedReplies(b.calls, err.Error())
	}
	return replies
}

// answer is one of the companion's cluster.
type answer struct {
	body    string // "": there is a failure
	failure string
	refused bool // for what was asked, or for the length of the answer
}

// readAnswer reads the answer to the request with a signature.
func (p *plugin) readAnswer(signature string) (a answer) {
	room := &p.vm.calls.headers
	defer room.Reset()
	headers, err := abi.PairsIn(room, abi.CallHeaders)
	if err != nil {
		a.failure = "no reply"
		return a
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
		a.failure = "the companion's cluster answered 401: want a companion of the module's release, with its secret, project and time"
		return a
	case status != "200" || seal == "":
		a.failure, a.refused = "the companion's cluster answered "+status, status == "400" || status == "413"
		return a
	}
	most := p.policy.Limits.ResponseBody
	body, err := abi.Bytes(abi.CallBody, most+1)
	if err != nil || len(body) > most {
		a.failure, a.refused = "no reply, or one beyond limits.responseBody", len(body) > most
		return a
	}
	if err := p.companion.keys.CheckSeal(signature, body, seal); err != nil {
		a.failure = "reply without a valid seal: " + err.Error()
		return a
	}
	a.body = unsafe.String(unsafe.SliceData(body), len(body))
	return a
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
