package gateway

import (
	"net/http"
	"strings"
)

// isPreflight reports whether a browser asks if a page of another origin may send a
// request. Neither the module nor the upstream is shown the question.
func (s *stream) isPreflight() bool {
	h := s.r.Header
	return s.route.CORS != nil && s.r.Method == http.MethodOptions && h.Get("Origin") != "" && h.Get("Access-Control-Request-Method") != ""
}

// answerPreflight answers as Envoy's CORS filter does: a browser looks at the other
// headers only if its origin is allowed.
func (s *stream) answerPreflight() {
	c, h := s.route.CORS, s.w.Header()
	for _, f := range c.ResponseHeaders(s.origin()) {
		h.Set(f[0], f[1])
	}
	for name, list := range map[string][]string{"Access-Control-Allow-Methods": c.Methods, "Access-Control-Allow-Headers": c.Headers} {
		if len(list) > 0 {
			h.Set(name, strings.Join(list, ","))
		}
	}
	if c.MaxAge != "" {
		h.Set("Access-Control-Max-Age", c.MaxAge)
	}
	if s.r.ProtoMajor == 1 && s.r.ContentLength != 0 {
		h.Set("Connection", "close")
	}
	s.w.WriteHeader(http.StatusOK)
	s.info.status, s.info.flags = http.StatusOK, "preflight"
	s.gw.record(s)
}

// origin is the value of Origin, in which no two can be one that is allowed.
func (s *stream) origin() string { return strings.Join(s.r.Header["Origin"], ",") }

// setCORS writes the headers of CORS of a response, in place of the upstream's.
func (s *stream) setCORS(h http.Header) {
	if s.route.CORS == nil {
		return
	}
	for _, name := range [...]string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers"} {
		h.Del(name)
	}
	for _, f := range s.route.CORS.ResponseHeaders(s.origin()) {
		h.Set(f[0], f[1])
	}
	h.Add("Vary", "origin")
}
