package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/httpfield"
)

// newRequest returns a request to a cluster, still without a body, from headers
// that the module may have changed.
//
// Errors: :method, :path or :authority cannot be sent.
func newRequest(c Cluster, h pairs) (*http.Request, error) {
	method, path, host := h.value(":method"), h.value(":path"), h.value(":authority")
	switch {
	case !httpfield.IsToken(method) || method == http.MethodConnect:
		return nil, errors.New("invalid header value for: :method")
	case !isTarget(path):
		return nil, errors.New("invalid header value for: :path")
	case host == "" || strings.ContainsAny(host, "/ \t\r\n@"):
		return nil, errors.New("invalid header value for: :authority")
	}
	r := &http.Request{
		Method: method, URL: c.target(path), Host: host, Header: header(forwardable(h)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
	}
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = []string{""} // net/http would add its own
	}
	return r, nil
}

// setBody gives a request a body that is known in full. A length below 0 sends
// it in chunks.
func setBody(r *http.Request, body []byte, length int64) {
	if len(body) > 0 {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), length
	}
}

// isTarget reports whether s is a path with a query that a request line can hold.
func isTarget(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == 0x7f || c == '#' {
			return false
		}
	}
	return strings.HasPrefix(s, "/")
}

// unsendable finds a header whose name is not a token, or whose value would end
// its line early.
func unsendable(h pairs) (name string, found bool) {
	for _, kv := range h {
		if !strings.HasPrefix(kv[0], ":") && !httpfield.IsToken(kv[0]) || strings.ContainsAny(kv[1], "\r\n\x00") {
			return kv[0], true
		}
	}
	return "", false
}

// declaredLength is the content-length that the headers declare.
func declaredLength(h pairs) (n int64, declared bool, err error) {
	for _, kv := range h {
		if kv[0] != "content-length" {
			continue
		}
		u, err := strconv.ParseUint(kv[1], 10, 63)
		if err != nil || declared && int64(u) != n {
			return 0, false, errors.New("invalid header value for: content-length")
		}
		n, declared = int64(u), true
	}
	return n, declared, nil
}

// bodyLength is the content-length to send: the declared one, unless the whole
// body is here and has another. With that one the rest of one message would be
// read as the next.
func (s *stream) bodyLength(out output) (n int64, declared bool, err error) {
	n, declared, err = declaredLength(out.headers)
	if size := int64(len(out.data)); err == nil && declared && out.whole() && n != size {
		s.gw.cfg.Log.Warn("the module left a content-length that is not the body's", "declared", n, "sent", size)
		n = size
	}
	return n, declared, err
}

// forwardable returns the headers that are sent on to the other side: without
// pseudo-headers, those of one connection and those that the transport writes.
func forwardable(h pairs) pairs {
	kept := make(pairs, 0, len(h))
	for _, kv := range h {
		if !strings.HasPrefix(kv[0], ":") && !httpfield.PerConnection(kv[0]) {
			kept = append(kept, kv)
		}
	}
	return kept
}

// header converts for net/http, which recognises the headers that it treats
// specially only in their canonical spelling.
func header(h pairs) http.Header {
	out := make(http.Header, len(h))
	for _, kv := range h {
		out.Add(kv[0], kv[1])
	}
	return out
}

// headerPairs lists headers by name: net/http does not keep the order of
// different names.
func headerPairs(h http.Header) pairs {
	if len(h) == 0 {
		return nil
	}
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	out := make(pairs, 0, len(h))
	for _, name := range names {
		for _, value := range h[name] {
			out = append(out, [2]string{strings.ToLower(name), value})
		}
	}
	return out
}

// responsePairs are a response's headers as the module sees them.
func responsePairs(r *http.Response) pairs {
	h := pairs{{":status", strconv.Itoa(r.StatusCode)}}
	for _, kv := range headerPairs(r.Header) {
		h = h.add(kv[0], kv[1])
	}
	if len(r.TransferEncoding) > 0 {
		h = append(h, [2]string{"transfer-encoding", r.TransferEncoding[0]})
	}
	return h
}
