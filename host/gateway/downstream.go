package gateway

import (
	"net/http"
	"strconv"
)

// downstreamResponse is the response to the client while it is sent.
type downstreamResponse struct {
	control  *http.ResponseController
	bodyless bool  // HEAD, 204, 304: no body is sent, whatever the headers say
	length   int64 // the declared one; -1 if there is none
	written  int64
}

// send sends the output of both flows.
func (s *stream) send() {
	if s.state >= streamEnded {
		return
	}
	if out := s.req.take(); s.state == proxying && !out.empty() {
		s.sendUpstream(out)
	}
	if out := s.resp.take(); s.state < streamEnded && !out.empty() {
		s.sendDownstream(out)
	}
}

// sendDownstream sends on what the response's flow released.
func (s *stream) sendDownstream(out output) {
	if out.start && !s.writeHeaders(out) {
		return
	}
	d := &s.downstream
	if len(out.data) > 0 && !d.bodyless {
		n, err := s.write(out.data)
		d.written += int64(n)
		if err != nil { // the client is gone, or there is more than was declared
			s.abort()
			return
		}
	}
	if out.end {
		for _, kv := range forwardable(out.trailers) {
			s.w.Header().Add(http.TrailerPrefix+kv[0], kv[1])
		}
		s.state = streamEnded
		return
	}
	if s.tunnel == nil && (d.length < 0 || d.written < d.length) {
		_ = d.control.Flush()
	}
}

// writeHeaders starts the response. Headers that cannot be sent become a 503.
func (s *stream) writeHeaders(out output) bool {
	code, err := strconv.Atoi(out.headers.value(":status"))
	s.downstream.bodyless = s.r.Method == http.MethodHead || code == http.StatusNoContent || code == http.StatusNotModified
	length, declared, lengthErr := s.responseLength(out)
	name, bad := unsendable(out.headers)
	if err == nil && code == http.StatusSwitchingProtocols && s.upstream.switched != nil && !bad {
		s.info.status = code
		if err := s.switchProtocols(out.headers); err != nil {
			s.abort()
			return false
		}
		return true
	}
	if err != nil || code < 200 || code > 599 || lengthErr != nil || bad {
		s.gw.cfg.Log.Warn("the module left a response that cannot be sent", "status", out.headers.value(":status"), "header", name)
		s.w.WriteHeader(http.StatusServiceUnavailable)
		s.info.status = http.StatusServiceUnavailable
		s.state = streamEnded
		return false
	}
	s.info.status = code
	h := s.w.Header()
	for _, kv := range forwardable(out.headers) {
		h.Add(kv[0], kv[1])
	}
	if s.state == replying && code >= 400 { // by it, a client's report leads to the log
		h.Set("X-Request-Id", s.info.id)
	}
	s.setCORS(h)
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // net/http would guess one
	}
	s.downstream.length = -1
	if declared && code != http.StatusNoContent {
		h.Set("Content-Length", strconv.FormatInt(length, 10))
		s.downstream.length = length
	}
	// Close the connection, so that the unread rest of the request is not taken
	// for the next one.
	if s.r.ProtoMajor == 1 && s.client.state != bodyComplete {
		h.Set("Connection", "close")
	}
	s.w.WriteHeader(code)
	return true
}

// responseLength is the content-length to send. Where no body is sent, the
// declared one says how long it would be.
func (s *stream) responseLength(out output) (n int64, declared bool, err error) {
	if s.downstream.bodyless {
		return declaredLength(out.headers)
	}
	n, declared, err = s.bodyLength(out)
	return n, declared || out.whole() && len(out.data) == 0, err
}
