package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/decide"
)

// A stream in shadow is decided, counted and logged, and goes on as it came: its state is
// passed from its headers on, so nothing of it is held or changed. Its body is copied
// while it passes. What cannot be decided in this way stays undecided, and is counted.

// shadow is the event that the decision of a stream in shadow awaits.
type shadow uint8

const (
	shadowOff         shadow = iota // not in shadow, or decided
	shadowReplies                   // to calls
	shadowBody                      // of the message that is decided
	shadowUpstream                  // the response's headers
	shadowUncollected               // replies, while the body goes by unread
	shadowCompared                  // of a twin that is decided: the active decision, which is compared with its own
)

// inShadow reports whether decisions about the request are not carried out.
func (s *stream) inShadow() bool {
	return s.plugin.policy.Shadow || s.resource != nil && s.resource.Shadow
}

// watch takes a stream in shadow from the first step of its decision.
func (s *stream) watch(step decide.Step) types.Action {
	s.setState(passed)
	defer s.guardShadow()
	s.observe(step)
	return types.ActionContinue
}

// observe notes a step instead of carrying it out.
func (s *stream) observe(step decide.Step) {
	for {
		switch step.Action {
		case decide.Continue:
			s.observeYes(&step)
			return
		case decide.AwaitBody:
			s.shadow = shadowBody
			if !s.ended {
				return
			}
			step = s.message().Body(string(s.seen))
		case decide.AwaitReplies:
			if s.active != nil && !s.mayCall(step.Calls) {
				s.undecided("calls")
				return
			}
			s.shadow = shadowReplies
			if !step.GatherBody && s.seen == nil && !s.ended && s.direction == request {
				s.shadow = shadowUncollected
			}
			s.noteCalls(step.Calls)
			failed := s.dispatch(step.Calls)
			if failed == nil {
				return
			}
			s.noteReplies(step.Calls, failed)
			step = s.message().Replies(failed)
		case decide.AwaitKeys:
			s.undecided("keys") // a key that is not there yet would hold the request
			return
		default:
			s.observeRefusal(&step.Refusal)
			return
		}
	}
}

func (s *stream) observeYes(step *decide.Step) {
	m := &s.plugin.metrics
	if s.active != nil {
		s.active.twin.decided(s, step)
		return
	}
	if s.twin != nil {
		s.twin.proceeds(step)
	}
	if s.direction == request {
		m.decision(s.resource, decide.Yes)
		m.took(s.received, false)
	}
	if step.Response == nil {
		s.logDecision(nil)
		s.endShadow()
		return
	}
	s.awaitUpstream(step.Response)
}

// awaitUpstream goes on with the response.
func (s *stream) awaitUpstream(next *decide.Response) {
	s.direction, s.request, s.response = response, nil, next
	s.shadow, s.seen, s.ended = shadowUpstream, nil, false
}

func (s *stream) observeRefusal(r *decide.Refusal) {
	if s.active != nil {
		s.active.twin.decided(s, &decide.Step{Refusal: *r})
		return
	}
	s.noteRefusal(r)
	m := &s.plugin.metrics
	m.decision(s.resource, r.Outcome)
	m.count("shadow_passed_total", string(r.Outcome), labelOf(s.resource))
	if r.Why != "" {
		m.count("unknown_total", r.Why, labelOf(s.resource))
	}
	if s.direction == request {
		m.took(s.received, false)
	}
	setDecision("shadow " + describe(r, s.resource))
	if !s.logDecision(r) {
		s.logLine(r, "rulegate: shadow: would be refused: ")
	}
	s.endShadow()
}

// undecided counts a decision that cannot be made without holding the message.
func (s *stream) undecided(reason string) {
	if s.active != nil {
		s.active.twin.undecided(reason)
		return
	}
	s.plugin.metrics.count("shadow_undecided_total", reason, labelOf(s.resource))
	s.endShadow()
}

func (s *stream) endShadow() {
	s.shadow, s.seen = shadowOff, nil
	s.release()
}

// observeReplies brings replies to the calls of a stream in shadow, and those that were
// known already.
func (s *stream) observeReplies(b *batch) {
	defer s.guardShadow()
	if s.shadow != shadowReplies && s.shadow != shadowUncollected {
		return
	}
	uncollected := s.shadow == shadowUncollected
	replies := s.readReplies(b)
	s.noteReplies(b.calls, replies)
	step := s.message().Replies(append(replies, b.known...))
	if uncollected && step.Action == decide.AwaitBody {
		s.undecided("body")
		return
	}
	s.observe(step)
}

// observeBody copies a piece of a body that passes.
func (s *stream) observeBody(d direction, size int, end bool) {
	defer s.guardShadow()
	if d != s.direction || s.shadow != shadowBody && s.shadow != shadowReplies {
		return
	}
	if size > 0 {
		if len(s.seen)+size > s.message().MaxBody() {
			s.observe(s.message().TooLarge())
			return
		}
		if !s.hold(len(s.seen) + size) {
			s.observeNoMemory()
			return
		}
		piece, err := abi.Bytes(hosts[d].body, size)
		if err != nil || len(piece) != size {
			s.undecided("body")
			return
		}
		s.seen = append(s.seen, piece...)
	}
	if !end {
		return
	}
	if s.ended = true; s.shadow == shadowBody {
		s.plugin.vm.memory.use(len(s.seen))
		s.observe(s.message().Body(string(s.seen)))
	}
}

func (s *stream) observeNoMemory() {
	if s.active != nil {
		s.undecided("memory") // the active policy's bodies have the most of it
		return
	}
	refusal := s.noMemory()
	s.observeRefusal(&refusal)
}

// passBody shows a piece of a body that passes to those who copy it.
func (s *stream) passBody(d direction, size int, end bool) {
	if s.shadow != shadowOff {
		s.observeBody(d, size, end)
	}
	if s.twin != nil {
		s.twin.at(atPiece, d, size, end)
	}
}

// observeResponse decides a response by its headers, as far as that goes.
func (s *stream) observeResponse(end bool) {
	defer s.guardShadow()
	if s.direction != response || s.shadow != shadowUpstream {
		return
	}
	headers, err := abi.Pairs(abi.ResponseHeaders)
	if err != nil {
		s.undecided("headers")
		return
	}
	if !s.away.IsZero() {
		s.elsewhere = abi.Now().Sub(s.away)
	}
	s.ended = end
	s.observe(s.response.Headers(headers, end))
}

// passesPanic lets a request in shadow pass whose headers have made the module panic, and
// reports whether it does. Nothing of the request is changed by then. A request is in
// shadow if the policy is, or the route that was found before the panic.
func (s *stream) passesPanic(r any) bool {
	if s.state != awaitHeaders || s.direction != request {
		return false
	}
	if s.request != nil {
		s.resource = s.request.Resource()
	}
	if !s.inShadow() {
		return false
	}
	s.setState(passed)
	s.panickedInShadow(r)
	return true
}

// guardShadow ends a callback of a stream in shadow. A panic costs its decision, and
// nothing else.
func (s *stream) guardShadow() {
	if r := recover(); r != nil {
		s.panickedInShadow(r)
	}
}

func (s *stream) panickedInShadow(r any) {
	defer func() { _ = recover() }()
	abi.Errorf("rulegate: panic in shadow: %v", r)
	s.undecided("panic")
}
