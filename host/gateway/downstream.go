package gateway

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// download is the way of a response to the client.
type download struct {
	rc       *http.ResponseController
	bodyless bool  // HEAD, 204, 304: there is no body, whatever the headers say
	length   int64 // declared, -1 if not
	wrote    int64
	broken   bool // to be broken off, not ended
}

// send sends what the flows have let go of.
func (s *stream) send() {
	if s.over {
		return
	}
	out := s.req.out
	s.req.out = output{}
	if !s.replied && (out.start || out.end || len(out.data) > 0) {
		s.upload(out)
	}
	out = s.resp.out
	s.resp.out = output{}
	if !s.over && (out.start || out.end || len(out.data) > 0) {
		s.download(out)
	}
}

func (s *stream) download(out output) {
	if out.start && !s.writeHeaders(out) {
		return
	}
	if len(out.data) > 0 && !s.down.bodyless {
		_ = s.down.rc.SetWriteDeadline(time.Now().Add(s.gw.cfg.StreamIdleTimeout))
		n, err := s.w.Write(out.data)
		s.down.wrote += int64(n)
		if err != nil { // the client is gone, or more came than was declared
			s.over, s.down.broken = true, true
			return
		}
	}
	if out.end {
		for _, kv := range forwardable(out.trailers) {
			s.w.Header().Add(http.TrailerPrefix+kv[0], kv[1])
		}
		s.over = true
		return
	}
	if s.down.length < 0 || s.down.wrote < s.down.length {
		_ = s.down.rc.Flush()
	}
}

// writeHeaders starts the response. A status that cannot be sent is a 503.
func (s *stream) writeHeaders(out output) bool {
	code, err := strconv.Atoi(out.headers.value(":status"))
	length, declared, lerr := contentLength(out.headers)
	name, ok := sendable(out.headers)
	if err != nil || code < 200 || code > 599 || lerr != nil || !ok {
		s.gw.cfg.Log.Warn("what the module made of a response cannot be sent", "status", out.headers.value(":status"), "header", name)
		s.w.WriteHeader(http.StatusServiceUnavailable)
		s.info.status = http.StatusServiceUnavailable
		s.over = true
		return false
	}
	s.info.status = code
	s.down.bodyless = s.r.Method == http.MethodHead || code == http.StatusNoContent || code == http.StatusNotModified
	if out.end && len(out.trailers) == 0 && !s.down.bodyless && (declared || len(out.data) == 0) {
		if declared && length != int64(len(out.data)) {
			s.gw.cfg.Log.Warn("the module left a content-length that is not the body's", "declared", length, "sent", len(out.data))
		}
		length, declared = int64(len(out.data)), true
	}
	h := s.w.Header()
	for _, kv := range forwardable(out.headers) {
		h.Add(kv[0], kv[1])
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // none, rather than what Go takes it for
	}
	s.down.length = -1
	if declared && code != http.StatusNoContent {
		h.Set("Content-Length", strconv.FormatInt(length, 10))
		s.down.length = length
	}
	// What is left of the request is never read as the next one.
	if s.r.ProtoMajor == 1 && !s.allRead {
		h.Set("Connection", "close")
	}
	s.w.WriteHeader(code)
	return true
}

// sendable finds a header that holds what would end its line early, or whose
// name is none.
func sendable(h pairs) (name string, ok bool) {
	for _, kv := range h {
		if !strings.HasPrefix(kv[0], ":") && !httpfield.IsToken(kv[0]) || strings.ContainsAny(kv[1], "\r\n\x00") {
			return kv[0], false
		}
	}
	return "", true
}

// upstreamAnswered takes the upstream's headers.
func (s *stream) upstreamAnswered(a answer) {
	switch {
	case s.replied:
		if a.response != nil {
			_ = a.response.Body.Close()
		}
	case a.err != nil:
		s.gw.cfg.Log.Info("the upstream did not answer", "error", a.err.Error())
		s.info.flags = "upstream failed"
		s.locked(func() { s.sendLocal(unreachable(a.err)) })
	default:
		r := a.response
		h := responsePairs(r)
		end := r.Body == http.NoBody || r.ContentLength == 0 || s.r.Method == http.MethodHead
		if end {
			_ = r.Body.Close()
		} else {
			in := make(chan chunk)
			s.fromUp = in
			stop := s.up.stopped
			go func() {
				defer r.Body.Close()
				s.gw.pump(r.Body, in, stop, 0, func() pairs { return s.trailers(r.ProtoMajor, r.Trailer) })
			}()
		}
		s.locked(func() { s.begin(&s.resp, h, end) })
	}
}

// unreachable is what Envoy's router answers in place of an upstream.
func unreachable(err error) *localReply {
	reason := "connection termination"
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		reason = "remote connection failure"
	}
	return &localReply{status: http.StatusServiceUnavailable, body: resetText + reason}
}

const resetText = "upstream connect error or disconnect/reset before headers. reset reason: "

func (s *stream) responseBody() <-chan chunk {
	if !s.resp.reads(s.gw.cfg.BufferLimit) {
		return nil
	}
	return s.fromUp
}

func (s *stream) fromUpstream(c chunk) {
	if c.err != nil {
		s.gw.cfg.Log.Info("the upstream broke its response off", "error", c.err.Error())
		s.info.flags = "upstream failed"
		s.locked(func() { s.sendLocal(&localReply{status: http.StatusBadGateway, body: resetText + "protocol error"}) })
		return
	}
	s.locked(func() { s.receive(&s.resp, c) })
}

// responsePairs are a response's headers as the module sees them.
func responsePairs(r *http.Response) pairs {
	h := pairs{{":status", strconv.Itoa(r.StatusCode)}}
	for _, kv := range headerPairs(r.Header) {
		h = h.add(kv[0], kv[1])
	}
	if len(r.TransferEncoding) > 0 {
		h = append(h, [2]string{"transfer-encoding", r.TransferEncoding[0]})
	}
	return h
}

// headerPairs lists a header map by name: net/http does not keep the order of
// different names.
func headerPairs(h http.Header) pairs {
	if len(h) == 0 {
		return nil
	}
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	out := make(pairs, 0, len(h))
	for _, name := range names {
		for _, value := range h[name] {
			out = append(out, [2]string{strings.ToLower(name), value})
		}
	}
	return out
}
