package main

import (
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/decide"
)

// deadlinePeriod is the time between ticks, and so how much later than its
// deadline a stream may be answered.
const deadlinePeriod = time.Second

// hostGrace is the time that a host gets beyond a call's own timeout to bring the
// reply, or its 504.
const hostGrace = 2 * time.Second

// deadlines holds the streams of one plugin that wait for the host: for a body,
// for keys, or for the reply to calls. A stream is answered at its deadline, also
// if the host forgets it.
type deadlines struct {
	streams []*stream // in no order
}

// deadline is the entry of a stream in deadlines.
type deadline struct {
	at    time.Time
	index int // in deadlines.streams, counted from 1; 0: no entry
}

// within makes the stream's deadline a time from now. It is not inlined, which would make
// the module larger.
//
//go:noinline
func (d *deadlines) within(s *stream, wait time.Duration) { d.set(s, abi.Now().Add(wait)) }

// set makes at the stream's deadline.
func (d *deadlines) set(s *stream, at time.Time) {
	s.deadline.at = at
	if s.deadline.index == 0 {
		d.streams = append(d.streams, s)
		s.deadline.index = len(d.streams)
	}
}

// remove removes the stream's deadline, if it has one.
func (d *deadlines) remove(s *stream) {
	if s.deadline.index == 0 {
		return
	}
	last := len(d.streams) - 1
	moved := d.streams[last]
	d.streams[s.deadline.index-1], moved.deadline.index = moved, s.deadline.index
	d.streams[last] = nil
	d.streams, s.deadline.index = d.streams[:last], 0
}

// tick answers the streams whose deadline is over.
func (d *deadlines) tick(now time.Time) {
	for i := 0; i < len(d.streams); {
		s := d.streams[i]
		if now.Before(s.deadline.at) {
			i++
			continue
		}
		// Remove first: if expire panics, the next tick must not retry the stream.
		d.remove(s)
		s.expire()
	}
}

// expire answers a stream that has waited for too long.
func (s *stream) expire() {
	defer s.guard(new(types.Action))
	if !s.enter() {
		s.setState(gone)
		return
	}
	switch s.state {
	case awaitKeys, awaitKeysGather, awaitKeysGathered:
		s.fail("the keys that the token needs did not come")
	case awaitBody:
		sender := "client"
		if s.direction == response {
			sender = "upstream"
		}
		hint := ""
		if s.gathered == 0 {
			// A host without this option shows no body to a stream that is paused
			// in its headers. A module cannot see the option.
			hint = ", or allow_on_headers_stop_iteration missing"
		}
		s.fail("body not delivered: slow " + sender + hint)
	case awaitReplies, awaitRepliesGather, awaitRepliesGathered:
		reason := "the host did not call back about calls"
		if s.direction == response {
			reason = "response: " + reason
		}
		s.refuse(decide.InternalError(reason))
	}
}
