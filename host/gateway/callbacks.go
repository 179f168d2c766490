package gateway

import "github.com/tetratelabs/wazero/api"

// callbacks returns the module's callbacks for a flow.
func (s *stream) callbacks(f *flow) (headers, body, trailers api.Function) {
	e := &s.vm.exp
	if f.direction == requestFlow {
		return e.requestHeaders, e.requestBody, e.requestTrailers
	}
	return e.responseHeaders, e.responseBody, e.responseTrailers
}

// showHeaders shows a message's headers to the module. The VM's lock is held.
func (s *stream) showHeaders(f *flow, headers pairs, end bool) {
	f.headers, f.endShown = headers, end
	f.open |= headersPart
	f.state = paused
	call, _, _ := s.callbacks(f)
	action, err := s.vm.call(call, s.id, uint64(len(headers)), flag(end))
	switch {
	case err != nil:
		s.fail()
	case s.actionIgnored():
	case action == actionContinue || action == actionContinueAndEndStream:
		f.open &^= headersPart
		s.release(f)
	case action == actionStopIteration && s.gw.cfg.AllowOnHeadersStopIteration:
		f.state = buffering
	}
}

// show shows a piece of a body, and its end or trailers, to the module. The
// VM's lock is held.
func (s *stream) show(f *flow, c chunk) {
	if f.state == paused {
		f.unseen.data = append(f.unseen.data, c.data...)
		f.unseen.end, f.unseen.trailers = c.end, c.trailers
		return
	}
	withTrailers := c.end && len(c.trailers) > 0
	if len(c.data) > 0 || c.end && !withTrailers {
		s.showBody(f, c.data, c.end && !withTrailers)
	}
	if withTrailers && !s.showsNoMore(f) {
		s.showTrailers(f, c.trailers)
	}
}

// showsNoMore reports whether the module is shown nothing more of a flow.
func (s *stream) showsNoMore(f *flow) bool {
	return f.state == ended || s.state >= streamEnded || s.commands&(resetStream|sendReply) != 0
}

func (s *stream) showBody(f *flow, data []byte, end bool) {
	overflow := false
	if f.state == buffering && len(f.body) > 0 {
		f.body = append(f.body, data...)
		overflow = int64(len(f.body)) > s.gw.cfg.BufferLimit
	} else {
		f.body = data
	}
	// As in Envoy, a request that is too large is shown to the module, whose
	// action is ignored; a response that is too large is not shown.
	if overflow && f.direction == responseFlow {
		s.overflow(f)
		return
	}
	f.open |= bodyPart
	f.endShown = end
	_, call, _ := s.callbacks(f)
	action, err := s.vm.call(call, s.id, uint64(len(f.body)), flag(end))
	switch {
	case err != nil:
		s.fail()
	case overflow:
		s.overflow(f)
	case s.actionIgnored():
		f.state = paused
	case action == actionContinue:
		s.release(f)
	default:
		f.state = buffering
		if int64(len(f.body)) > s.gw.cfg.BufferLimit {
			s.overflow(f)
		}
	}
}

func (s *stream) showTrailers(f *flow, trailers pairs) {
	f.trailers, f.endShown = trailers, true
	f.open |= trailersPart
	_, _, call := s.callbacks(f)
	action, err := s.vm.call(call, s.id, uint64(len(trailers)))
	switch {
	case err != nil:
		s.fail()
	case s.actionIgnored():
		f.state = paused
	case action == actionContinue:
		f.open &^= trailersPart
		s.release(f)
	default:
		f.state = buffering
	}
}

// actionIgnored reports whether the action of the running callback has no
// effect, because the module asked for a local reply or a reset in it. Envoy
// then stops the stream whose callback it is, even if the reply is for another
// stream or for none.
func (s *stream) actionIgnored() bool {
	return s.commands&(resetStream|sendReply) != 0 || s.vm.replyAsked
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
