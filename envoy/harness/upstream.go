package harness

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// RequestID is the header by which a request is known again at the upstream.
const RequestID = "x-case-request"

// Received is a request as it reached the upstream.
type Received struct {
	Method, Target, Host string
	Headers              map[string][]string // names in lower case
	Trailers             map[string][]string
	Body                 string
}

// Upstream answers every request with 200 and remembers it.
type Upstream struct {
	*httptest.Server
	mu      sync.Mutex
	got     map[string][]*Received
	answers map[string]*UpstreamAnswer
	firsts  map[string]chan<- string
}

// OnFirst tells the first piece of the body of the request with an id, before
// the others are read.
func (u *Upstream) OnFirst(id string, tell chan<- string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.firsts[id] = tell
}

// Answer tells what to answer to the request with an id.
func (u *Upstream) Answer(id string, a *UpstreamAnswer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answers[id] = a
}

func NewUpstream(t testing.TB) *Upstream { return startUpstream(t, nil) }

// NewHTTP2Upstream speaks HTTP/2 without TLS and nothing else.
func NewHTTP2Upstream(t testing.TB) *Upstream { return startUpstream(t, HTTP2()) }

func startUpstream(t testing.TB, protocols *http.Protocols) *Upstream {
	u := &Upstream{got: map[string][]*Received{}, answers: map[string]*UpstreamAnswer{}, firsts: map[string]chan<- string{}}
	u.Server = httptest.NewUnstartedServer(u)
	u.Config.Protocols = protocols
	u.Start()
	t.Cleanup(u.Close)
	return u
}

// Counts returns how many requests arrived under each id, without those that
// Take has returned.
func (u *Upstream) Counts() map[string]int {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := make(map[string]int, len(u.got))
	for id, got := range u.got {
		n[id] = len(got)
	}
	return n
}

// HTTP2 is HTTP/2 without TLS.
func HTTP2() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// TrailersUpstream starts an HTTP/2 upstream that answers with a JSON document and
// ends it with the trailers x-sum and content-digest.
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
	answer := u.answers[id]
	u.mu.Unlock()
	if answer != nil {
		answer.write(w, r)
		return
	}
	w.Header().Set("x-upstream", "reached")
	w.Header().Set("content-type", "text/plain")
	fmt.Fprintf(w, "reached by %s\n", r.Method)
}

// Take is what reached the upstream under an id, nil when nothing did.
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
