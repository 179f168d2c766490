package main

import (
	"fmt"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
)

// OnHttpResponseHeaders holds the headers of a response that a rule is about:
// once they are out, it can no longer be blocked. Answers of our own, and what
// Envoy answers before a request was let through, come by here too and pass.
func (s *stream) OnHttpResponseHeaders(_ int, end bool) (action types.Action) {
	if s.mask == nil || s.state != forwarded {
		return types.ActionContinue
	}
	defer s.guardResponse(&action)
	headers, err := proxywasm.GetHttpResponseHeaders()
	if err != nil {
		return s.block(decide.Blocked("headers: " + err.Error()))
	}
	s.become(masking)
	s.seen = false
	action = s.takeMask(s.mask.Headers(headers, end))
	if s.state == consulting {
		return holdAll // no body is needed, so none is gathered
	}
	return action
}

func (s *stream) OnHttpResponseBody(size int, end bool) (action types.Action) {
	switch s.state {
	case masking:
	case consulting:
		return types.ActionPause
	default:
		return types.ActionContinue
	}
	defer s.guardResponse(&action)
	s.seen = true
	if size > s.mask.MaxBody() {
		return s.block(s.mask.TooLarge())
	}
	if !end {
		return types.ActionPause
	}
	return s.rewriteResponse()
}

// OnHttpResponseTrailers ends a body that did not end before. What trailers say of
// it may no longer be so.
func (s *stream) OnHttpResponseTrailers(int) (action types.Action) {
	switch s.state {
	case masking:
	case consulting:
		return types.ActionPause
	default:
		return types.ActionContinue
	}
	defer s.guardResponse(&action)
	if err := cutStale(); err != nil {
		return s.block(decide.Blocked("trailers: " + err.Error()))
	}
	return s.rewriteResponse()
}

func (s *stream) rewriteResponse() types.Action {
	body, err := proxywasm.GetHttpResponseBody(0, s.mask.MaxBody()+1)
	if err != nil && err != types.ErrorStatusNotFound {
		return s.block(decide.Blocked("body: " + err.Error()))
	}
	return s.takeMask(s.mask.Body(string(body)))
}

// takeMask carries out what is to be done with the response, and says how a
// callback of the response returns.
func (s *stream) takeMask(step decide.MaskStep) types.Action {
	for {
		switch step.Action {
		case decide.AwaitContent:
			return types.ActionPause
		case decide.AwaitAnswers:
			s.become(consulting)
			failed := s.dispatch(step.Calls, s.mask.Header, s.answered)
			if failed == nil {
				return types.ActionPause
			}
			step = s.mask.Replies(failed)
		case decide.Pass:
			if err := applyResponse(&step.Changes); err != nil {
				return s.block(decide.Blocked("not changed: " + err.Error()))
			}
			s.become(forwarded)
			s.mask = nil
			return types.ActionContinue
		default:
			return s.block(step)
		}
	}
}

// answered is called when the companion answered calls of the rule on the
// response, or when the host answers for it; what comes out of turn is dropped.
func (s *stream) answered(calls []rules.Call, request []byte) {
	var action types.Action
	defer s.guardResponse(&action)
	if !s.enter() || s.state != consulting {
		return
	}
	if s.takeMask(s.mask.Replies(s.readReplies(calls, request))) != types.ActionContinue {
		return
	}
	if err := proxywasm.ResumeHttpResponse(); err != nil {
		proxywasm.LogErrorf("rulegate: response not resumed: %v", err)
	}
}

// block answers instead of the upstream.
func (s *stream) block(step decide.MaskStep) types.Action {
	s.become(refused)
	s.report(&step.Refusal)
	s.mask = nil
	if err := answer(&step.Refusal); err != nil {
		proxywasm.LogErrorf("rulegate: response not blocked, it stays held: %v", err)
	}
	return types.ActionPause
}

// guardResponse turns a panic into a blocked response.
func (s *stream) guardResponse(action *types.Action) {
	if r := recover(); r != nil {
		*action = types.ActionPause
		defer func() { _ = recover() }()
		if s.state != refused {
			s.block(decide.Blocked(fmt.Sprintf("panic: %v", r)))
		}
	}
}
