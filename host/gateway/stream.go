package gateway

import (
	"context"
	"net/http"
	"time"
)

// streamState says where the client's response comes from:
//
//	proxying ── a local reply begins ──► replying
//	proxying, replying ── the response was sent ──► ended
//	proxying, replying ── the response cannot be finished ──► aborted
type streamState uint8

const (
	proxying      streamState = iota // the request goes to the upstream, its response to the client
	replying                         // a local reply goes to the client, nothing more to the upstream
	streamEnded                      // the response was sent
	streamAborted                    // the client's connection is to be reset
)

// stream is one request and its response. Its loop runs in the goroutine of
// the HTTP handler and is the only one that waits, sends and receives for it.
type stream struct {
	gw *Gateway
	vm *vm
	id uint32 // its context in the module

	// Guarded by the VM's lock: host functions of other contexts reach them.
	req, resp   flow
	commands    commands
	reply       *localReply // the first that the module asked for; later ones are ignored
	logging     bool        // on_done, on_log and on_delete run: headers are read-only, bodies closed
	filterState map[string][]byte

	// Only the loop uses these.
	state        streamState
	w            http.ResponseWriter
	r            *http.Request
	info         info
	route        Route
	ctx          context.Context
	cancel       context.CancelFunc
	wake         chan struct{}
	idle         *time.Timer
	client       clientBody
	responses    chan upstreamResponse // the upstream's headers, or its error
	fromUpstream chan chunk            // the response's body, or a local reply's; nil before there is one
	upstream     upstreamRequest
	downstream   downstreamResponse
	upgrade      bool    // the request opens a WebSocket
	tunnel       *tunnel // once the upstream has agreed to that
}

// wakeLoop lets the loop apply commands that come from a callback of another
// context. The VM's lock is held.
func (s *stream) wakeLoop() {
	if s.vm.current == s.id {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run takes a request from its headers to the last byte of its response.
func (s *stream) run(headers pairs, end bool) {
	if end {
		s.client.state = bodyComplete
	}
	s.withVM(func() { s.open(headers, end) })
	for s.state < streamEnded {
		select {
		case c := <-s.requestBody():
			s.onRequestBody(c)
		case s.upstream.next() <- s.upstream.first():
			s.upstream.sent()
		case r := <-s.responses:
			s.onUpstreamResponse(r)
		case c := <-s.responseBody():
			s.onResponseBody(c)
		case <-s.wake:
			s.withVM(func() {})
		case <-s.vm.done:
			s.withVM(s.fail)
		case <-s.idle.C:
			s.withVM(s.timeout)
		case <-s.ctx.Done():
			s.info.flags = "client gone"
			s.abort()
		}
		s.idle.Reset(s.idleTimeout())
	}
}

// withVM runs f with the VM's lock, applies the commands that the module gave
// in it, and sends the output of the flows.
func (s *stream) withVM(f func()) {
	if !s.vm.lock() {
		// The VM is dead: its host functions do nothing any more, so the fields
		// that the lock guards belong to the loop now.
		s.fail()
		s.send()
		return
	}
	f()
	s.applyCommands()
	s.vm.unlock()
	s.send()
}

// open creates the stream's context and shows the module the request's headers.
func (s *stream) open(headers pairs, end bool) {
	v := s.vm
	v.lastID++
	s.id = v.lastID
	v.streams[s.id] = s
	if _, err := v.call(v.exp.contextCreate, s.id, rootID); err != nil {
		s.fail()
		return
	}
	s.showHeaders(&s.req, headers, end)
}

// idleTimeout returns how long nothing may happen on the stream.
func (s *stream) idleTimeout() time.Duration {
	if s.route.Idle == 0 || !s.req.headersSent || s.resp.state == paused || s.resp.state == buffering {
		return s.gw.cfg.StreamIdleTimeout
	}
	return s.route.Idle
}

// timeout ends a stream on which nothing has happened for its idle timeout.
func (s *stream) timeout() {
	if s.resp.headersSent {
		s.abort()
		return
	}
	code := http.StatusGatewayTimeout
	if !s.req.endShown {
		code = http.StatusRequestTimeout
	}
	s.info.flags = "stream idle timeout"
	s.commands &^= sendReply
	s.sendLocal(&localReply{status: code, body: "stream timeout"})
}

// abort lets the client's connection be reset.
func (s *stream) abort() { s.state = streamAborted }

// close tells the module that the stream is over, which is when it logs, and
// deletes the stream's context.
func (s *stream) close() {
	s.cancel()
	s.idle.Stop()
	if s.tunnel != nil {
		s.tunnel.close()
	}
	defer s.stopReading()
	if s.downstream.written > 0 && s.tunnel == nil { // the connection may carry another request
		_ = s.downstream.control.SetWriteDeadline(time.Time{})
	}
	v := s.vm
	if !v.lock() {
		return
	}
	defer v.unlock()
	if s.id == 0 {
		return
	}
	s.logging = true
	_, err := v.call(v.exp.onDone, s.id)
	if err == nil {
		_, err = v.call(v.exp.onLog, s.id)
	}
	if err == nil {
		_, _ = v.call(v.exp.onDelete, s.id)
	}
	delete(v.streams, s.id)
}
