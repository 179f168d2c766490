package main

import (
	"strings"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
)

// This file has the only host calls that change a request or answer it.

// apply makes the changes. After an error the request must not go on.
func apply(c *decide.Changes) error {
	for _, name := range c.RemoveHeaders {
		if err := proxywasm.RemoveHttpRequestHeader(name); err != nil {
			return err
		}
	}
	for i, h := range c.SetHeaders {
		set := proxywasm.ReplaceHttpRequestHeader
		if i > 0 && c.SetHeaders[i-1][0] == h[0] {
			set = proxywasm.AddHttpRequestHeader
		}
		if err := set(h[0], h[1]); err != nil {
			return err
		}
	}
	if c.Path != "" {
		if err := proxywasm.ReplaceHttpRequestHeader(":path", c.Path); err != nil {
			return err
		}
	}
	if c.Body != nil {
		// content-length is among SetHeaders: with the old one the rest of the
		// body would be read as the next request.
		return proxywasm.ReplaceHttpRequestBody([]byte(*c.Body))
	}
	return nil
}

// applyResponse makes the changes of a response. After an error it must not go
// out.
func applyResponse(c *decide.Changes) error {
	for _, name := range c.RemoveHeaders {
		if err := proxywasm.RemoveHttpResponseHeader(name); err != nil {
			return err
		}
	}
	for _, h := range c.SetHeaders {
		if err := proxywasm.ReplaceHttpResponseHeader(h[0], h[1]); err != nil {
			return err
		}
	}
	if c.Body != nil {
		return proxywasm.ReplaceHttpResponseBody([]byte(*c.Body))
	}
	return nil
}

// answer is the response instead of the upstream's.
func answer(r *decide.Refusal) error {
	return proxywasm.SendHttpResponse(uint32(r.Status), r.Headers, []byte(r.Body), -1)
}

// cutTrailers takes away the trailers that only the policy may set.
func cutTrailers(r *policy.Resource) error {
	trailers, err := proxywasm.GetHttpRequestTrailers()
	if err != nil {
		return err
	}
	for _, name := range decide.Reserved(r, trailers) {
		if err := proxywasm.RemoveHttpRequestTrailer(name); err != nil {
			return err
		}
	}
	return nil
}

// cutStale takes away the trailers that say something of the body as it was.
func cutStale() error {
	trailers, err := proxywasm.GetHttpResponseTrailers()
	if err != nil {
		return err
	}
	for _, name := range decide.Stale(trailers) {
		if err := proxywasm.RemoveHttpResponseTrailer(name); err != nil {
			return err
		}
	}
	return nil
}

// mark shows a decision to the access log, as %FILTER_STATE(wasm.rulegate.decision:PLAIN)%.
func mark(decision string) {
	if err := proxywasm.SetProperty([]string{"rulegate.decision"}, []byte(decision)); err != nil {
		proxywasm.LogDebugf("rulegate: decision not marked: %v", err)
	}
}

// withoutPort is the address in 1.2.3.4:5 and [::1]:5.
func withoutPort(address string) string {
	if i := strings.LastIndexByte(address, ':'); i >= 0 && strings.IndexByte(address[i:], ']') < 0 {
		address = address[:i]
	}
	return strings.Trim(address, "[]")
}
