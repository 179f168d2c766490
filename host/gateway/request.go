package gateway

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// info describes a request for properties and the access log.
type info struct {
	start  time.Time
	id     string
	peer   string // address:port of the client
	method string
	path   string
	host   string
	status int
	flags  string // why the gateway itself ended the stream
}

// refusedStatus is the status for a request that is refused before the module
// sees it; 0 if it is not.
func refusedStatus(r *http.Request) int {
	switch {
	case !r.ProtoAtLeast(1, 1):
		return http.StatusUpgradeRequired
	case r.Host == "":
		return http.StatusBadRequest
	case r.Method == http.MethodConnect:
		return http.StatusForbidden
	case r.ProtoMajor == 1 && !knownMethods[r.Method]:
		return http.StatusBadRequest
	case isUpgrade(r.Header) && !isWebSocket(r):
		return http.StatusForbidden
	}
	return 0
}

// knownMethods are the methods that Envoy's HTTP/1 parser accepts.
var knownMethods = set(`ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR
		MKCOL MOVE MSEARCH NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH SOURCE
		SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE`)

// isUpgrade reports whether the client asks for another protocol. The upgrade to
// cleartext HTTP/2 that curl offers does not count: it is ignored.
func isUpgrade(h http.Header) bool {
	for _, v := range h["Upgrade"] {
		if !strings.EqualFold(strings.TrimSpace(v), "h2c") {
			return true
		}
	}
	return false
}

// requestPairs are a request's headers as the module sees them. As in Envoy at
// the edge, x-request-id is replaced, the client's address is added to
// x-forwarded-for, and the headers that a client must not set (x-envoy-*,
// x-forwarded-client-cert) are dropped.
func (s *stream) requestPairs() pairs {
	r, scheme := s.r, "http"
	if r.TLS != nil {
		scheme = "https"
	}
	h := make(pairs, 0, len(r.Header)+8)
	h = append(h, [2]string{":authority", r.Host}, [2]string{":path", s.info.path}, [2]string{":method", r.Method}, [2]string{":scheme", scheme})
	options := r.Header["Connection"]
	for _, kv := range headerPairs(r.Header) {
		if (httpfield.PerConnection(kv[0]) && kv[0] != "content-length") || strings.HasPrefix(kv[0], "x-envoy-") || isConnectionOption(options, kv[0]) {
			continue
		}
		if slices.Contains(s.gw.cfg.RemoveHeaders, kv[0]) {
			continue
		}
		switch kv[0] {
		case "x-request-id", "x-forwarded-proto", "x-forwarded-for", "x-forwarded-client-cert":
			continue
		}
		h = h.add(kv[0], kv[1])
	}
	forwarded := strings.Join(r.Header["X-Forwarded-For"], ",")
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		if forwarded != "" {
			forwarded += ","
		}
		forwarded += host
	}
	if forwarded != "" {
		h = append(h, [2]string{"x-forwarded-for", forwarded})
	}
	if s.upgrade {
		h = append(h, upgradePairs(r.Header)...)
	}
	return append(h, [2]string{"x-forwarded-proto", scheme}, [2]string{"x-request-id", s.info.id})
}

// isConnectionOption reports whether a Connection header names the header.
func isConnectionOption(connection []string, name string) bool {
	for _, line := range connection {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), name) {
				return true
			}
		}
	}
	return false
}

// requestID is a random UUID (RFC 9562, version 4).
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// requestTarget is the path and query as the client wrote them.
func requestTarget(r *http.Request) string {
	t := r.RequestURI
	_, rest, absolute := strings.Cut(t, "://")
	if strings.HasPrefix(t, "/") || !absolute {
		return t
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		return rest[i:]
	}
	return "/"
}

// clientBody is the body of the client's request while it is read.
type clientBody struct {
	state  bodyState
	pieces chan chunk
	done   chan struct{} // closed when its reader has ended
}

// bodyState says how far the client's body was read.
type bodyState uint8

const (
	bodyUnread   bodyState = iota
	bodyReading            // a goroutine reads it
	bodyComplete           // it was read to its end, or there is none
)

// requestBody is the channel of the client's body; nil if no piece is wanted
// now. Reading starts when the first piece is wanted, so that a request that is
// denied by its headers costs no byte of its body.
func (s *stream) requestBody() <-chan chunk {
	if s.state != proxying || !s.req.wantsBody(s.gw.cfg.BufferLimit) || len(s.upstream.queue) > 0 {
		return nil
	}
	c := &s.client
	if s.upgrade && s.tunnel == nil {
		return nil // the client sends once it gets 101
	}
	if c.state == bodyUnread {
		*c = clientBody{state: bodyReading, pieces: make(chan chunk), done: make(chan struct{})}
		length := int64(0)
		if s.r.ProtoMajor > 1 && len(s.r.Trailer) == 0 {
			length = s.r.ContentLength
		}
		go func() {
			defer close(c.done)
			s.gw.readBody(s.r.Body, c.pieces, s.ctx.Done(), length, func() pairs { return s.trailers(s.r.ProtoMajor, s.r.Trailer) })
		}()
	}
	return c.pieces
}

// trailers returns the trailers of HTTP/2 and, with Config.HTTP1Trailers, of
// HTTP/1.1; the others are dropped, as Envoy does.
func (s *stream) trailers(major int, h http.Header) pairs {
	if major == 1 && !s.gw.cfg.HTTP1Trailers {
		return nil
	}
	return forwardable(headerPairs(h))
}

func (s *stream) onRequestBody(c chunk) {
	if c.err != nil && s.tunnel != nil {
		c = chunk{end: true}
	}
	if c.err != nil { // the client is gone, or its body is malformed
		s.info.flags = "request broken off"
		s.abort()
		return
	}
	if c.end {
		s.client.state = bodyComplete
	}
	s.withVM(func() { s.show(&s.req, c) })
}

// lingerTime is how long a client may go on sending a body that is not read,
// before its connection is closed.
const lingerTime = 500 * time.Millisecond

// stopReading waits for the reader of the client's body, which must not
// outlive the handler.
func (s *stream) stopReading() {
	c := &s.client
	if c.state == bodyComplete || c.state == bodyUnread && s.r.ProtoMajor > 1 || s.tunnel != nil {
		return
	}
	if s.state != streamAborted {
		_ = s.downstream.control.Flush()
	}
	_ = s.downstream.control.SetReadDeadline(time.Now().Add(lingerTime))
	if c.state == bodyReading {
		<-c.done
	}
}
