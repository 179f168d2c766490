package gateway

import (
	"context"
	"net/http"
	"time"
)

// ServeHTTP takes one request through the module and to the upstream.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.enter() {
		g.newStream(w, r).refuse(http.StatusServiceUnavailable, "closing")
		return
	}
	g.serve(w, r)
}

func (g *Gateway) newStream(w http.ResponseWriter, r *http.Request) *stream {
	s := &stream{gw: g, w: w, r: r, resp: flow{direction: responseFlow}, wake: make(chan struct{}, 1), responses: make(chan upstreamResponse, 1)}
	s.info = info{start: time.Now(), peer: r.RemoteAddr, id: requestID(), method: r.Method, path: requestTarget(r), host: r.Host}
	return s
}

// serve serves a request that has entered.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	defer g.streams.Done()
	s := g.newStream(w, r)
	path, ok := g.cfg.Path.clean(s.info.path)
	code := refusedStatus(r)
	switch {
	case code != 0:
		s.refuse(code, "not a request for this gateway")
		return
	case !ok:
		s.refuse(http.StatusBadRequest, "path")
		return
	}
	if s.route = g.route(r, path); s.isPreflight() {
		s.info.path = path
		s.answerPreflight()
		return
	}
	v, err := g.nextVM()
	if err != nil {
		g.cfg.Log.Warn("no VM for a request", "error", err.Error())
		s.refuse(http.StatusServiceUnavailable, "module failed")
		return
	}
	s.info.path, s.upgrade = path, isUpgrade(r.Header)
	headers := s.requestPairs()
	s.vm = v
	s.ctx, s.cancel = context.WithCancel(r.Context())
	s.idle = time.NewTimer(g.cfg.StreamIdleTimeout)
	s.downstream.control = http.NewResponseController(w)
	bodyless := (r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0) && !s.upgrade
	if !bodyless && r.ProtoMajor == 1 {
		_ = s.downstream.control.EnableFullDuplex()
	}
	s.run(headers, bodyless)
	s.close()
	g.record(s)
	if s.state == streamAborted || s.info.status == 0 {
		panic(http.ErrAbortHandler) // net/http's way to break a response off
	}
}

// refuse ends a request that the module does not see.
func (s *stream) refuse(code int, reason string) {
	if s.r.ProtoMajor == 1 {
		s.w.Header().Set("Connection", "close")
	}
	s.w.Header().Set("X-Request-Id", s.info.id)
	s.w.WriteHeader(code)
	s.info.status, s.info.flags = code, reason
	s.gw.record(s)
}

// enter counts a request that Close has to wait for; false if the gateway is
// closing.
func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.streams.Add(1)
	return true
}

// record writes the access log.
func (g *Gateway) record(s *stream) {
	if g.cfg.Access == nil {
		return
	}
	r := Record{
		ID: s.info.id, Method: s.info.method, Path: s.info.path, Host: s.info.host,
		Status: s.info.status, Duration: time.Since(s.info.start), Flags: s.info.flags,
	}
	if len(s.filterState) > 0 {
		r.State = make(map[string]string, len(s.filterState))
		for k, v := range s.filterState {
			r.State[k] = string(v)
		}
	}
	g.cfg.Access(r)
}
