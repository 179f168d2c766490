package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// A scenario is one request with its expected result. The gateway and Envoy both
// run it, and must give the same trace, response and upstream request.
type scenario struct {
	name   string
	script string
	deny   bool  // allow_on_headers_stop_iteration is off
	limit  int64 // bytes of buffer, 0: 1 MiB
	idle   time.Duration

	method, path string // GET /
	headers      []string
	pieces       []string // the body, one write each; chunked if more than one
	trailers     []string
	http2        bool
	leave        string // the client closes its connection once the module has noted this

	respond func(*testbed) http.HandlerFunc // the upstream's; nil: hello

	code  int // 0: the connection is broken off
	body  string
	sent  string   // `method uri body` at the upstream; empty if nothing is sent
	trace []string // the module's notes; a last line `...` allows more
	skip  string   // why Envoy does not run it
}

// shown waits until the module has been shown n pieces of a body, or all that the
// expected trace has, of a request those before the response, so that the next piece does
// not arrive with them.
func (b *testbed) shown(event string, n int) {
	count := func(lines []string) (seen int) {
		for _, l := range lines {
			if strings.HasPrefix(l, event) {
				seen++
			}
		}
		return seen
	}
	expected := b.expected
	if i := slices.Index(expected, "response_headers end=false"); i >= 0 && event == "request_body" {
		expected = expected[:i]
	}
	n = min(n, count(expected))
	for end := time.Now().Add(20 * time.Second); count(b.notes.all()) < n && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// breakOff sends half of the body that it declares.
func breakOff(b *testbed) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		b.shown("response_body", 1)
		panic(http.ErrAbortHandler)
	}
}

// inPieces sends a body in several writes.
func inPieces(pieces ...string) func(*testbed) http.HandlerFunc {
	return func(b *testbed) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i, p := range pieces {
				_, _ = io.WriteString(w, p)
				w.(http.Flusher).Flush()
				b.shown("response_body", i+1)
			}
		}
	}
}

func plain(h http.HandlerFunc) func(*testbed) http.HandlerFunc {
	return func(*testbed) http.HandlerFunc { return h }
}

// anything is for requests whose headers are sent before the module decides.
const anything = "anything"

var hello = []string{"response_headers end=false", "response_body 5 end=false", "response_body 0 end=true", "log"}

func after(lines ...string) []string { return slices.Concat(lines, hello) }

var scenarios = slices.Concat(streamScenarios, contextScenarios, bodyScenarios, foreignScenarios)

// shortIdle is for streams that end by the idle timeout. It is long enough for a
// busy machine to reach the point where the stream waits.
const shortIdle = 3 * time.Second

func TestScenarios(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			if s.idle > 0 { // it spends its time waiting
				t.Parallel()
			}
			b := start(t, s.script, func(c *Config) {
				c.AllowOnHeadersStopIteration = !s.deny
				c.BufferLimit, c.HTTP1Trailers, c.RouteName = s.limit, true, "main"
				if s.idle > 0 {
					c.StreamIdleTimeout = s.idle
				}
			}, withPeers(t))
			if s.respond != nil {
				b.respond = s.respond(b)
			}
			s.play(b)
		})
	}
}

// play sends the scenario's request and checks the result.
func (s scenario) play(b *testbed) {
	b.t.Helper()
	b.expected = s.trace
	r := s.request(b)
	switch {
	case s.leave != "":
	case s.code == 0 && r.err == nil:
		b.t.Errorf("got %d %.200q, want the connection broken off", r.code, r.body)
	case s.code != 0 && (r.err != nil || r.code != s.code || r.body != s.body):
		b.t.Errorf("got %d %.200q %v, want %d %.200q", r.code, r.body, r.err, s.code, s.body)
	}
	n := len(s.trace) // Envoy's log arrives by a pipe, after the response
	if s.trace[n-1] == "..." {
		n--
	}
	until(b.t, func() bool { return len(b.notes.all()) >= n }, func() string {
		return fmt.Sprintf("trace:\n%s\nwant:\n%s", strings.Join(b.notes.all(), "\n"), strings.Join(s.trace, "\n"))
	})
	b.want(s.trace...)
	var sent string
	for _, q := range b.upstreamSaw() {
		sent += fmt.Sprintf("%s %s %s", q.Method, q.URI, q.Body)
	}
	if sent != s.sent && s.sent != anything {
		b.t.Errorf("the upstream saw %.200q, want %.200q", sent, s.sent)
	}
}

func (s scenario) request(b *testbed) reply {
	b.t.Helper()
	method, path := s.method, s.path
	if method == "" {
		method = "GET"
	}
	if path == "" {
		path = "/"
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(s.headers); i += 2 {
		req.Header.Add(s.headers[i], s.headers[i+1])
	}
	if s.leave != "" {
		ctx, leave := context.WithCancel(req.Context())
		req = req.WithContext(ctx)
		go func() {
			defer leave()
			for !b.notes.has(s.leave) && ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
		}()
	}
	switch {
	case len(s.pieces) == 1 && s.trailers == nil:
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(s.pieces[0])), int64(len(s.pieces[0]))
	case len(s.pieces) > 0:
		pr, pw := io.Pipe()
		req.Body = pr
		go func() {
			for i, p := range s.pieces {
				b.shown("request_body", i)
				if p == "" { // and no more
					<-req.Context().Done()
					_ = pw.CloseWithError(req.Context().Err())
					return
				}
				_, _ = io.WriteString(pw, p)
			}
			b.shown("request_body", len(s.pieces))
			_ = pw.Close()
		}()
	}
	for i := 0; i+1 < len(s.trailers); i += 2 {
		if req.Trailer == nil {
			req.Trailer = http.Header{}
		}
		req.Trailer.Add(s.trailers[i], s.trailers[i+1])
	}
	tr := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	if s.http2 {
		tr = http2(b.t)
	}
	return b.send(tr, req)
}

func withPeers(t *testing.T) func(*Config) {
	return func(c *Config) {
		c.Clusters = map[string]Cluster{}
		for name, u := range peers(t) {
			c.Clusters[name] = Cluster{URL: u}
		}
	}
}

// peers are the clusters that scenarios call.
func peers(t *testing.T) map[string]*url.URL {
	t.Helper()
	serve := func(h http.HandlerFunc) *url.URL {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		u, _ := url.Parse(srv.URL)
		return u
	}
	peer := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL, b)
	}
	return map[string]*url.URL{
		"peer": serve(peer),
		"late": serve(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(100 * time.Millisecond)
			peer(w, r)
		}),
		"slow": serve(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}),
		"broken": serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}),
		"mute": serve(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
		// A port that was free a moment ago may be in use by now; port 1 never is.
		"refused": {Scheme: "http", Host: "127.0.0.1:1"},
	}
}
