package gateway

import (
	"net/http"
	"sync/atomic"
)

// Switch is a gateway that can be replaced while it serves. A request belongs to the
// gateway that it came to, until its end.
type Switch struct{ current atomic.Pointer[Gateway] }

// NewSwitch returns a Switch that serves by g.
func NewSwitch(g *Gateway) *Switch {
	s := &Switch{}
	s.current.Store(g)
	return s
}

// Replace makes new requests go to g and returns the gateway before, which the caller
// closes: Close waits for its requests.
func (s *Switch) Replace(g *Gateway) (before *Gateway) { return s.current.Swap(g) }

// Current is the gateway that new requests go to.
func (s *Switch) Current() *Gateway { return s.current.Load() }

// Server returns a server with the settings of Gateway.Server.
func (s *Switch) Server() *http.Server {
	srv := s.Current().Server()
	srv.Handler = s
	return srv
}

// ServeHTTP takes a request to the current gateway. It asks again if that one was
// replaced and closed in between.
func (s *Switch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for {
		g := s.current.Load()
		if g.enter() {
			g.serve(w, r)
			return
		}
		if s.current.Load() == g {
			g.newStream(w, r).refuse(http.StatusServiceUnavailable, "closing")
			return
		}
	}
}
