package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Cluster is a destination of requests or dispatched calls: the scheme and host
// of a URL, or a handler in this process.
type Cluster struct {
	URL     *url.URL
	Handler http.Handler
}

// transport sends requests to the cluster as they are: it uses no proxy from the
// environment, follows no redirect and decompresses nothing.
func (c Cluster) transport(max int64) (http.RoundTripper, error) {
	switch {
	case c.Handler != nil:
		return handlerTransport{c.Handler}, nil
	case c.URL == nil || c.URL.Host == "":
		return nil, errors.New("want a URL with a host, or a handler")
	case c.URL.Scheme != "http" && c.URL.Scheme != "https":
		return nil, errors.New("want an http or https URL")
	}
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxResponseHeaderBytes: max,
		ForceAttemptHTTP2:      false,
	}, nil
}

// target is the URL with which net/http sends a path and query unchanged.
func (c Cluster) target(path string) *url.URL {
	u := &url.URL{Scheme: "http", Host: "in-process"}
	if c.URL != nil {
		u.Scheme, u.Host = c.URL.Scheme, c.URL.Host
	}
	if !strings.HasPrefix(path, "//") {
		u.Opaque = path
		return u
	}
	// net/http would take an opaque part with two slashes for a host.
	u.RawPath, u.RawQuery, u.ForceQuery = path, "", false
	if i := strings.IndexByte(path, '?'); i >= 0 {
		u.RawPath, u.RawQuery, u.ForceQuery = path[:i], path[i+1:], true
	}
	u.Path, _ = url.PathUnescape(u.RawPath)
	return u
}

// handlerTransport passes requests to a handler and streams both bodies.
type handlerTransport struct{ handler http.Handler }

func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	path, query, _ := strings.Cut(in.RequestURI, "?")
	in.URL = &url.URL{RawPath: path, RawQuery: query}
	var err error
	if in.URL.Path, err = url.PathUnescape(path); err != nil {
		return nil, err
	}
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	in.RemoteAddr = "127.0.0.1:0"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.ContentLength < 0 {
		in.TransferEncoding = []string{"chunked"}
	}
	pr, pw := io.Pipe()
	w := &handlerWriter{header: http.Header{}, body: pw, started: make(chan struct{}), request: r}
	w.buffered = bufio.NewWriterSize(pw, 4096)
	go w.serve(t.handler, in)
	select {
	case <-w.started:
		// A cancelled request must not leave the handler blocked in Write.
		context.AfterFunc(r.Context(), func() { _ = pr.CloseWithError(context.Cause(r.Context())) })
		w.response.Body = pr
		return w.response, nil
	case <-r.Context().Done():
		_ = pr.CloseWithError(r.Context().Err())
		return nil, r.Context().Err()
	}
}

// handlerWriter is the http.ResponseWriter that makes the handler's response.
type handlerWriter struct {
	header   http.Header
	body     *io.PipeWriter
	buffered *bufio.Writer
	once     sync.Once
	started  chan struct{}
	response *http.Response
	request  *http.Request
}

func (w *handlerWriter) Header() http.Header { return w.header }

func (w *handlerWriter) WriteHeader(status int) {
	if status < 200 {
		return
	}
	w.once.Do(func() {
		w.response = &http.Response{
			StatusCode: status, Header: w.header.Clone(), ContentLength: -1, Request: w.request,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		}
		close(w.started)
	})
}

func (w *handlerWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.buffered.Write(p)
}

func (w *handlerWriter) Flush() {
	w.WriteHeader(http.StatusOK)
	_ = w.buffered.Flush()
}

var errHandler = errors.New("the handler broke off")

func (w *handlerWriter) serve(h http.Handler, r *http.Request) {
	err := errHandler
	defer func() {
		// If the handler panics, break its response off, as net/http's server does.
		if v := recover(); v != nil || err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			_ = w.body.CloseWithError(errHandler)
		}
	}()
	h.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
	err = w.buffered.Flush()
	if err == nil {
		_ = w.body.Close()
	}
}
