package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// upstreamRequest is the request to the upstream while it is sent.
type upstreamRequest struct {
	queue    [][]byte      // pieces of the body that the transport has not read yet
	ended    bool          // the queue holds the last piece
	trailers pairs         // with ended
	in       chan []byte   // into body; nil: nothing more can be sent
	body     *upstreamBody // nil if the body was known in full
	cancel   context.CancelFunc
	stopped  <-chan struct{}    // closed when the request is abandoned
	switched io.ReadWriteCloser // the connection, if the response is a 101
}

// next is the channel for the first piece of the queue; nil if there is none.
func (u *upstreamRequest) next() chan<- []byte {
	if len(u.queue) == 0 {
		return nil
	}
	return u.in
}

func (u *upstreamRequest) first() []byte {
	if len(u.queue) == 0 {
		return nil
	}
	return u.queue[0]
}

// sent removes the first piece of the queue.
func (u *upstreamRequest) sent() {
	u.queue = u.queue[1:]
	u.finish()
}

// add queues the next piece of the body, and its end.
func (u *upstreamRequest) add(out output) {
	if len(out.data) > 0 {
		u.queue = append(u.queue, out.data)
	}
	if out.end {
		u.ended, u.trailers = true, out.trailers
	}
	u.finish()
}

// finish ends the body once its last piece was read.
func (u *upstreamRequest) finish() {
	if !u.ended || len(u.queue) > 0 || u.in == nil {
		return
	}
	u.body.trailers = forwardable(u.trailers)
	close(u.in)
	u.in = nil
}

// stop abandons the request.
func (u *upstreamRequest) stop() {
	if u.cancel != nil {
		u.cancel()
	}
	u.queue, u.in = nil, nil
	if u.switched != nil {
		_ = u.switched.Close()
	}
}

// upstreamResponse is the head of the upstream's response, or why there is none.
type upstreamResponse struct {
	response *http.Response
	err      error
}

// sendUpstream sends on what the request's flow released.
func (s *stream) sendUpstream(out output) {
	if !out.start {
		s.upstream.add(out)
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.upstream.cancel, s.upstream.stopped = cancel, ctx.Done()
	r, err := s.buildRequest(ctx, out)
	if err != nil {
		s.gw.cfg.Log.Warn("the module left a request that cannot be sent", "error", err.Error())
		s.withVM(func() { s.sendLocal(&localReply{status: http.StatusServiceUnavailable, body: err.Error()}) })
		return
	}
	go func() {
		resp, err := s.gw.upstream.RoundTrip(r)
		s.responses <- upstreamResponse{resp, err}
	}()
}

// buildRequest makes the request to the upstream from the headers that the module left.
func (s *stream) buildRequest(ctx context.Context, out output) (*http.Request, error) {
	r, err := newRequest(s.gw.cfg.Upstream, out.headers)
	if err != nil {
		return nil, err
	}
	if name, found := unsendable(out.headers); found {
		return nil, fmt.Errorf("invalid header value for: %s", name)
	}
	length, declared, err := s.bodyLength(out)
	switch {
	case err != nil:
		return nil, err
	case !declared:
		length = -1
	}
	switch {
	case s.upgrade:
		s.setUpgrade(ctx, r)
	case out.whole():
		setBody(r, out.data, length)
	case length == 0:
		// The module says that there is no body, so none is sent.
	default:
		r.Trailer, r.ContentLength = http.Header{}, length
		s.upstream.in = make(chan []byte)
		s.upstream.body = &upstreamBody{in: s.upstream.in, stop: ctx.Done(), trailer: r.Trailer}
		r.Body = s.upstream.body
		s.upstream.add(out)
	}
	return r.WithContext(ctx), nil
}

// onUpstreamResponse shows the module the upstream's headers.
func (s *stream) onUpstreamResponse(u upstreamResponse) {
	switch {
	case s.state == replying:
		if u.response != nil {
			_ = u.response.Body.Close()
		}
		return
	case u.err != nil:
		s.gw.cfg.Log.Info("no response from the upstream", "error", u.err.Error())
		s.info.flags = "upstream failed"
		s.withVM(func() { s.sendLocal(unreachable(u.err)) })
		return
	}
	r := u.response
	if conn, err := s.switched(r); err != nil {
		_ = r.Body.Close()
		s.gw.cfg.Log.Info("no response from the upstream", "error", err.Error())
		s.withVM(func() { s.sendLocal(&localReply{status: http.StatusBadGateway, body: resetText + "protocol error"}) })
		return
	} else {
		s.upstream.switched = conn
	}
	end := s.upstream.switched == nil && (r.Body == http.NoBody || r.ContentLength == 0 || s.r.Method == http.MethodHead)
	if end {
		_ = r.Body.Close()
	} else {
		in, stop := make(chan chunk), s.upstream.stopped
		s.fromUpstream = in
		go func() {
			defer r.Body.Close()
			s.gw.readBody(r.Body, in, stop, 0, func() pairs { return s.trailers(r.ProtoMajor, r.Trailer) })
		}()
	}
	s.withVM(func() { s.showHeaders(&s.resp, responsePairs(r), end) })
}

// responseBody is the channel of the response's body; nil if no piece is wanted.
func (s *stream) responseBody() <-chan chunk {
	if !s.resp.wantsBody(s.gw.cfg.BufferLimit) {
		return nil
	}
	return s.fromUpstream
}

func (s *stream) onResponseBody(c chunk) {
	if c.err != nil && s.tunnel != nil { // either side has closed its connection
		c = chunk{end: true}
	}
	if c.err != nil {
		s.gw.cfg.Log.Info("the upstream broke its response off", "error", c.err.Error())
		s.info.flags = "upstream failed"
		s.withVM(func() { s.sendLocal(&localReply{status: http.StatusBadGateway, body: resetText + "protocol error"}) })
		return
	}
	s.withVM(func() { s.show(&s.resp, c) })
}

// unreachable is the reply that Envoy's router gives for an upstream that
// cannot be reached.
func unreachable(err error) *localReply {
	reason := "connection termination"
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		reason = "remote connection failure"
	}
	return &localReply{status: http.StatusServiceUnavailable, body: resetText + reason}
}

const resetText = "upstream connect error or disconnect/reset before headers. reset reason: "
