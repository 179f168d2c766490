package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// upload is the way of a request to the upstream.
type upload struct {
	queue    [][]byte
	ended    bool
	in       chan []byte // nil: nothing more can be sent
	feed     *feed
	trailers pairs
	cancel   context.CancelFunc
	stopped  <-chan struct{} // closed when the upstream is no longer wanted
}

// next is where the first of the queue goes, nil if there is nothing to send.
func (u *upload) next() chan<- []byte {
	if len(u.queue) == 0 {
		return nil
	}
	return u.in
}

func (u *upload) first() []byte {
	if len(u.queue) == 0 {
		return nil
	}
	return u.queue[0]
}

func (u *upload) sent() {
	u.queue = u.queue[1:]
	u.finish()
}

func (u *upload) finish() {
	if !u.ended || len(u.queue) > 0 || u.in == nil {
		return
	}
	u.feed.last = forwardable(u.trailers)
	close(u.in)
	u.in = nil
}

// stop breaks the request to the upstream off.
func (u *upload) stop() {
	if u.cancel != nil {
		u.cancel()
	}
	u.queue, u.in = nil, nil
}

type answer struct {
	response *http.Response
	err      error
}

// upload sends what the request's flow has let go of.
func (s *stream) upload(out output) {
	if !out.start {
		if len(out.data) > 0 {
			s.up.queue = append(s.up.queue, out.data)
		}
		if out.end {
			s.up.ended, s.up.trailers = true, out.trailers
		}
		s.up.finish()
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.up.cancel, s.up.stopped = cancel, ctx.Done()
	r, err := s.request(ctx, out)
	if err != nil {
		s.gw.cfg.Log.Warn("what the module made of a request cannot be sent", "error", err.Error())
		s.locked(func() { s.sendLocal(&localReply{status: http.StatusServiceUnavailable, body: err.Error()}) })
		return
	}
	go func() {
		resp, err := s.gw.upstream.RoundTrip(r)
		s.answer <- answer{resp, err}
	}()
}

// request writes the request as the module left it. Lengths are always those
// of the body that is sent: a header that says otherwise would let the rest of
// one request be read as the next.
func (s *stream) request(ctx context.Context, out output) (*http.Request, error) {
	h := out.headers
	method, path, host := h.value(":method"), h.value(":path"), h.value(":authority")
	switch {
	case !httpfield.IsToken(method) || method == http.MethodConnect:
		return nil, errors.New("invalid header value for: :method")
	case !isTarget(path):
		return nil, errors.New("invalid header value for: :path")
	case host == "" || strings.ContainsAny(host, "/ \t\r\n@"):
		return nil, errors.New("invalid header value for: :authority")
	}
	if name, ok := sendable(h); !ok {
		return nil, fmt.Errorf("invalid header value for: %s", name)
	}
	length, declared, err := contentLength(h)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: method, URL: s.gw.cfg.Upstream.target(path), Host: host, Header: header(forwardable(h)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
	}
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = []string{""} // none, rather than Go's
	}
	whole := out.end && len(out.trailers) == 0
	if whole && declared && length != int64(len(out.data)) {
		s.gw.cfg.Log.Warn("the module left a content-length that is not the body's", "declared", length, "sent", len(out.data))
		length = int64(len(out.data))
	}
	switch {
	case whole && len(out.data) == 0:
	case whole:
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(out.data)), -1
		if declared {
			r.ContentLength = length
		}
	case declared && length == 0:
		// Nothing may follow, whatever arrives.
	default:
		r.Trailer, r.ContentLength = http.Header{}, -1
		if declared {
			r.ContentLength = length
		}
		s.up.in = make(chan []byte)
		s.up.feed = &feed{in: s.up.in, stop: ctx.Done(), trailer: r.Trailer}
		r.Body = s.up.feed
		if len(out.data) > 0 {
			s.up.queue = append(s.up.queue, out.data)
		}
		s.up.ended, s.up.trailers = out.end, out.trailers
		s.up.finish()
	}
	return r.WithContext(ctx), nil
}

// contentLength is what the header declares.
func contentLength(h pairs) (n int64, declared bool, err error) {
	for _, kv := range h {
		if kv[0] != "content-length" {
			continue
		}
		u, err := strconv.ParseUint(kv[1], 10, 63)
		if err != nil || declared && int64(u) != n {
			return 0, false, errors.New("invalid header value for: content-length")
		}
		n, declared = int64(u), true
	}
	return n, declared, nil
}

// forwardable are the headers that go on to the other side as they are.
func forwardable(h pairs) pairs {
	kept := make(pairs, 0, len(h))
	for _, kv := range h {
		if !strings.HasPrefix(kv[0], ":") && !httpfield.PerConnection(kv[0]) {
			kept = append(kept, kv)
		}
	}
	return kept
}

// header is for net/http, which needs its own spelling of the names: under
// another one it would not see the headers that it has to treat with care.
func header(h pairs) http.Header {
	out := make(http.Header, len(h))
	for _, kv := range h {
		out.Add(kv[0], kv[1])
	}
	return out
}

// isTarget: a path and query that can stand in a request line.
func isTarget(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == 0x7f || c == '#' {
			return false
		}
	}
	return strings.HasPrefix(s, "/")
}
