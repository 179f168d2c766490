package gateway

import "github.com/tetratelabs/wazero/api"

// hold is how far a direction is stopped.
type hold uint8

const (
	flowing  hold = iota
	holdBody      // what arrives is kept, and the module is told of it
	holdAll       // the module is told of nothing until it continues the stream
)

// What a callback may answer. For body callbacks 1 is "stop and buffer".
const (
	actionContinue      = 0
	actionStop          = 1
	actionContinueToEnd = 2
)

// flow is one direction of a stream, as the module sees it. It is guarded by
// the VM's lock.
type flow struct {
	headers, trailers pairs
	body              []byte // what is held; in a body callback, what it is about

	openHeaders, openTrailers, openBody bool // within the module's reach

	hold     hold
	begun    bool // the headers have been shown to the module
	released bool // the headers have gone on
	ended    bool // the module has seen the end
	complete bool // the end has gone on
	resume   bool // the module called continue_stream

	late chunk  // what came in holdAll
	out  output // what has gone on and is not sent yet
}

// output is what a flow lets go of, in this order.
type output struct {
	start    bool // headers are sent
	headers  pairs
	data     []byte
	end      bool
	trailers pairs
}

// chunk is a piece of a body from a peer.
type chunk struct {
	data     []byte
	end      bool
	trailers pairs // only at the end; nil: none
	err      error // the peer broke off
}

// reads reports whether the flow wants more of the body. In holdAll that is as
// much as Envoy's buffers take, and then the peer has to wait.
func (f *flow) reads(limit int64) bool {
	if f.hold == holdAll {
		return f.begun && !f.ended && !f.late.end && int64(len(f.late.data)) < limit
	}
	return f.begun && !f.ended
}

// release lets go of everything that the flow holds.
func (f *flow) release() {
	f.hold, f.openBody, f.resume = flowing, false, false
	if !f.released {
		f.released = true
		f.out.start = true
		f.out.headers = append(pairs(nil), f.headers...)
	}
	if len(f.out.data) == 0 {
		f.out.data = f.body
	} else {
		f.out.data = append(f.out.data, f.body...)
	}
	f.body = nil
	if f.ended && !f.complete {
		f.complete = true
		f.out.end = true
		f.out.trailers = append(pairs(nil), f.trailers...)
	}
}

// shut takes headers and trailers out of the module's reach; the body stays
// until it is released.
func (f *flow) shut() { f.openHeaders, f.openTrailers = false, false }

// callbacks of the two directions.
func (s *stream) callbacks(f *flow) (headers, body, trailers api.Function) {
	e := &s.vm.exp
	if f == &s.req {
		return e.requestHeaders, e.requestBody, e.requestTrailers
	}
	return e.responseHeaders, e.responseBody, e.responseTrailers
}

// begin shows headers to the module. The VM's lock is held.
func (s *stream) begin(f *flow, headers pairs, end bool) {
	f.headers, f.begun, f.ended, f.openHeaders = headers, true, end, true
	call, _, _ := s.callbacks(f)
	action, err := s.vm.call(call, s.id, uint64(len(headers)), flag(end))
	switch {
	case err != nil:
		s.fail()
	case s.void(): // the answer no longer counts
		f.hold = holdAll
	case action == actionContinue || action == actionContinueToEnd:
		f.openHeaders = false
		f.release()
	case action == actionStop && s.gw.cfg.AllowOnHeadersStopIteration:
		f.hold = holdBody
	default:
		f.hold = holdAll
	}
}

// receive shows a piece of a body, and its end or trailers, to the module. The
// VM's lock is held.
func (s *stream) receive(f *flow, c chunk) {
	if f.hold == holdAll {
		f.late.data = append(f.late.data, c.data...)
		f.late.end, f.late.trailers = c.end, c.trailers
		return
	}
	if len(c.data) > 0 || c.end && len(c.trailers) == 0 {
		s.receiveBody(f, c.data, c.end && len(c.trailers) == 0)
	}
	if c.end && len(c.trailers) > 0 && !s.stopped(f) {
		s.receiveTrailers(f, c.trailers)
	}
}

// stopped: nothing more is shown to the module in this direction.
func (s *stream) stopped(f *flow) bool {
	return s.local != nil || s.reset || s.over || f == &s.req && s.replied
}

func (s *stream) receiveBody(f *flow, data []byte, end bool) {
	over := false
	if f.hold == holdBody && len(f.body) > 0 {
		f.body = append(f.body, data...)
		over = int64(len(f.body)) > s.gw.cfg.BufferLimit
	} else {
		f.body = data
	}
	// Of a request that is too large the module is told, but has no say any
	// more; of such a response it is not told.
	if over && f == &s.resp {
		s.overflow(f)
		return
	}
	f.openBody, f.ended = true, end
	_, call, _ := s.callbacks(f)
	action, err := s.vm.call(call, s.id, uint64(len(f.body)), flag(end))
	switch {
	case err != nil:
		s.fail()
	case over:
		s.overflow(f)
	case s.void():
		f.hold = holdAll
	case action == actionContinue:
		f.release()
	default:
		f.hold = holdBody
		if int64(len(f.body)) > s.gw.cfg.BufferLimit {
			s.overflow(f)
		}
	}
}

func (s *stream) receiveTrailers(f *flow, trailers pairs) {
	f.trailers, f.openTrailers, f.ended = trailers, true, true
	_, _, call := s.callbacks(f)
	action, err := s.vm.call(call, s.id, uint64(len(trailers)))
	switch {
	case err != nil:
		s.fail()
	case s.void():
		f.hold = holdAll
	case action == actionContinue:
		f.openTrailers = false
		f.release()
	default:
		f.hold = holdBody
	}
}

// void reports that what the running callback answers does not count: the module
// asked for a local reply or a reset in it. Envoy then stops the stream whose
// callback it is, though the reply may be another one's, or nobody's.
func (s *stream) void() bool { return s.local != nil || s.reset || s.vm.replied }

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// hostContinue releases what is paused, once the running callback is over. As in
// Envoy, it is no error where there is no stream.
func hostContinue(v *vm, a []uint64) status {
	direction, s := uint32(a[0]), v.stream()
	switch {
	case direction > 1:
		return statusBadArgument
	case s == nil:
		return statusOK
	case direction == 0:
		s.req.resume = true
		s.req.shut()
	default:
		s.resp.resume = true
		s.resp.shut()
	}
	s.poke()
	return statusOK
}

func hostCloseStream(v *vm, a []uint64) status {
	s := v.stream()
	if uint32(a[0]) > 1 {
		return statusBadArgument
	}
	if s != nil {
		s.reset = true
		s.poke()
	}
	return statusOK
}
