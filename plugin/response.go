package main

import (
	"fmt"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/rules/gate"
)

// OnHttpResponseHeaders holds the headers of a response that is to be rewritten:
// once they are out, it can no longer be blocked. Answers of our own, and what
// Envoy answers before a request was let through, come by here too and pass.
func (s *stream) OnHttpResponseHeaders(_ int, end bool) (action types.Action) {
	if s.mask == nil || s.state != forwarded {
		return types.ActionContinue
	}
	defer s.guardResponse(&action)
	headers, err := proxywasm.GetHttpResponseHeaders()
	if err != nil {
		return s.block(gate.Blocked("headers: " + err.Error()))
	}
	s.state = masking
	return s.takeMask(s.mask.Headers(headers, end))
}

func (s *stream) OnHttpResponseBody(size int, end bool) (action types.Action) {
	if s.state != masking {
		return types.ActionContinue
	}
	defer s.guardResponse(&action)
	if size > s.mask.MaxBody() {
		return s.block(s.mask.TooLarge())
	}
	if !end {
		return types.ActionPause
	}
	return s.rewriteResponse()
}

// OnHttpResponseTrailers ends a body that did not end before.
func (s *stream) OnHttpResponseTrailers(int) (action types.Action) {
	if s.state != masking {
		return types.ActionContinue
	}
	defer s.guardResponse(&action)
	return s.rewriteResponse()
}

func (s *stream) rewriteResponse() types.Action {
	body, err := proxywasm.GetHttpResponseBody(0, s.mask.MaxBody()+1)
	if err != nil && err != types.ErrorStatusNotFound {
		return s.block(gate.Blocked("body: " + err.Error()))
	}
	return s.takeMask(s.mask.Body(string(body)))
}

// takeMask carries out what is to be done to the response.
func (s *stream) takeMask(step gate.MaskStep) types.Action {
	switch step.Action {
	case gate.AwaitContent:
		return types.ActionPause
	case gate.Pass:
		if err := applyResponse(&step.Changes); err != nil {
			return s.block(gate.Blocked("not changed: " + err.Error()))
		}
		s.state = forwarded
		s.mask = nil
		return types.ActionContinue
	}
	return s.block(step)
}

// block answers instead of the upstream.
func (s *stream) block(step gate.MaskStep) types.Action {
	s.state, s.mask = refused, nil
	s.report(&step.Refusal)
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
			s.block(gate.Blocked(fmt.Sprintf("panic: %v", r)))
		}
	}
}
