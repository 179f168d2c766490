package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// The content-length that is sent is the body's, even if the module sets another.
func TestABodyIsNeverLongerThanItsLength(t *testing.T) {
	for _, c := range []struct {
		name, script, want string
		length             int64
	}{
		{"replaced, length unchanged", "request_body end: body a longer one", "a longer one", 12},
		{"replaced by a shorter one", "request_body end: body x", "x", 1},
		{"emptied", "request_body end: body", "", 0},
		{"a wrong length", "request_body end: set content-length 3", "original", 8},
		{"length set", "request_body end: body abc; set content-length 3", "abc", 3},
		{"length removed", "request_body end: body abc; remove content-length", "abc", -1},
		{"transfer-encoding set", "request_body end: body abc; set transfer-encoding chunked; set content-length 3", "abc", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, "request_headers: pause\nrequest_body more: pause\n"+c.script)
			if r := b.do("POST", "/", "original"); r.code != 200 {
				t.Fatalf("got %d %v", r.code, r.err)
			}
			if s := b.one(); s.Body != c.want || s.Length != c.length {
				t.Errorf("sent %q with length %d, want %q with %d", s.Body, s.Length, c.want, c.length)
			}
			mismatch := c.length >= 0 && c.name != "length set" && !strings.HasPrefix(c.name, "transfer")
			if warned := b.notes.hasOwn("the module left a content-length that is not the body's"); warned != mismatch {
				t.Errorf("a warning: %t, want %t", warned, mismatch)
			}
		})
	}
}

func TestInvalidLengthsAreNotSent(t *testing.T) {
	for _, script := range []string{"set content-length x", "set content-length -1", "set content-length +8", "add content-length 8", "set content-length 99999999999999999999"} {
		b := start(t, "request_headers: pause\nrequest_body more: pause\nrequest_body end: "+script)
		if r := b.do("POST", "/", "original"); r.code != 503 || len(b.upstreamSaw()) != 0 {
			t.Errorf("%s: got %d, and the upstream saw %v", script, r.code, b.upstreamSaw())
		}
	}
}

func TestAResponseIsNeverLongerThanItsLength(t *testing.T) {
	for script, want := range map[string]string{
		"response_body end: body a longer one":             "a longer one",
		"response_body end: body x":                        "x",
		"response_body end: body":                          "",
		"response_body end: set content-length 3":          "hello",
		"response_body end: remove content-length; body x": "x",
	} {
		b := start(t, "response_headers: pause\nresponse_body more: pause\n"+script)
		if r := b.do("GET", "/", ""); r.code != 200 || r.body != want || r.err != nil {
			t.Errorf("%s: got %d %q %v, want %q", script, r.code, r.body, r.err, want)
		}
	}
}

func TestBodilessResponsesKeepTheirLength(t *testing.T) {
	b := start(t, "")
	b.respond = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "99")
		if r.URL.Path == "/304" {
			w.WriteHeader(304)
		}
	}
	if r := b.do("HEAD", "/", ""); r.code != 200 || r.header.Get("Content-Length") != "99" {
		t.Errorf("HEAD: got %d %v", r.code, r.header)
	}
	if r := b.do("GET", "/304", ""); r.code != 304 || r.body != "" {
		t.Errorf("304: got %d %q %v", r.code, r.body, r.err)
	}
}

func TestResponsesThatCannotBeSent(t *testing.T) {
	for _, script := range []string{"set :status x", "set :status 99", "set :status 100", "set :status 1000", "remove :status", "badresponse", "set content-length x", "set x\ty 1"} {
		b := start(t, "response_headers: "+script)
		if r := b.do("GET", "/", ""); r.code != 503 || r.body != "" || r.header.Get("X-Evil") != "" {
			t.Errorf("%s: got %d %q %v", script, r.code, r.body, r.err)
		}
	}
}

func TestRequestsThatNeverReachTheModule(t *testing.T) {
	b := start(t, "")
	for _, c := range []struct {
		request string
		code    int
	}{
		{"GET / HTTP/1.0\r\nHost: h\r\n\r\n", 426},
		{"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", 403},
		{"FOO / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: tls/1.3\r\n\r\n", 403},
		{"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
	} {
		if r := b.raw(c.request); r.code != c.code {
			t.Errorf("%q: got %d %v, want %d", c.request, r.code, r.err, c.code)
		}
	}
	b.want()
	if r := b.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"); r.code != 200 {
		t.Errorf("an offer of HTTP/2: got %d, want it ignored", r.code)
	}
}

func TestHeadersThatAClientMustNotSetAreReplaced(t *testing.T) {
	b := start(t, "")
	b.do("GET", "/", "", "X-Request-Id", "mine", "X-Forwarded-For", "9.9.9.9", "X-Forwarded-Proto", "https",
		"X-Envoy-External-Address", "9.9.9.9", "X-Forwarded-Client-Cert", "By=me", "Connection", "x-hop", "X-Hop", "1", "Keep-Alive", "1", "X-Other", "kept")
	h := b.one().Header
	if id := h.Get("X-Request-Id"); len(id) != 36 || id == "mine" {
		t.Errorf("x-request-id %q", id)
	}
	if v := h.Get("X-Forwarded-For"); v != "9.9.9.9,127.0.0.1" {
		t.Errorf("x-forwarded-for %q", v)
	}
	if v := h.Get("X-Forwarded-Proto"); v != "http" {
		t.Errorf("x-forwarded-proto %q", v)
	}
	for _, name := range []string{"X-Envoy-External-Address", "X-Forwarded-Client-Cert", "X-Hop", "Keep-Alive", "User-Agent-None"} {
		if h.Get(name) != "" {
			t.Errorf("%s passed", name)
		}
	}
	if h.Get("X-Other") != "kept" {
		t.Error("x-other is gone")
	}
}

func TestTheAuthorityReachesTheUpstream(t *testing.T) {
	b := start(t, "request_headers: set :authority other.example; set :method PUT")
	b.do("GET", "/", "")
	if s := b.one(); s.Host != "other.example" || s.Method != "PUT" {
		t.Errorf("got %+v", s)
	}
}

func TestAPathIsSentUnchanged(t *testing.T) {
	b := start(t, "request_headers: setfrom x-path")
	for _, path := range []string{"/a%20b?c=%2F", "//two", "//two?x", "/é", "/a?b?c", "/%zz", "/a;b", "/a+b?c+d", "/?"} {
		b.mu.Lock()
		b.requests = nil
		b.mu.Unlock()
		if b.do("GET", "/", "", "X-Path", path); len(b.upstreamSaw()) == 0 && path == "/%zz" {
			continue // a Go server refuses it
		}
		if s := b.one(); s.URI != path {
			t.Errorf("sent %q, want %q", s.URI, path)
		}
	}
}

func TestContinueIsSentWhenTheBodyIsRead(t *testing.T) {
	wanted := start(t, "request_headers: pause\nrequest_body: pause\nrequest_body end: show body")
	r := wanted.raw("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
	if r.code != 100 {
		t.Errorf("got %d, want 100 first", r.code)
	}
	refused := start(t, "request_headers: reply 403 no; pause")
	r = refused.raw("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
	if r.code != 403 {
		t.Errorf("got %d %v, want 403 at once", r.code, r.err)
	}
}

func TestLargeBodiesStream(t *testing.T) {
	b := start(t, "", func(c *Config) { c.BufferLimit = 1000 })
	large := strings.Repeat("0123456789", 500_000)
	b.respond = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) }
	r := b.do("POST", "/", large)
	if r.code != 200 || r.body != large {
		t.Errorf("got %d with %d bytes %v", r.code, len(r.body), r.err)
	}
	if s := b.one(); s.Body != large || s.Length != int64(len(large)) {
		t.Errorf("sent %d bytes, length %d", len(s.Body), s.Length)
	}
}

func TestServerSentEventsArriveOneByOne(t *testing.T) {
	b := start(t, "")
	next := make(chan struct{})
	b.respond = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			_, _ = io.WriteString(w, "data: x\n\n")
			w.(http.Flusher).Flush()
			<-next
		}
	}
	resp, err := http.Get(b.url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 9)
	for range 3 {
		if _, err := io.ReadFull(resp.Body, buf); err != nil {
			t.Fatal(err)
		}
		next <- struct{}{} // the upstream has waited for this
	}
}

func TestPassesRequestsThrough(t *testing.T) {
	b := start(t, "")
	r := b.do("POST", "/a?b=c", "data")
	if r.code != 200 || r.body != "hello" {
		t.Fatalf("got %d %q %v", r.code, r.body, r.err)
	}
	if s := b.one(); s.Method != "POST" || s.URI != "/a?b=c" || s.Body != "data" || s.Length != 4 {
		t.Errorf("upstream saw %+v", s)
	}
	b.notes.wait(t, "log")
	b.want(
		"request_headers end=false",
		"request_body 4 end=false",
		"request_body 0 end=true",
		"response_headers end=false",
		"response_body 5 end=false",
		"response_body 0 end=true",
		"log")
}
