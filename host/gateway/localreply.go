package gateway

import (
	"net/http"
	"strconv"
)

// localReply is a response that does not come from the upstream: the module's
// (proxy_send_local_response) or the gateway's own.
type localReply struct {
	status  int
	headers pairs
	body    string
}

// pairs are the headers that the response callbacks are shown of the reply.
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

// beginReply stops everything between the stream and the upstream.
func (s *stream) beginReply() {
	s.state = max(s.state, replying)
	s.req.state = ended
	s.upstream.stop()
	s.fromUpstream = nil
}

// sendLocal sends the client a reply in place of the upstream's response.
// Before a response has begun the reply goes through the module's response
// callbacks; after that it goes straight to the client; and once headers were
// sent the connection is reset instead. The VM's lock is held.
func (s *stream) sendLocal(r *localReply) {
	s.beginReply()
	switch {
	case s.resp.headersSent:
		s.abort()
	case s.resp.state != awaitHeaders:
		s.sendDirect(r)
	default:
		end := r.body == "" || s.r.Method == http.MethodHead
		if !end {
			body := make(chan chunk, 1)
			body <- chunk{data: []byte(r.body), end: true}
			s.fromUpstream = body
		}
		s.showHeaders(&s.resp, r.pairs(), end)
	}
}

// sendDirect sends the client a reply that the module is not shown.
func (s *stream) sendDirect(r *localReply) {
	s.resp = flow{direction: responseFlow, headers: r.pairs(), body: []byte(r.body), endShown: true}
	s.release(&s.resp)
}

// fail ends a stream whose VM is dead: with 503, or with a reset if headers
// were sent. (Envoy's FAIL_OPEN is not offered.)
func (s *stream) fail() {
	s.commands = 0
	s.beginReply()
	s.info.flags = "module failed"
	if s.resp.headersSent {
		s.abort()
		return
	}
	s.sendDirect(&localReply{status: http.StatusServiceUnavailable})
}

// overflow ends a stream of which more would have to be held than BufferLimit,
// with the reply that Envoy gives.
func (s *stream) overflow(f *flow) {
	f.body = nil
	s.commands &^= sendReply
	if f.direction == requestFlow {
		s.sendLocal(&localReply{status: http.StatusRequestEntityTooLarge, body: "Payload Too Large"})
		return
	}
	s.sendLocal(&localReply{status: http.StatusInternalServerError, body: "Internal Server Error"})
}

// hostLocalReply asks for a local reply. It is sent after the running callback,
// whose action is then ignored. Without a stream nothing is sent.
func hostLocalReply(v *vm, a []uint64) status {
	s := v.stream()
	if s != nil && s.logging { // Envoy would log this stream again and again
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
	v.replyAsked = true
	if s == nil || s.reply != nil {
		return statusOK
	}
	s.reply = &localReply{status: int(uint32(a[0])), headers: lowered(headers), body: body}
	s.commands |= sendReply
	s.wakeLoop()
	return statusOK
}
