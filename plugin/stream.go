package main

import (
	"runtime/debug"
	"time"
	"unsafe"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/record"
)

// stream is a request and its response.
type stream struct {
	types.DefaultHttpContext
	plugin    *plugin
	id        uint32 // of the host's context
	direction direction
	state     state // set by setState only
	deadline  deadline

	// One of the two, by direction, and the memory of both. settle drops them when
	// nothing is left to decide.
	request  *decide.Request
	response *decide.Response
	room     *room

	resource *policy.Resource // nil: none covers the request
	received time.Time
	gathered int    // bytes of the body that the host has shown and holds
	calling  int    // bytes of calls that are out while the body is gathered
	awaits   *batch // whose replies the stream awaits; nil: none
	kept     int    // bytes of the request that the response's rule reads
	held     int    // bytes that count for limits.memory; set by hold and release only

	// Of a stream in shadow.
	shadow shadow
	seen   []byte // of the body that passes
	ended  bool   // it has passed

	twin   *twin   // decides by the candidate; nil: there is none
	active *stream // of a twin: the stream beside it

	// For the decision log; zero without one.
	calls     []record.Call // of the request and its response
	asked     time.Time     // when the last ones went out
	away      time.Time     // when the request was let through
	elsewhere time.Duration // from then to the response's headers
}

// message has the verbs that a Request and a Response share.
type message interface {
	Body(text string) decide.Step
	Replies([]rules.Reply) decide.Step
	TooLarge() decide.Step
	MaxBody() int
	RequestHeader(name string) string
}

func (s *stream) message() message {
	if s.direction == response {
		return s.response
	}
	return s.request
}

// flows reports whether the host may pass bytes of the direction on.
func (s *stream) flows(d direction) bool {
	switch {
	case s.state == passed:
		return true
	case d == request:
		return s.direction == response && !s.state.ended()
	}
	// A response before the request is let through, or once the host has our reply,
	// is our own or the proxy's.
	return s.direction == request || s.state == answered
}

// isThrough reports whether the host may pass on all that comes: nothing is left to
// decide, to watch, or to give back.
func (s *stream) isThrough() bool {
	return s.state == passed && s.shadow == shadowOff && s.room == nil
}

// body is called for each piece of a body that comes; size is that of all pieces
// that are held.
func (s *stream) body(d direction, size int, end bool) types.Action {
	if s.shadow != shadowOff || s.flows(d) {
		s.passBody(d, size, end)
		return types.ActionContinue
	}
	if s.state == awaitBody || s.state.gathers() {
		s.gathered = size
		if size > s.message().MaxBody() {
			return s.apply(s.message().TooLarge())
		}
		if !s.hold(s.kept + s.calling + size) {
			return s.refuse(s.noMemory())
		}
	}
	if end {
		return s.bodyEnded()
	}
	return types.ActionPause
}

// bodyEnded reads the whole body, or later if it is not known yet whether it is
// needed.
func (s *stream) bodyEnded() types.Action {
	switch s.state {
	case awaitHeaders:
		return s.fail("a body before its headers")
	case awaitKeysGather:
		s.setState(awaitKeysGathered)
	case awaitRepliesGather:
		s.setState(awaitRepliesGathered)
	case awaitBody:
		return s.readBody()
	}
	return types.ActionPause
}

func (s *stream) readBody() types.Action {
	if !s.hold(s.kept + policy.BodyCost*s.gathered) {
		return s.refuse(s.noMemory())
	}
	s.plugin.vm.memory.use(s.gathered)
	s.plugin.metrics.body(s.direction, s.gathered)
	// One byte more than is allowed shows that the body is too large.
	body, err := abi.BytesIn(&s.room.bodies, s.host().body, s.message().MaxBody()+1)
	if err != nil && err != types.ErrorStatusNotFound {
		return s.fail("body: " + err.Error())
	}
	if len(body) < s.gathered {
		return s.fail(lightfmt.Sprintf("body: the host gave %d of its %d bytes", len(body), s.gathered))
	}
	// Not a copy: nobody changes the bytes until settle gives the room away.
	text := unsafe.String(unsafe.SliceData(body), len(body))
	step := s.message().Body(text)
	if s.twin != nil {
		s.twin.whole(s.direction, text)
	}
	if s.direction == request {
		s.resource = s.request.Resource() // an event's is told by its body
	}
	return s.apply(step)
}

// apply carries out a step and returns the action for a callback of the
// direction.
func (s *stream) apply(step decide.Step) types.Action {
	for {
		switch step.Action {
		case decide.Continue:
			return s.proceed(&step)
		case decide.AwaitKeys:
			return s.waitForKeys(step.GatherBody)
		case decide.AwaitBody:
			whole := s.state.gathered()
			if s.setState(awaitBody); whole {
				return s.readBody()
			}
			return types.ActionPause
		case decide.AwaitReplies:
			s.setState(s.whileReplies(step.GatherBody))
			s.noteCalls(step.Calls)
			failed := s.dispatch(step.Calls)
			if failed == nil {
				return types.ActionPause
			}
			s.noteReplies(step.Calls, failed)
			step = s.message().Replies(failed)
		default:
			return s.refuse(step.Refusal)
		}
	}
}

// whileReplies returns the state in which the stream awaits replies.
func (s *stream) whileReplies(gather bool) state {
	switch {
	case !gather:
		return awaitReplies
	case s.state.gathered():
		return awaitRepliesGathered
	}
	return awaitRepliesGather
}

// proceed changes the message and lets it go.
func (s *stream) proceed(step *decide.Step) types.Action {
	if err := s.host().change(&step.Changes); err != nil {
		return s.fail("not changed: " + err.Error())
	}
	if s.twin != nil {
		s.twin.proceeds(step)
	}
	if s.direction == request {
		s.plugin.metrics.decision(s.resource, decide.Yes)
		s.plugin.metrics.took(s.received, s.state != awaitHeaders)
	}
	if step.Response == nil {
		s.logDecision(nil)
		s.setState(passed)
		return types.ActionContinue
	}
	if s.plugin.decisions.policy != nil {
		s.away = abi.Now()
	}
	if step.Response.Holds() {
		setHold()
	}
	s.kept = step.Response.Kept()
	if !s.hold(s.kept) {
		return s.refuse(s.noMemory())
	}
	s.direction, s.request, s.response, s.gathered = response, nil, step.Response, 0
	s.setState(awaitHeaders)
	return types.ActionContinue
}

// resume carries out a step outside of the direction's callbacks, so it has to
// tell the host to go on.
func (s *stream) resume(step decide.Step) {
	host := s.host() // before the direction changes
	if s.apply(step) != types.ActionContinue {
		return
	}
	if err := abi.Resume(host.direction); err != nil {
		s.refuse(host.failed("not resumed: " + err.Error()))
	}
}

// setState changes the state, and with it the deadline and the requests that
// wait for keys.
func (s *stream) setState(next state) {
	p := s.plugin
	if s.state.awaitsKeys() && !next.awaitsKeys() {
		p.keys.remove(s)
	}
	s.state = next
	switch next {
	case awaitKeys, awaitKeysGather:
		p.deadlines.within(s, jwks.MaxWait+hostGrace)
	case awaitKeysGathered: // it waits for the same keys: the deadline stays
	case awaitBody:
		p.deadlines.within(s, p.policy.Limits.BodyTimeout)
	case awaitReplies, awaitRepliesGather, awaitRepliesGathered:
		p.deadlines.within(s, p.policy.Companion.Timeout+hostGrace)
	case awaitHeaders, inHeaders:
		p.deadlines.remove(s)
	case passed, withheld, answered, gone:
		p.deadlines.remove(s)
		s.release()
	}
}

// settle is called at the end of each callback. If nothing is left to decide, it gives
// the stream's memory to other streams.
func (s *stream) settle() {
	if s.state < passed || s.room == nil || s.shadow != shadowOff || s.twin != nil && !s.twin.over {
		return
	}
	s.request, s.response = nil, nil
	s.plugin.vm.rooms.put(s.room)
	s.room = nil
	if s.twin != nil {
		s.twin.settle()
	}
}

// fail refuses a message that cannot be read or changed.
func (s *stream) fail(reason string) types.Action { return s.refuse(s.host().failed(reason)) }

// refuse answers the client, once, instead of the upstream. If the host cannot
// answer, the stream stays paused until the host's idle timeout ends it.
func (s *stream) refuse(r decide.Refusal) types.Action {
	if s.state.ended() {
		return types.ActionPause
	}
	shown := s.direction == response && s.state != awaitHeaders
	switch {
	case s.request != nil:
		s.request.Address(&r)
	case s.response != nil:
		s.response.Address(&r)
	}
	waited := s.state != awaitHeaders
	s.setState(withheld)
	s.logRefusal(&r, waited)
	defer s.noteRefusal(&r)
	if err := abi.Respond(r.Status, r.Headers, r.Body); err != nil {
		abi.Errorf("rulegate: %s not answered, it stays paused: %v", s.host().name, err)
		return types.ActionPause
	}
	// In the place of a response that it has shown, the host sends our reply without
	// a callback: what comes still is the upstream's.
	if !shown {
		s.setState(answered)
	}
	return types.ActionPause
}

// noteRefusal tells the twin of a refusal, behind the answer.
func (s *stream) noteRefusal(r *decide.Refusal) {
	if s.twin != nil {
		s.twin.take(&s.twin.made, s, &decide.Step{Refusal: *r})
	}
}

// guard ends a callback. It turns a panic into a refusal. If that panics too, the
// stream stays paused until the host's idle timeout ends it.
func (s *stream) guard(action *types.Action) {
	if r := recover(); r != nil {
		if *action = types.ActionPause; s.passesPanic(r) {
			*action = types.ActionContinue
		} else {
			s.panicked(r)
		}
	}
	s.settle()
}

func (s *stream) panicked(r any) {
	defer func() { _ = recover() }()
	s.fail(lightfmt.Sprintf("panic: %v", r))
	if ok, _ := s.plugin.vm.panics.take(time.Now()); ok {
		abi.Errorf("rulegate: panic: %v\n%s", r, debug.Stack())
	}
}

// enter makes host calls be about this stream, and reports whether it is still
// there. Replies and ticks may come in the context of the plugin.
func (s *stream) enter() bool {
	return s.state != gone && abi.SetContext(s.id) == nil
}

// OnHttpStreamDone is called last, after an answer or when the client has left.
func (s *stream) OnHttpStreamDone() {
	if s.shadow != shadowOff {
		s.undecided("ended")
	}
	if s.twin != nil {
		s.twin.leave()
	}
	s.setState(gone)
	s.settle()
}

// requestID returns the request's id, for the log. A request that was let through has given
// its headers away.
func (s *stream) requestID() string {
	if s.request != nil || s.response != nil {
		return s.message().RequestHeader("x-request-id")
	}
	id, err := abi.Property("request", "id")
	if err != nil {
		return ""
	}
	return string(id)
}
