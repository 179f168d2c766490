package main

import (
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/jwks"
)

// watchPeriod is how often the host calls, and so how much later than its
// deadline a stream may be answered.
const watchPeriod = time.Second

// callGrace is what a host gets beyond a call's own limit to bring its reply, or
// its 504.
const callGrace = 2 * time.Second

// watchdog holds the streams of one plugin that wait for the host: for a body,
// or for the reply to a call. None waits longer than what it waits for may take,
// whatever the host does late or leaves out.
type watchdog struct {
	waiting []*stream // in no order; a stream knows its place
}

// wait is a stream's own part of it.
type wait struct {
	until time.Time
	place int // in watchdog.waiting, counted from 1; 0: it is not there
}

// watch has s answered once until is over, unless it is let go of before.
func (w *watchdog) watch(s *stream, until time.Time) {
	s.wait.until = until
	if s.wait.place == 0 {
		w.waiting = append(w.waiting, s)
		s.wait.place = len(w.waiting)
	}
}

// release lets go of s, and does nothing where it is not watched.
func (w *watchdog) release(s *stream) {
	if s.wait.place == 0 {
		return
	}
	last := len(w.waiting) - 1
	moved := w.waiting[last]
	w.waiting[s.wait.place-1], moved.wait.place = moved, s.wait.place
	w.waiting[last] = nil
	w.waiting, s.wait.place = w.waiting[:last], 0
}

// tick answers the streams whose time is over.
func (w *watchdog) tick(now time.Time) {
	for i := 0; i < len(w.waiting); {
		s := w.waiting[i]
		if now.Before(s.wait.until) {
			i++
			continue
		}
		w.release(s) // first: whatever happens to it, it is not come back to
		s.expire()
	}
}

// become changes the state, and with it what the watchdog knows.
func (s *stream) become(next state) {
	s.state = next
	p := s.plugin
	if next != awaiting {
		p.keys.remove(s)
	}
	switch next {
	case gathering, masking:
		p.watch.watch(s, time.Now().Add(p.policy.Limits.BodyTimeout))
	case calling, consulting:
		p.watch.watch(s, time.Now().Add(p.policy.Companion.Timeout+callGrace))
	case awaiting:
		p.watch.watch(s, time.Now().Add(jwks.MaxWait+callGrace))
	default:
		p.watch.release(s)
	}
}

const (
	unallowed  = ", or allow_on_headers_stop_iteration missing"
	unanswered = "the host did not call back about calls"
)

// expire answers a stream that has waited for too long. It runs outside of the
// stream's callbacks, so the host is told whom the answer is for.
func (s *stream) expire() {
	if err := proxywasm.SetEffectiveContext(s.id); err != nil {
		return // the stream is gone
	}
	hint := unallowed
	if s.seen { // a piece of the body was shown, so it is allowed
		hint = ""
	}
	s.now = time.Now() // for the log's rate
	switch s.state {
	case awaiting:
		defer s.guard(new(types.Action))
		s.refuse(decide.Internal("no word of keys that were waited for"))
	case gathering:
		defer s.guard(new(types.Action))
		s.refuse(decide.Internal("body not delivered: slow client" + hint))
	case calling:
		defer s.guard(new(types.Action))
		s.refuse(decide.Internal(unanswered))
	case masking:
		defer s.guardResponse(new(types.Action))
		s.block(decide.Blocked("body not delivered: slow upstream" + hint))
	case consulting:
		defer s.guardResponse(new(types.Action))
		s.block(decide.MaskStep{Refusal: decide.Internal("response: " + unanswered)})
	}
}

// OnHttpStreamDone is the last of a stream, answered or left by its client.
func (s *stream) OnHttpStreamDone() {
	s.become(over)
	s.gate, s.mask = nil, nil
}
