package gateway

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// info is what the gateway knows of a request, for properties and the log.
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

// unfit is the status of a request that is answered before any module sees it;
// 0 lets it in.
func unfit(r *http.Request) int {
	switch {
	case !r.ProtoAtLeast(1, 1):
		return http.StatusUpgradeRequired
	case r.Host == "":
		return http.StatusBadRequest
	case r.Method == http.MethodConnect:
		return http.StatusForbidden
	case r.ProtoMajor == 1 && !knownMethods[r.Method]:
		return http.StatusBadRequest
	case isUpgrade(r.Header):
		return http.StatusForbidden
	}
	return 0
}

// knownMethods are those that Envoy's HTTP/1 parser takes.
var knownMethods = set(`ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR
		MKCOL MOVE MSEARCH NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH SOURCE
		SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE`)

// isUpgrade reports a change of protocol, but for the one to cleartext HTTP/2
// that curl offers, which is left unanswered.
func isUpgrade(h http.Header) bool {
	for _, v := range h["Upgrade"] {
		if !strings.EqualFold(strings.TrimSpace(v), "h2c") {
			return true
		}
	}
	return false
}

// requestPairs are a request's headers as the module sees them, with what
// Envoy adds as an edge proxy: the client's own x-request-id is replaced and
// x-forwarded-for gets the client's address. What a client may not say of
// itself (x-envoy-*, x-forwarded-client-cert) is dropped.
func (s *stream) requestPairs() pairs {
	r, scheme := s.r, "http"
	if r.TLS != nil {
		scheme = "https"
	}
	h := make(pairs, 0, len(r.Header)+8)
	h = append(h, [2]string{":authority", r.Host}, [2]string{":path", s.info.path}, [2]string{":method", r.Method}, [2]string{":scheme", scheme})
	nominated := r.Header["Connection"]
	for _, kv := range headerPairs(r.Header) {
		if (httpfield.PerConnection(kv[0]) && kv[0] != "content-length") || strings.HasPrefix(kv[0], "x-envoy-") || named(nominated, kv[0]) {
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
	return append(h, [2]string{"x-forwarded-proto", scheme}, [2]string{"x-request-id", s.info.id})
}

// named reports whether a Connection header names a header as its own.
func named(connection []string, name string) bool {
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

// target is the request's path and query as the client wrote them.
func target(r *http.Request) string {
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

// requestBody is the client's body, read from the moment it is first wanted:
// a request that its headers condemn costs no byte of it.
func (s *stream) requestBody() <-chan chunk {
	if s.replied || !s.req.reads(s.gw.cfg.BufferLimit) || len(s.up.queue) > 0 {
		return nil
	}
	if s.fromReq == nil {
		s.fromReq, s.reading = make(chan chunk), make(chan struct{})
		length := int64(0)
		if s.r.ProtoMajor > 1 && len(s.r.Trailer) == 0 {
			length = s.r.ContentLength
		}
		go func() {
			defer close(s.reading)
			s.gw.pump(s.r.Body, s.fromReq, s.ctx.Done(), length, func() pairs { return s.trailers(s.r.ProtoMajor, s.r.Trailer) })
		}()
	}
	return s.fromReq
}

// trailers are read over HTTP/2 and, where the configuration says so, over
// HTTP/1.1; else they are dropped, as Envoy does.
func (s *stream) trailers(major int, h http.Header) pairs {
	if major == 1 && !s.gw.cfg.HTTP1Trailers {
		return nil
	}
	return forwardable(headerPairs(h))
}

func (s *stream) fromClient(c chunk) {
	if c.err != nil { // the client is gone, or what it sends is no body
		s.info.flags = "request broken off"
		s.abort()
		return
	}
	s.allRead = c.end
	s.locked(func() { s.receive(&s.req, c) })
}

// unread is how long a client may go on sending what nobody reads any more,
// before its connection is closed.
const unread = 500 * time.Millisecond

// stopReading waits for the reader of the client's body, which must not
// outlive the handler.
func (s *stream) stopReading() {
	if s.allRead || s.reading == nil && s.r.ProtoMajor > 1 {
		return
	}
	if !s.down.broken {
		_ = s.down.rc.Flush()
	}
	_ = s.down.rc.SetReadDeadline(time.Now().Add(unread))
	if s.reading != nil {
		<-s.reading
	}
}
