package harness

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// RequestID is the header that identifies a request at the upstream.
const RequestID = "x-case-request"

// Received is a request as the upstream got it.
type Received struct {
	Method, Target, Host string
	Headers              map[string][]string // names in lower case
	Trailers             map[string][]string
	Body                 string
}

// Upstream records every request by its RequestID, and answers with 200 unless
// Respond says otherwise.
type Upstream struct {
	*httptest.Server
	mu      sync.Mutex
	got     map[string][]*Received
	answers map[string]*UpstreamResponse
	firsts  map[string]chan<- string
	slow    map[string]time.Duration
}

// OnFirst sends the first piece of a request's body to tell, before the upstream
// reads the others.
func (u *Upstream) OnFirst(id string, tell chan<- string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.firsts[id] = tell
}

// Delay makes the upstream wait before it answers the request with this id.
func (u *Upstream) Delay(id string, wait time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.slow[id] = wait
}

// Respond sets the response to the request with this id.
func (u *Upstream) Respond(id string, a *UpstreamResponse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answers[id] = a
}

// NewUpstream starts an upstream that speaks HTTP/1.1.
func NewUpstream(t testing.TB) *Upstream { return startUpstream(t, nil) }

// NewHTTP2Upstream starts an upstream that speaks only HTTP/2 without TLS.
func NewHTTP2Upstream(t testing.TB) *Upstream { return startUpstream(t, HTTP2()) }

func startUpstream(t testing.TB, protocols *http.Protocols) *Upstream {
	u := &Upstream{got: map[string][]*Received{}, answers: map[string]*UpstreamResponse{}, firsts: map[string]chan<- string{}, slow: map[string]time.Duration{}}
	u.Server = httptest.NewUnstartedServer(u)
	u.Config.Protocols = protocols
	u.Start()
	t.Cleanup(u.Close)
	return u
}

// Counts returns the number of requests by id, without those that Take removed.
func (u *Upstream) Counts() map[string]int {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := make(map[string]int, len(u.got))
	for id, got := range u.got {
		n[id] = len(got)
	}
	return n
}

// HTTP2 returns the protocols of a server or client that speaks only HTTP/2
// without TLS.
func HTTP2() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// TrailersUpstream starts an HTTP/2 upstream that responds with a JSON document
// followed by the trailers x-sum and content-digest.
func TrailersUpstream(t testing.TB, document string) *httptest.Server {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("content-type", "application/json")
		w.Header().Set("trailer", "x-sum, content-digest")
		io.WriteString(w, document)
		w.(http.Flusher).Flush()
		w.Header().Set("x-sum", "1")
		w.Header().Set("content-digest", "sha-256=:x:")
	}))
	s.Config.Protocols = HTTP2()
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body []byte
	u.mu.Lock()
	first := u.firsts[r.Header.Get(RequestID)]
	u.mu.Unlock()
	if first != nil {
		piece := make([]byte, 1024)
		n, _ := r.Body.Read(piece)
		body = piece[:n:n]
		first <- string(body)
	}
	rest, err := io.ReadAll(r.Body)
	body = append(body, rest...)
	if err != nil {
		body = append(body, "\n(broken off)"...)
	}
	got := &Received{
		Method: r.Method, Target: r.RequestURI, Host: r.Host, Body: string(body),
		Headers: lowerKeys(r.Header), Trailers: lowerKeys(r.Trailer),
	}
	id := r.Header.Get(RequestID)
	u.mu.Lock()
	u.got[id] = append(u.got[id], got)
	answer, wait := u.answers[id], u.slow[id]
	u.mu.Unlock()
	time.Sleep(wait)
	if answer != nil {
		answer.write(w, r)
		return
	}
	w.Header().Set("x-upstream", "reached")
	w.Header().Set("content-type", "text/plain")
	fmt.Fprintf(w, "reached by %s\n", r.Method)
}

// Take removes and returns the requests with this id. More than one is an error,
// because no proxy may send a request twice.
func (u *Upstream) Take(id string) ([]*Received, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	got := u.got[id]
	delete(u.got, id)
	if len(got) > 1 {
		return got, fmt.Errorf("the upstream got the request %d times", len(got))
	}
	return got, nil
}

func lowerKeys(h http.Header) map[string][]string {
	m := make(map[string][]string, len(h))
	for k, v := range h {
		m[strings.ToLower(k)] = v
	}
	return m
}
