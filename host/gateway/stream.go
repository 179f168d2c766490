package gateway

import (
	"context"
	"net/http"
	"time"
)

// stream is one request and its response. Its loop runs in the goroutine of
// the HTTP handler, and alone waits, sends and receives; what the module can
// reach is guarded by the VM's lock.
type stream struct {
	gw *Gateway
	vm *vm
	id uint32

	// Guarded by the VM's lock.
	req, resp flow
	local     *localReply // asked for, not sent yet
	asked     bool        // the module asked for one before: there is no second
	replied   bool        // a local reply has begun: the request goes nowhere
	reset     bool        // the connection is to be broken off
	logging   bool
	state     map[string][]byte // filter state, set by set_property

	// The loop's own.
	over    bool
	w       http.ResponseWriter
	r       *http.Request
	info    info
	ctx     context.Context
	cancel  context.CancelFunc
	wake    chan struct{}
	idle    *time.Timer
	fromReq chan chunk    // the client's body, nil until it is read
	reading chan struct{} // closed when nobody reads it any more
	allRead bool          // it was read to its end
	answer  chan answer   // the upstream's headers
	fromUp  chan chunk    // the response's body, nil until there is one
	up      upload
	down    download
}

// poke wakes the loop of a stream that something was asked for from outside of
// its own callbacks. The VM's lock is held.
func (s *stream) poke() {
	if s.vm.active == s.id {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run takes a request from its headers to the last byte of its response.
func (s *stream) run(headers pairs, end bool) {
	s.allRead = end
	s.locked(func() { s.open(headers, end) })
	for !s.over {
		select {
		case c := <-s.requestBody():
			s.fromClient(c)
		case s.up.next() <- s.up.first():
			s.up.sent()
		case a := <-s.answer:
			s.upstreamAnswered(a)
		case c := <-s.responseBody():
			s.fromUpstream(c)
		case <-s.wake:
			s.locked(func() {})
		case <-s.idle.C:
			s.locked(s.timeout)
		case <-s.ctx.Done():
			s.info.flags = "client gone"
			s.abort()
		}
		s.touch()
	}
}

func (s *stream) touch() {
	s.idle.Reset(s.gw.cfg.StreamIdleTimeout)
}

// locked runs f with the VM, does what the module then asked for, and sends
// what that let go of.
func (s *stream) locked(f func()) {
	if !s.vm.lock() {
		// The module does not return, so the loop owns what it could reach.
		s.fail()
		s.send()
		return
	}
	f()
	s.settle()
	s.vm.unlock()
	s.send()
}

// settle does what the module asked for, until it asks for nothing more.
func (s *stream) settle() {
	for !s.over {
		switch {
		case s.reset:
			s.abort()
		case s.local != nil:
			r := s.local
			s.local = nil
			s.sendLocal(r)
		case s.req.resume:
			s.resume(&s.req)
		case s.resp.resume:
			s.resume(&s.resp)
		default:
			return
		}
	}
}

// resume lets go of what continue_stream was called for, and shows the module
// what came in the meantime.
func (s *stream) resume(f *flow) {
	f.resume = false
	if !f.begun || f.hold == flowing || f == &s.req && s.replied {
		return
	}
	f.release()
	if late := f.late; len(late.data) > 0 || late.end {
		f.late = chunk{}
		s.receive(f, late)
	}
}

// open makes the stream's context and shows the request's headers.
func (s *stream) open(headers pairs, end bool) {
	v := s.vm
	v.lastID++
	s.id = v.lastID
	v.streams[s.id] = s
	if _, err := v.call(v.exp.contextCreate, s.id, rootID); err != nil {
		s.fail()
		return
	}
	s.begin(&s.req, headers, end)
}

// timeout ends a stream on which nothing has happened for too long.
func (s *stream) timeout() {
	if s.resp.released {
		s.abort()
		return
	}
	code := http.StatusGatewayTimeout
	if !s.req.ended {
		code = http.StatusRequestTimeout
	}
	s.info.flags = "stream idle timeout"
	s.local = nil
	s.sendLocal(&localReply{status: code, body: "stream timeout"})
}

// abort breaks the stream off: the client's connection is reset.
func (s *stream) abort() {
	s.over, s.down.broken = true, true
}

// close logs the stream and takes its context out of the module.
func (s *stream) close() {
	s.cancel()
	s.idle.Stop()
	defer s.stopReading()
	if s.down.wrote > 0 { // the connection may have another request
		_ = s.down.rc.SetWriteDeadline(time.Time{})
	}
	v := s.vm
	if !v.lock() {
		return
	}
	defer v.unlock()
	if s.id == 0 {
		return
	}
	s.over, s.logging = true, true
	_, err := v.call(v.exp.onDone, s.id)
	if err == nil {
		_, err = v.call(v.exp.onLog, s.id)
	}
	if err == nil {
		_, _ = v.call(v.exp.onDelete, s.id)
	}
	delete(v.streams, s.id)
}
