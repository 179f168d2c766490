package gateway

import (
	"context"
	"net/http"
	"time"
)

// ServeHTTP takes one request through the module and to the upstream.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := &stream{gw: g, w: w, r: r, wake: make(chan struct{}, 1), answer: make(chan answer, 1)}
	s.info = info{start: time.Now(), peer: r.RemoteAddr, method: r.Method, path: target(r), host: r.Host}
	if !g.enter() {
		s.refuse(http.StatusServiceUnavailable, "closing")
		return
	}
	defer g.active.Done()
	path, ok := g.cfg.Path.clean(s.info.path)
	code := unfit(r)
	switch {
	case code != 0:
		s.refuse(code, "not a request for this gateway")
		return
	case !ok:
		s.refuse(http.StatusBadRequest, "path")
		return
	}
	v, err := g.pick()
	if err != nil {
		g.cfg.Log.Warn("no VM for a request", "error", err.Error())
		s.refuse(http.StatusServiceUnavailable, "module failed")
		return
	}
	s.info.path, s.info.id = path, requestID()
	headers := s.requestPairs()
	s.vm = v
	s.ctx, s.cancel = context.WithCancel(r.Context())
	s.idle = time.NewTimer(g.cfg.StreamIdleTimeout)
	s.down.rc = http.NewResponseController(w)
	bodyless := r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0
	if !bodyless && r.ProtoMajor == 1 {
		_ = s.down.rc.EnableFullDuplex()
	}
	s.run(headers, bodyless)
	s.close()
	g.record(s)
	if s.down.broken || s.info.status == 0 {
		panic(http.ErrAbortHandler) // net/http's way to break a response off
	}
}

// refuse answers a request that no module sees.
func (s *stream) refuse(code int, why string) {
	if s.r.ProtoMajor == 1 {
		s.w.Header().Set("Connection", "close")
	}
	s.w.WriteHeader(code)
	s.info.status, s.info.flags = code, why
	s.gw.record(s)
}

// enter counts a request in, unless the gateway is closing.
func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.active.Add(1)
	return true
}

func (g *Gateway) record(s *stream) {
	if g.cfg.Access == nil {
		return
	}
	r := Record{
		ID: s.info.id, Method: s.info.method, Path: s.info.path, Host: s.info.host,
		Status: s.info.status, Duration: time.Since(s.info.start), Flags: s.info.flags,
	}
	if len(s.state) > 0 {
		r.State = make(map[string]string, len(s.state))
		for k, v := range s.state {
			r.State[k] = string(v)
		}
	}
	g.cfg.Access(r)
}
