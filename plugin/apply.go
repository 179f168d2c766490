package main

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

	"github.com/rulegate/rulegate/rules/decide"
)

// host has the host's calls for one direction.
type host struct {
	name     string
	failed   func(reason string) decide.Refusal // the message cannot be read or changed
	body     func(start, max int) ([]byte, error)
	trailers func() ([][2]string, error)

	removeHeader, removeTrailer func(name string) error
	replaceHeader, addHeader    func(name, value string) error
	replaceBody                 func([]byte) error
	resume                      func() error
}

var hosts = [...]host{
	request: {
		name:          "request",
		failed:        decide.InternalError,
		body:          proxywasm.GetHttpRequestBody,
		trailers:      proxywasm.GetHttpRequestTrailers,
		removeHeader:  proxywasm.RemoveHttpRequestHeader,
		removeTrailer: proxywasm.RemoveHttpRequestTrailer,
		replaceHeader: proxywasm.ReplaceHttpRequestHeader,
		addHeader:     proxywasm.AddHttpRequestHeader,
		replaceBody:   proxywasm.ReplaceHttpRequestBody,
		resume:        proxywasm.ResumeHttpRequest,
	},
	response: {
		name:          "response",
		failed:        decide.BadResponse,
		body:          proxywasm.GetHttpResponseBody,
		trailers:      proxywasm.GetHttpResponseTrailers,
		removeHeader:  proxywasm.RemoveHttpResponseHeader,
		removeTrailer: proxywasm.RemoveHttpResponseTrailer,
		replaceHeader: proxywasm.ReplaceHttpResponseHeader,
		addHeader:     proxywasm.AddHttpResponseHeader,
		replaceBody:   proxywasm.ReplaceHttpResponseBody,
		resume:        proxywasm.ResumeHttpResponse,
	},
}

func (s *stream) host() *host { return &hosts[s.direction] }

// change makes the changes. After an error the message must not go on.
func (h *host) change(c *decide.Changes) error {
	for _, name := range c.RemoveHeaders {
		if err := h.removeHeader(name); err != nil {
			return err
		}
	}
	for i, f := range c.SetHeaders {
		set := h.replaceHeader
		if i > 0 && c.SetHeaders[i-1][0] == f[0] {
			set = h.addHeader
		}
		if err := set(f[0], f[1]); err != nil {
			return err
		}
	}
	if c.Path != "" {
		if err := h.replaceHeader(":path", c.Path); err != nil {
			return err
		}
	}
	if c.Body != nil {
		// SetHeaders has the new content-length: with the old one, the upstream
		// would read the rest of the body as the next request.
		return h.replaceBody([]byte(*c.Body))
	}
	return nil
}

// removeTrailers removes those trailers whose names are picked.
func (h *host) removeTrailers(pick func(trailers [][2]string) (names []string)) error {
	trailers, err := h.trailers()
	if err != nil {
		return err
	}
	for _, name := range pick(trailers) {
		if err := h.removeTrailer(name); err != nil {
			return err
		}
	}
	return nil
}
