package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// webSocketProtocol is the only protocol to which a client may switch (RFC 6455).
const webSocketProtocol = "websocket"

// isWebSocket reports whether a request opens a WebSocket. It has no body, and no
// other protocol to choose from.
func isWebSocket(r *http.Request) bool {
	protocols := r.Header["Upgrade"]
	return r.ProtoMajor == 1 && r.Method == http.MethodGet && r.ContentLength == 0 &&
		len(protocols) == 1 && strings.EqualFold(httpfield.TrimSpace(protocols[0]), webSocketProtocol) &&
		isConnectionOption(r.Header["Connection"], "upgrade")
}

// upgradePairs are the headers by which the module sees that a request opens a
// WebSocket: the upstream gets its own.
func upgradePairs(h http.Header) pairs {
	return pairs{{"connection", strings.Join(h["Connection"], ",")}, {"upgrade", webSocketProtocol}}
}

// setUpgrade makes a request to the upstream one for a WebSocket. What the client
// sends then is no body of the request: it goes upstream once that has switched.
func (s *stream) setUpgrade(ctx context.Context, r *http.Request) {
	r.Header["Connection"], r.Header["Upgrade"] = []string{"Upgrade"}, []string{webSocketProtocol}
	s.upstream.in = make(chan []byte)
	s.upstream.body = &upstreamBody{in: s.upstream.in, stop: ctx.Done()}
}

// tunnel has the two connections of a stream whose protocol was switched.
type tunnel struct {
	client   net.Conn
	upstream io.ReadWriteCloser
}

func (t *tunnel) close() {
	_ = t.client.Close()
	_ = t.upstream.Close()
}

var errNoSwitch = errors.New("the upstream switched to a protocol that the client did not ask for")

// switched returns the upstream's connection if its response switches the protocol,
// nil if it does not.
func (s *stream) switched(r *http.Response) (io.ReadWriteCloser, error) {
	if r.StatusCode != http.StatusSwitchingProtocols {
		return nil, nil
	}
	conn, ok := r.Body.(io.ReadWriteCloser)
	if !ok || !s.upgrade || !strings.EqualFold(r.Header.Get("Upgrade"), webSocketProtocol) {
		return nil, errNoSwitch
	}
	return conn, nil
}

// switchProtocols takes the client's connection over from the server, sends the
// client the upstream's 101, and connects the two.
func (s *stream) switchProtocols(headers pairs) error {
	conn, buffered, err := s.downstream.control.Hijack()
	if err != nil {
		return err
	}
	t := &tunnel{client: conn, upstream: s.upstream.switched}
	s.tunnel, s.downstream.length = t, -1
	h := header(forwardable(headers))
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{webSocketProtocol}
	s.setCORS(h)
	if err := conn.SetDeadline(time.Time{}); err != nil { // those of the server
		return err
	}
	_ = conn.SetWriteDeadline(time.Now().Add(s.idleTimeout()))
	fmt.Fprintf(buffered, "HTTP/1.1 %d %s\r\n", http.StatusSwitchingProtocols, http.StatusText(http.StatusSwitchingProtocols))
	_ = h.Write(buffered)
	_, _ = buffered.WriteString("\r\n")
	if err := buffered.Flush(); err != nil { // the error of any of the writes
		return err
	}
	c := clientBody{state: bodyReading, pieces: make(chan chunk), done: make(chan struct{})}
	s.client = c
	go func() {
		defer close(c.done)
		s.gw.readBody(buffered, c.pieces, s.ctx.Done(), 0, func() pairs { return nil })
	}()
	body := s.upstream.body
	go func() {
		_, _ = io.Copy(t.upstream, body)
		_ = t.upstream.Close() // half a connection is of no use to a WebSocket
	}()
	return nil
}

// write sends a part of the response's body, or of what follows a 101.
func (s *stream) write(data []byte) (int, error) {
	deadline := time.Now().Add(s.idleTimeout())
	if s.tunnel != nil {
		_ = s.tunnel.client.SetWriteDeadline(deadline)
		return s.tunnel.client.Write(data)
	}
	_ = s.downstream.control.SetWriteDeadline(deadline)
	return s.w.Write(data)
}
