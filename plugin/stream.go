package main

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// state is where a request stands.
type state uint8

const (
	unseen     state = iota // no headers yet
	awaiting                // keys are awaited
	gathering               // the body is awaited
	calling                 // replies are awaited
	refused                 // answered here, or about to be
	forwarded               // let through
	masking                 // let through; the response is held until it is decided and rewritten
	consulting              // let through; the response is held, and replies are awaited
	over                    // gone
)

// holdAll is the host's StopAllIterationAndWatermark: nothing more of the
// request is shown until it is resumed, and a client that sends faster than it
// can be let through is slowed down. ActionPause shows the body and keeps it in
// memory, up to Envoy's buffer limit, beyond which Envoy answers 413.
const holdAll types.Action = 4

// stream is one request.
type stream struct {
	types.DefaultHttpContext
	plugin   *plugin
	id       uint32 // of the host's context
	state    state  // changed by become alone
	wait     wait
	seen     bool             // a piece of a body was shown
	holds    bool             // its body comes while it waits for keys
	waited   bool             // for keys: what calls it back may do so in the plugin's context
	ended    bool             // the body has come, before it was asked for
	gate     *decide.Stream   // nil once the request is refused or forwarded
	mask     *decide.Mask     // what is to be done with the response; nil: nothing
	resource *policy.Resource // nil: nothing covers the request
	now      time.Time
}

// OnHttpRequestHeaders decides all that needs neither body nor replies.
func (s *stream) OnHttpRequestHeaders(_ int, end bool) (action types.Action) {
	defer s.guard(&action)
	s.now = time.Now()
	headers, err := proxywasm.GetHttpRequestHeaders()
	if err != nil {
		return s.refuse(decide.Internal("headers: " + err.Error()))
	}
	var step decide.Step
	s.gate, step = s.plugin.gate.Begin(&decide.Request{Headers: headers, EndStream: end, Ask: ask}, s.now)
	s.resource = step.Resource
	action = s.take(step)
	if s.state == calling || s.state == awaiting && !step.BodyNext {
		return holdAll
	}
	return action
}

// OnHttpRequestBody is called for each piece that comes; size is that of all
// pieces so far, as long as they are held.
func (s *stream) OnHttpRequestBody(size int, end bool) (action types.Action) {
	defer s.guard(&action)
	switch s.state {
	case forwarded, masking, consulting:
		return types.ActionContinue
	case gathering, awaiting:
		s.seen = true
		if size > s.gate.MaxBody() {
			return s.take(s.gate.TooLarge())
		}
		if end {
			return s.bodyEnded()
		}
	}
	return types.ActionPause
}

// OnHttpRequestTrailers ends a body that did not end before (RFC 9113, section
// 8.1). Trailers are fields too, so what only the policy may set is taken away.
func (s *stream) OnHttpRequestTrailers(int) (action types.Action) {
	defer s.guard(&action)
	if s.resource != nil && len(s.resource.Strip) > 0 {
		if err := cutTrailers(s.resource); err != nil {
			return s.refuse(decide.Internal("trailers: " + err.Error()))
		}
	}
	switch s.state {
	case forwarded, masking, consulting:
		return types.ActionContinue
	case gathering, awaiting:
		return s.bodyEnded()
	}
	return types.ActionPause
}

// bodyEnded reads the body, unless it is not known yet whether it is wanted.
func (s *stream) bodyEnded() types.Action {
	if s.ended = true; s.state == awaiting {
		return types.ActionPause
	}
	return s.readBody()
}

func (s *stream) readBody() types.Action {
	// One byte more than is allowed tells that there is more.
	body, err := proxywasm.GetHttpRequestBody(0, s.gate.MaxBody()+1)
	if err != nil && err != types.ErrorStatusNotFound {
		return s.refuse(decide.Internal("body: " + err.Error()))
	}
	return s.take(s.gate.Body(string(body)))
}

// take carries out a step and says how a callback of the request returns.
func (s *stream) take(step decide.Step) types.Action {
	for {
		switch step.Action {
		case decide.Forward:
			if err := apply(&step.Changes); err != nil {
				return s.refuse(decide.Internal("request not changed: " + err.Error()))
			}
			s.plugin.counters.add(s.resource, "yes")
			s.become(forwarded)
			s.gate, s.mask = nil, step.Mask
			return types.ActionContinue
		case decide.AwaitKeys:
			s.become(awaiting)
			s.waited = true
			if !s.plugin.keys.add(s, step.BodyNext) {
				return s.refuse(decide.Internal("too many requests wait for keys"))
			}
			return types.ActionPause
		case decide.AwaitBody:
			if s.become(gathering); s.ended {
				return s.readBody()
			}
			return types.ActionPause
		case decide.AwaitReplies:
			s.become(calling)
			failed := s.dispatch(step.Calls, s.gate.Header, s.replied)
			if failed == nil {
				return types.ActionPause
			}
			step = s.gate.Replies(failed)
		default:
			return s.refuse(step.Refusal)
		}
	}
}

// resume carries out a step that came with a reply, when there is no callback of
// the request to return from.
func (s *stream) resume(step decide.Step) {
	if s.take(step) != types.ActionContinue {
		return
	}
	if err := proxywasm.ResumeHttpRequest(); err != nil {
		proxywasm.LogErrorf("rulegate: request not resumed: %v", err)
	}
}

// keysCame tries the token of a request that waits for keys again. The plugin is
// called then, not the request.
func (s *stream) keysCame(now time.Time) {
	var action types.Action
	defer s.guard(&action)
	if !s.enter() || s.state != awaiting {
		return
	}
	step := s.gate.Keys(now)
	s.resource = step.Resource
	s.resume(step)
}

// enter makes this request the one that host calls are about, where it may not
// be; false when it is gone.
func (s *stream) enter() bool {
	return !s.waited || s.state != over && proxywasm.SetEffectiveContext(s.id) == nil
}

// refuse answers the client, once. Whatever happens on the way, nothing goes
// upstream.
func (s *stream) refuse(r decide.Refusal) types.Action {
	switch s.state {
	case refused, forwarded, masking, consulting, over:
		return types.ActionPause
	}
	s.become(refused)
	s.report(&r)
	s.gate = nil
	if err := answer(&r); err != nil {
		proxywasm.LogErrorf("rulegate: request not answered: %v", err)
	}
	return types.ActionPause
}

// guard turns a panic in a callback into a refusal. Should that panic too, the
// request stays paused, until the host's idle timeout ends it.
func (s *stream) guard(action *types.Action) {
	if r := recover(); r != nil {
		*action = types.ActionPause
		defer func() { _ = recover() }()
		s.refuse(decide.Internal(fmt.Sprintf("panic: %v", r)))
		if ok, _ := s.plugin.vm.panics.take(s.now); ok {
			proxywasm.LogErrorf("rulegate: panic: %v\n%s", r, debug.Stack())
		}
	}
}

// ask fetches what costs a call of the host, when a rule is about to read it.
func ask(req *decide.Request, root string) {
	switch root {
	case "request":
		req.IP = clientIP()
	case "peer":
		req.Peer = peer()
	}
}

func clientIP() string {
	b, err := proxywasm.GetProperty([]string{"source", "address"})
	if err != nil {
		return ""
	}
	return withoutPort(string(b))
}

// peer is the client certificate that the listener verified.
func peer() value.Value {
	mtls, err := proxywasm.GetProperty([]string{"connection", "mtls"})
	if err != nil || len(mtls) != 1 || mtls[0] != 1 {
		return value.Value{}
	}
	var ms []value.Member
	for _, p := range [...][2]string{
		{"uriSan", "uri_san_peer_certificate"}, {"dnsSan", "dns_san_peer_certificate"}, {"subject", "subject_peer_certificate"},
	} {
		if b, err := proxywasm.GetProperty([]string{"connection", p[1]}); err == nil && len(b) > 0 {
			ms = append(ms, value.Member{Key: p[0], Value: value.Str(string(b))})
		}
	}
	return value.Obj(ms...)
}
