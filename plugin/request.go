package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/decide"
)

// stopAll is the host's StopAllIterationAndWatermark, for callbacks of headers:
// the host shows nothing more of the message until it is resumed, and slows a
// fast sender down. ActionPause shows the body and keeps it in memory, up to
// Envoy's buffer limit, beyond which Envoy answers 413.
const stopAll types.Action = 4

// OnHttpRequestHeaders decides all that needs neither keys, body nor replies.
func (s *stream) OnHttpRequestHeaders(_ int, end bool) (action types.Action) {
	defer s.guard(&action)
	if s.state != awaitHeaders || s.direction != request || s.room != nil {
		return s.fail("headers out of turn")
	}
	s.failForTest()
	s.received = abi.Now()
	rooms := &s.plugin.vm.rooms
	room := rooms.next()
	s.plugin.engine.Begin(&room.request, properties{}, s.received)
	headers, err := abi.PairsIn(&room.results, abi.RequestHeaders)
	if err == nil {
		room.request.Open(headers, end)
		if s.passes(&room.request) {
			room.results.Reset()
			return types.ActionContinue
		}
	}
	s.room = rooms.take()
	if err != nil && s.inShadow() {
		s.setState(passed)
		s.undecided("headers")
		return types.ActionContinue
	}
	if err != nil {
		return s.fail("headers: " + err.Error())
	}
	s.request = &s.room.request
	if s.plugin.candidate != nil {
		s.addTwin(headers)
	}
	step := s.request.Decide()
	s.resource = s.request.Resource()
	if s.inShadow() {
		action = s.watch(step)
	} else {
		action = s.atHeaders(s.apply(step))
	}
	if s.twin != nil {
		s.twin.at(atHeaders, request, 0, end)
	}
	return action
}

// passes lets a request through that the quick way decides. It reports false, and has
// changed nothing, for every other one, and for one that the log or a candidate wants.
func (s *stream) passes(request *decide.Request) bool {
	p := s.plugin
	if p.candidate != nil || p.decisions.due() {
		return false
	}
	pass, ok := request.Passes()
	if !ok {
		return false
	}
	shadow := p.policy.Shadow || pass.Resource.Shadow
	if pass.Withheld != "" && !shadow && abi.Remove(abi.RequestHeaders, pass.Withheld) != nil {
		return false // the general way fails too, and says why
	}
	s.resource, s.state = pass.Resource, passed
	p.metrics.decision(pass.Resource, decide.Yes)
	p.metrics.took(s.received, false)
	p.decisions.pass()
	return true
}

// atHeaders turns the action that apply returned into that of a headers callback:
// it stops the body too, unless the body is needed next.
func (s *stream) atHeaders(action types.Action) types.Action {
	if s.state == awaitKeys || s.state == awaitReplies {
		return stopAll
	}
	return action
}

func (s *stream) OnHttpRequestBody(size int, end bool) (action types.Action) {
	if s.isThrough() {
		return types.ActionContinue
	}
	defer s.guard(&action)
	return s.body(request, size, end)
}

// OnHttpRequestTrailers ends a body that did not end before (RFC 9113, section
// 8.1). Trailers are fields too, so those that only the policy may set go.
func (s *stream) OnHttpRequestTrailers(int) (action types.Action) {
	defer s.guard(&action)
	if s.shadow != shadowOff || s.twin != nil && s.flows(request) {
		s.passBody(request, 0, true)
	}
	if s.resource != nil && !s.inShadow() && len(s.resource.Reserved)+len(s.resource.Headers.List) > 0 {
		err := hosts[request].removeTrailers(func(trailers [][2]string) []string {
			return decide.Reserved(s.resource, trailers)
		})
		if err != nil {
			return s.refuse(decide.InternalError("trailers: " + err.Error()))
		}
	}
	if s.flows(request) {
		return types.ActionContinue
	}
	return s.bodyEnded()
}
