package gateway

import (
	"net/http"
	"strconv"
)

// localReply is an answer that does not come from the upstream.
type localReply struct {
	status  int
	headers pairs
	body    string
}

// pairs is what the response callbacks are shown of the reply.
func (r *localReply) pairs() pairs {
	h := append(pairs{{":status", strconv.Itoa(r.status)}}, r.headers...)
	if r.body == "" {
		return h.without("content-length").without("content-type")
	}
	h = h.with("content-length", strconv.Itoa(len(r.body)))
	if _, ok := h.get("content-type"); !ok {
		h = append(h, [2]string{"content-type", "text/plain"})
	}
	return h
}

// sendLocal answers the client in place of the upstream, to which nothing goes
// any more. Before the response has begun the reply takes the way of a
// response, through the module; then it goes straight to the client; and once
// headers are out the connection is reset. The VM's lock is held.
func (s *stream) sendLocal(r *localReply) {
	s.replied = true
	s.req.hold = holdAll
	s.up.stop()
	s.fromUp = nil
	switch {
	case s.resp.released:
		s.abort()
	case s.resp.begun:
		s.sendDirect(r)
	default:
		end := r.body == "" || s.r.Method == http.MethodHead
		if !end {
			body := make(chan chunk, 1)
			body <- chunk{data: []byte(r.body), end: true}
			s.fromUp = body
		}
		s.begin(&s.resp, r.pairs(), end)
	}
}

// sendDirect answers the client past the module.
func (s *stream) sendDirect(r *localReply) {
	s.resp = flow{headers: r.pairs(), begun: true, ended: true, body: []byte(r.body)}
	s.resp.release()
}

// fail is the end of a stream whose VM is dead: 503, or a reset if headers are
// out. (FAIL_OPEN is not offered.)
func (s *stream) fail() {
	s.local, s.reset = nil, false
	s.replied = true
	s.req.hold = holdAll
	s.up.stop()
	s.fromUp = nil
	s.info.flags = "module failed"
	if s.resp.released {
		s.abort()
		return
	}
	s.sendDirect(&localReply{status: http.StatusServiceUnavailable})
}

// overflow is what Envoy answers when more is held than its buffers may take.
func (s *stream) overflow(f *flow) {
	f.body, s.local = nil, nil
	if f == &s.req {
		s.sendLocal(&localReply{status: http.StatusRequestEntityTooLarge, body: "Payload Too Large"})
		return
	}
	s.sendLocal(&localReply{status: http.StatusInternalServerError, body: "Internal Server Error"})
}

// hostLocalReply asks for a local reply. It is sent after the callback, whose
// answer then no longer counts. Where there is no stream it comes to nothing.
func hostLocalReply(v *vm, a []uint64) status {
	s := v.stream()
	if s != nil && s.logging { // Envoy would log without end
		return statusBadArgument
	}
	body, ok1 := v.text(a[3], a[4])
	raw, ok2 := v.bytes(a[5], a[6])
	if !ok1 || !ok2 {
		return statusInvalidMemoryAccess
	}
	headers, ok := parsePairs(raw)
	if !ok {
		return statusBadArgument
	}
	v.replied = true
	if s == nil || s.asked { // the first one stands
		return statusOK
	}
	s.asked = true
	s.local = &localReply{status: int(uint32(a[0])), headers: lowered(headers), body: body}
	s.poke()
	return statusOK
}
