package edges

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// matrixServer answers a GET with a body in the framing and size that its headers
// x-framing and x-size name, and records every request.
type matrixServer struct {
	*httptest.Server
	proxy *harness.Process // atOnce pauses it
	mu    sync.Mutex
	got   map[string]*matrixRequest
}

type matrixRequest struct {
	proto, body string
	length      int64
	trailer     http.Header
	err         error
}

func newMatrixServer(t *testing.T) *matrixServer {
	m := &matrixServer{got: map[string]*matrixRequest{}}
	m.Server = httptest.NewUnstartedServer(m)
	m.Config.Protocols = harness.HTTP2()
	m.Config.Protocols.SetHTTP1(true)
	m.Start()
	t.Cleanup(m.Close)
	return m
}

func (m *matrixServer) take(id string) *matrixRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got[id]
}

func (m *matrixServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	got := &matrixRequest{proto: r.Proto, length: r.ContentLength}
	body, err := io.ReadAll(r.Body)
	got.body, got.trailer, got.err = string(body), r.Trailer, err
	m.mu.Lock()
	m.got[r.Header.Get(harness.RequestID)] = got
	m.mu.Unlock()
	size, _ := strconv.Atoi(r.Header.Get("x-size"))
	if size == 0 {
		return
	}
	text, framing := matrixBody(size), r.Header.Get("x-framing")
	w.Header().Set("content-type", "application/json")
	switch framing {
	case "at once":
		m.atOnce(w, text)
		return
	case "length":
		w.Header().Set("content-length", strconv.Itoa(size))
	default:
		w.(http.Flusher).Flush() // sends the headers without a content-length
	}
	_, _ = io.WriteString(w, text)
	if framing == "trailers" {
		w.Header().Set(http.TrailerPrefix+"x-sum", "7")
	}
}

// atOnce sends a first byte, and the rest while Envoy is stopped, so that Envoy
// then reads as much as it can at once.
func (m *matrixServer) atOnce(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n \r\n")
	time.Sleep(50 * time.Millisecond) // Envoy reads that byte
	_ = m.proxy.Cmd.Process.Signal(syscall.SIGSTOP)
	goOn := time.AfterFunc(500*time.Millisecond, func() { _ = m.proxy.Cmd.Process.Signal(syscall.SIGCONT) })
	defer goOn.Reset(0)
	fmt.Fprintf(conn, "%x\r\n%s\r\n0\r\n\r\n", len(text), text)
}

// matrixAnswer is a response with its body.
type matrixAnswer struct {
	*http.Response
	body string
}

// text returns the body, the headers and the trailers.
func (a *matrixAnswer) text() string { return fmt.Sprint(a.body, a.Header, a.Trailer) }

// send sends a request in the client's protocol. Envoy may reset the connection of
// a request that it refuses before the whole body has come (RFC 9112, section
// 9.6); send then repeats the request.
func (c cell) send(t *testing.T, request func() *http.Request) *matrixAnswer {
	t.Helper()
	pr := new(http.Protocols)
	pr.SetHTTP1(c.client == "HTTP/1.1")
	pr.SetUnencryptedHTTP2(c.client == "HTTP/2.0")
	tr := &http.Transport{Protocols: pr, DisableCompression: true, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, Timeout: harness.RequestTimeout}
	for try := 0; ; try++ {
		r := request()
		r.Header.Set(harness.RequestID, t.Name())
		resp, err := client.Do(r)
		if err != nil && try < 5 && r.Method == "POST" && c.refused() {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Proto != c.client {
			t.Errorf("want a response in %s, found %s", c.client, resp.Proto)
		}
		return &matrixAnswer{resp, string(body)}
	}
}
