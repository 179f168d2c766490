package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWithoutReloadATrapEndsTheVMForGood(t *testing.T) {
	b := start(t, "request_headers: trapif x-trap")
	if r := b.do("GET", "/", ""); r.code != 200 {
		t.Fatalf("before: got %d", r.code)
	}
	for i, header := range []string{"x-trap", "x-other", "x-other"} {
		if r := b.do("GET", "/", "", header, "1"); r.code != 503 || r.body != "" {
			t.Errorf("request %d: got %d %q", i, r.code, r.body)
		}
	}
	if n := len(b.upstreamSaw()); n != 1 {
		t.Errorf("the upstream saw %d requests, want 1", n)
	}
}

func TestAReloadedVMServesAgain(t *testing.T) {
	b := start(t, "request_headers: trapif x-trap", func(c *Config) {
		c.FailurePolicy, c.ReloadBackoff = FailReload, 3*time.Second
	})
	if r := b.do("GET", "/", "", "x-trap", "1"); r.code != 503 {
		t.Fatalf("the trap: got %d", r.code)
	}
	until(t, func() bool { return b.do("GET", "/", "").code == 200 }, func() string { return "it does not come back" })
	if r := b.do("GET", "/", "", "x-trap", "1"); r.code != 503 {
		t.Errorf("another trap: got %d", r.code)
	}
	if r := b.do("GET", "/", ""); r.code != 503 {
		t.Errorf("right after it: got %d, want 503 until the backoff is over", r.code)
	}
}

func TestATrapEndsPausedStreamsAtOnce(t *testing.T) {
	b := start(t, "request_headers: trapif x-trap; pause", func(c *Config) { c.StreamIdleTimeout = time.Hour })
	paused := make(chan reply, 1)
	go func() { paused <- b.do("GET", "/", "") }()
	b.notes.wait(t, "request_headers end=true")
	if r := b.do("GET", "/", "", "x-trap", "1"); r.code != 503 {
		t.Errorf("the trap: got %d", r.code)
	}
	select {
	case r := <-paused:
		if r.code != 503 || len(b.upstreamSaw()) > 0 {
			t.Errorf("the paused request: got %d, and the upstream saw %d", r.code, len(b.upstreamSaw()))
		}
	case <-time.After(30 * time.Second):
		t.Error("the paused request waits")
	}
}

func TestAVMWhoseCallbackDoesNotReturnIsReplaced(t *testing.T) {
	b := start(t, "", func(c *Config) {
		c.FailurePolicy, c.ReloadBackoff, c.StreamIdleTimeout = FailReload, time.Nanosecond, 2*time.Second
	})
	v := b.workers[0].vm
	v.sem <- struct{}{} // a callback that does not return
	for i, want := range []int{503, 200} {
		if r := b.do("GET", "/", ""); r.code != want {
			t.Errorf("request %d: got %d %v, want %d", i, r.code, r.err, want)
		}
	}
	v.unlock()
}

func TestADeniedClientThatStopsSendingDoesNotDelayClose(t *testing.T) {
	b := start(t, "request_headers: pause\nrequest_body: reply 403 no; pause")
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\none")
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if r, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || r.StatusCode != 403 {
		t.Fatalf("got %v %v", r, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.Gateway.Close(ctx); err != nil {
		t.Error("its stream is still open:", err)
	}
}

func TestALocalReplyThatTheModulePausesIsSentAfterTheTimeout(t *testing.T) {
	b := start(t, "request_headers: pause\nresponse_headers: pause", func(c *Config) { c.StreamIdleTimeout = 200 * time.Millisecond })
	if r := b.do("GET", "/", ""); r.code != 504 || r.body != "stream timeout" {
		t.Errorf("got %d %q %v", r.code, r.body, r.err)
	}
}

func TestACancelledRequestIsAborted(t *testing.T) {
	b := start(t, "request_headers: pause")
	ctx, cancel := context.WithCancel(t.Context())
	w := httptest.NewRecorder()
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		b.Gateway.ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	}()
	b.notes.wait(t, "request_headers end=true")
	cancel()
	if v := <-done; v != http.ErrAbortHandler {
		t.Errorf("got %v, want the response broken off", v)
	}
}

func TestALocalReplyEndsTheUpstreamsHandler(t *testing.T) {
	freed := make(chan struct{})
	b := start(t, "response_headers: reply 502 no; pause", func(c *Config) {
		c.Upstream = Cluster{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			defer close(freed)
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
		})}
	})
	if r := b.do("GET", "/", ""); r.code != 502 {
		t.Errorf("got %d %v", r.code, r.err)
	}
	<-freed
}

func TestALocalReplyAbandonsTheUpstreamRequest(t *testing.T) {
	read := make(chan error, 1)
	b := start(t, "request_body end: reply 403 no; pause", func(c *Config) {
		c.Upstream = Cluster{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			read <- err
		})}
	})
	if r := b.do("POST", "/", "body"); r.code != 403 {
		t.Errorf("got %d %v", r.code, r.err)
	}
	if err := <-read; err == nil {
		t.Error("the upstream got a whole request")
	}
}

func TestNothingIsSentUpstreamAfterALocalReply(t *testing.T) {
	b := start(t, "request_headers: pause; call peer 5000 /\ncall: reply 403 no; resume request\nresponse_headers: pause\nresponse_body: pause", func(c *Config) {
		c.StreamIdleTimeout = 300 * time.Millisecond // ends the paused local reply
		c.Clusters = map[string]Cluster{"peer": {Handler: http.NotFoundHandler()}}
	})
	b.do("GET", "/", "")
	if n := len(b.upstreamSaw()); n != 0 {
		t.Errorf("the upstream saw %d requests", n)
	}
}

func TestNothingOfTheRequestIsShownAfterALocalReply(t *testing.T) {
	b := start(t, "request_body: reply 403 no; pause\nresponse_headers: pause\nresponse_body: pause", func(c *Config) { c.StreamIdleTimeout = 300 * time.Millisecond })
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\none")
	b.notes.wait(t, "response_body 2 end=true")
	_, _ = io.WriteString(conn, "two")
	b.notes.wait(t, "log")
	b.want("request_headers end=false", "request_body 3 end=false", "response_headers end=false", "response_body 2 end=true", "log")
}

func TestAGoneClientEndsItsStream(t *testing.T) {
	for _, c := range []struct{ name, script, request string }{
		{"while its request is paused", "request_headers: pause", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"while its body is awaited", "request_headers: pause\nrequest_body: pause", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"},
		{"while its body is not looked at", "request_headers: pause", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"},
		{"while the upstream is awaited", "", "GET /hang HTTP/1.1\r\nHost: h\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, c.script, func(cfg *Config) { cfg.AllowOnHeadersStopIteration = !strings.Contains(c.name, "not looked") })
			gone := make(chan struct{})
			b.respond = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); close(gone) }
			conn, err := net.Dial("tcp", b.addr)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, c.request)
			until(t, func() bool { return len(b.notes.all()) > 0 }, func() string { return "no callback" })
			if strings.Contains(c.request, "hang") {
				until(t, func() bool { return len(b.upstreamSaw()) > 0 }, func() string { return "no request" })
			}
			_ = conn.Close()
			b.notes.wait(t, "log")
			v := b.workers[0].vm
			until(t, func() bool { v.lock(); defer v.unlock(); return len(v.streams) == 0 }, func() string { return "the context is not deleted" })
			if strings.Contains(c.request, "hang") {
				<-gone
			}
		})
	}
}

func TestCloseWaitsForStreamsAndEndsThePlugin(t *testing.T) {
	b := prepare(t)
	g, err := New(t.Context(), b.config("done: pause; plugindone"))
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	entered := make(chan struct{})
	b.respond = func(w http.ResponseWriter, _ *http.Request) { close(entered); <-release }
	srv := httptest.NewServer(g)
	defer srv.Close()
	status := make(chan int, 1)
	go func() {
		r, err := http.Get(srv.URL)
		if err != nil {
			status <- 0
			return
		}
		r.Body.Close()
		status <- r.StatusCode
	}()
	<-entered
	closed := make(chan error, 1)
	go func() { closed <- g.Close(context.Background()) }()
	until(t, func() bool {
		r, err := http.Get(srv.URL)
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == 503
	}, func() string { return "new requests are accepted" })
	if b.notes.has("plugin done") {
		t.Error("the plugin ended before its stream")
	}
	close(release)
	if code := <-status; code != 200 {
		t.Errorf("the stream under way: got %d", code)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if !b.notes.has("plugin done") {
		t.Error("the plugin was not told")
	}
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	b := start(t, "request_headers: pause")
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	b.notes.wait(t, "request_headers end=true")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := b.Gateway.Close(ctx); err == nil {
		t.Error("no error, although a stream was open")
	}
}

func TestVMsServeSideBySide(t *testing.T) {
	b := start(t, "request_headers: pause; call peer 5000 /\ncall: resume request\nresponse_headers: count n", func(c *Config) {
		c.VMs = 3
		c.Clusters = map[string]Cluster{"peer": {Handler: http.NotFoundHandler()}}
	})
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			for j := range 10 {
				if r := b.do("POST", fmt.Sprintf("/%d/%d", i, j), "body"); r.code != 200 || r.body != "hello" {
					t.Errorf("got %d %q %v", r.code, r.body, r.err)
				}
			}
		})
	}
	wg.Wait()
	for _, m := range b.Metrics() {
		if m.Name == "n" && m.Value != 240 {
			t.Errorf("counted %d, want 240", m.Value)
		}
	}
}

func TestKeptConnections(t *testing.T) {
	b := start(t, "request_headers: pause\nrequest_body: pause\nrequest_body end: show body")
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	br := bufio.NewReader(conn)
	for i := range 5 {
		body := strings.Repeat("x", 1+i*1000)
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		r, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		text, _ := io.ReadAll(r.Body)
		if r.StatusCode != 200 || string(text) != "hello" {
			t.Errorf("request %d: got %d %q", i, r.StatusCode, text)
		}
	}
}

func TestTheRestOfADeniedBodyIsNotReadAsARequest(t *testing.T) {
	for _, script := range []string{
		"request_headers: reply 403 no; pause",
		"request_headers: pause\nrequest_body: reply 403 no; pause",
	} {
		b := start(t, script)
		conn, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		smuggled := "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\nx", 1+len(smuggled)*2)
		br := bufio.NewReader(conn)
		r, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if r.StatusCode != 403 || !r.Close {
			t.Errorf("got %d, close %t", r.StatusCode, r.Close)
		}
		_, _ = io.WriteString(conn, smuggled)
		_, _ = io.WriteString(conn, smuggled)
		if rest, _ := io.ReadAll(br); len(rest) > 0 {
			t.Errorf("there is another response: %q", rest)
		}
		_ = conn.Close()
		for _, rec := range b.accessed() {
			if rec.Path != "/" {
				t.Errorf("%s was served", rec.Path)
			}
		}
	}
}
