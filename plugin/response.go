package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/decide"
)

// OnHttpResponseHeaders holds the headers of a response that a rule decides: a
// response whose headers are out can no longer be withheld.
func (s *stream) OnHttpResponseHeaders(_ int, end bool) (action types.Action) {
	if s.isThrough() {
		return types.ActionContinue
	}
	if s.twin != nil && (s.state == passed || s.direction == response && s.state == awaitHeaders) {
		s.twin.at(atResponse, response, 0, end)
	}
	if s.shadow != shadowOff {
		s.observeResponse(end)
		s.settle()
		return types.ActionContinue
	}
	if s.flows(response) {
		return types.ActionContinue
	}
	defer s.guard(&action)
	if s.state != awaitHeaders {
		return s.fail("headers out of turn")
	}
	s.setState(inHeaders)
	if !s.away.IsZero() {
		s.elsewhere = abi.Now().Sub(s.away)
	}
	headers, err := abi.PairsIn(&s.room.results, abi.ResponseHeaders)
	if err != nil {
		return s.fail("headers: " + err.Error())
	}
	return s.atHeaders(s.apply(s.response.Headers(headers, end)))
}

func (s *stream) OnHttpResponseBody(size int, end bool) (action types.Action) {
	if s.isThrough() {
		return types.ActionContinue
	}
	defer s.guard(&action)
	return s.body(response, size, end)
}

// OnHttpResponseTrailers ends a body that did not end before. Trailers that
// describe the body go, because it may be rewritten.
func (s *stream) OnHttpResponseTrailers(int) (action types.Action) {
	if s.shadow != shadowOff || s.flows(response) {
		s.passBody(response, 0, true)
		s.settle()
		return types.ActionContinue
	}
	defer s.guard(&action)
	if s.state == awaitBody {
		if err := s.host().removeTrailers(decide.BodyTrailers); err != nil {
			return s.fail("trailers: " + err.Error())
		}
	}
	return s.bodyEnded()
}
