package companion

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/target"
	"github.com/rulegate/rulegate/rules/wire"
)

// counting counts the queries that reach a database.
type counting struct {
	query.Database
	n    atomic.Int64
	hold chan struct{} // when not nil: queries wait until it is closed
	slow chan struct{} // when not nil: queries of slow wait until it is closed, and have a row
}

func (c *counting) Query(ctx context.Context, q query.Query) ([]byte, error) {
	c.n.Add(1)
	if c.hold != nil {
		<-c.hold
	}
	if c.slow != nil && q.Table == "slow" {
		<-c.slow
		return []byte(`[{"id":1}]`), nil
	}
	return c.Database.Query(ctx, q)
}

func (r *rig) count() *counting {
	t := r.c.databases["social"]
	c := &counting{Database: t.db}
	t.db = c
	return c
}

// server runs a webhook host and returns its URL.
func server(t testing.TB, f http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // a server notices that its client left only after the body
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		f(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const (
	slowCall = `{"id":"1","kind":"query","db":"social","col":"slow","limit":1}`
	annCall  = `{"id":"1","kind":"query","db":"social","col":"users","find":{"id":"ann"},"columns":["age"],"limit":1`
)

func TestASlowQueryEndsAtTheDeadline(t *testing.T) {
	for _, header := range []string{wire.TimeoutHeader, "x-envoy-expected-rq-timeout-ms"} {
		r := newRig(t, Limits{})
		got := r.ask(slowCall+`,{"id":"2","kind":"query","db":"social","col":"users","columns":[],"limit":1}`, header, "1500")
		if want := `{"id":"1","error":"timeout #"} {"id":"2","rows":[{}]}`; strings.Join(got, " ") != want {
			t.Errorf("%s: %s", header, got)
		}
	}
	r := newRig(t, Limits{Timeout: 200 * time.Millisecond})
	if got := r.one(slowCall, wire.TimeoutHeader, "60000"); got != `{"id":"1","error":"timeout #"}` {
		t.Errorf("our own limit: %s", got)
	}
}

// A query is cancelled when its last caller has left, and frees its slot.
func TestAnAbandonedQueryEnds(t *testing.T) {
	r := newRig(t, Limits{Concurrency: 1, Timeout: time.Minute})
	if got := r.one(slowCall, wire.TimeoutHeader, "100"); got != `{"id":"1","error":"timeout #"}` {
		t.Fatal(got)
	}
	if got := r.one(annCall+`}`, wire.TimeoutHeader, "10000"); got != `{"id":"1","rows":[{"age":30}]}` {
		t.Errorf("after it: %s", got)
	}
}

func TestEqualQueriesShareOne(t *testing.T) {
	r := newRig(t, Limits{})
	n := r.count()
	n.hold = make(chan struct{})
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if got := r.one(annCall + `}`); got != `{"id":"1","rows":[{"age":30}]}` {
				t.Error(got)
			}
		})
	}
	wait.Go(func() { // a call that differs in one value
		if got := r.one(strings.Replace(annCall, "ann", "bob", 1) + `}`); got != `{"id":"1","rows":[{"age":20}]}` {
			t.Error(got)
		}
	})
	until(t, "all requests are served", func() bool { return r.c.admission.requests.Load() == 21 })
	time.Sleep(100 * time.Millisecond) // from there to the query; Coalescer's own test needs no sleep
	close(n.hold)
	wait.Wait()
	if got := n.n.Load(); got != 2 {
		t.Errorf("%d queries", got)
	}
}

func TestASharedCallOutlivesItsFirstCaller(t *testing.T) {
	var hits atomic.Int64
	began, finish := make(chan struct{}), make(chan struct{})
	url := server(t, func(w http.ResponseWriter, _ *http.Request) {
		if hits.Add(1) == 1 {
			close(began)
		}
		<-finish
		fmt.Fprint(w, "done")
	})
	r := newRig(t, Limits{}, "127.0.0.1")
	call := hook("1", url, `,"cache":"1m"`)
	var wait sync.WaitGroup
	wait.Go(func() {
		if got := r.one(call, wire.TimeoutHeader, "1500"); got != `{"id":"1","error":"timeout #"}` {
			t.Errorf("the first: %s", got)
		}
		close(finish)
	})
	<-began
	wait.Go(func() {
		if got := r.one(call, wire.TimeoutHeader, "10000"); got != `{"id":"1","status":200,"body":"done"}` {
			t.Errorf("the second: %s", got)
		}
	})
	wait.Wait()
	if n := hits.Load(); n != 1 {
		t.Errorf("%d hits", n)
	}
}

func TestASharedCallEndsWithItsLastCaller(t *testing.T) {
	ended := make(chan struct{})
	url := server(t, func(_ http.ResponseWriter, q *http.Request) {
		<-q.Context().Done()
		close(ended)
	})
	r := newRig(t, Limits{Timeout: time.Hour}, "127.0.0.1")
	if got := r.one(hook("1", url, `,"cache":"1m"`), wire.TimeoutHeader, "1000"); got != `{"id":"1","error":"timeout #"}` {
		t.Error(got)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the POST was not cancelled")
	}
}

func TestWebhooksShareOnlyWhereCached(t *testing.T) {
	var hits atomic.Int64
	url := server(t, func(w http.ResponseWriter, q *http.Request) { fmt.Fprintf(w, "%d", hits.Add(1)) })
	r := newRig(t, Limits{}, "127.0.0.1")
	auth := func(s string) string { return `,"token":"` + s + `"` }
	claims := func(id string) string { return `,"claims":{"id":"` + id + `"}` }
	for _, c := range []struct{ name, call, want string }{
		{"not cached", hook("1", url, auth("a")), "1"},
		{"not cached again", hook("1", url, auth("a")), "2"},
		{"cached", hook("1", url, auth("a")+`,"cache":"1m"`), "3"},
		{"cached again", hook("2", url, auth("a")+`,"cache":"1m"`), "3"},
		{"of another gateway", hook("2", url, auth("a")+`,"gateway":"gw-2","cache":"1m"`), "3"},
		{"another user", hook("1", url, auth("b")+`,"cache":"1m"`), "4"},
		{"another body", strings.Replace(hook("1", url, auth("a")+`,"cache":"1m"`), `"body":{}`, `"body":{"a":1}`, 1), "5"},
		{"another path", hook("1", url+"/x", auth("a")+`,"cache":"1m"`), "6"},
		{"claims", hook("1", url, claims("ann")+`,"cache":"1m"`), "7"},
		{"the same claims", hook("1", url, claims("ann")+`,"cache":"1m"`), "7"},
		{"other claims", hook("1", url, claims("bob")+`,"cache":"1m"`), "8"},
		{"too old for this one", hook("1", url, auth("a")+`,"cache":"1ns"`), "9"},
		{"young enough for that one", hook("1", url, auth("a")+`,"cache":"1m"`), "9"},
	} {
		if got := r.one(c.call); !strings.HasSuffix(got, `"body":"`+c.want+`"}`) {
			t.Errorf("%s: %s, want body %s", c.name, got, c.want)
		}
	}
}

func TestFailuresAreNotKept(t *testing.T) {
	var hits atomic.Int64
	url := server(t, func(w http.ResponseWriter, q *http.Request) {
		if hits.Add(1) == 1 {
			w.WriteHeader(500)
		}
	})
	r := newRig(t, Limits{}, "127.0.0.1")
	for i, want := range []string{"500", "200", "200"} {
		if got := r.one(hook("1", url, `,"cache":"1m"`)); !strings.Contains(got, `"status":`+want) {
			t.Errorf("%d: %s", i, got)
		}
	}
	if hits.Load() != 2 {
		t.Errorf("%d hits", hits.Load())
	}
}

func TestCachedQueries(t *testing.T) {
	r := newRig(t, Limits{})
	n := r.count()
	for i, c := range []struct {
		more string
		want int64 // queries so far
	}{
		{`}`, 1}, {`}`, 2}, {`,"cache":"1m"}`, 3}, {`,"cache":"1m"}`, 3}, {`}`, 4}, {`,"cache":"1ns"}`, 5},
	} {
		if got := r.one(annCall + c.more); got != `{"id":"1","rows":[{"age":30}]}` {
			t.Error(got)
		}
		if n.n.Load() != c.want {
			t.Errorf("call %d: %d queries, want %d", i, n.n.Load(), c.want)
		}
	}
	// Calls that differ in a key that decides do not share an answer.
	for i, call := range []string{
		`{"id":"1","kind":"query","db":"social","col":"users","find":{"id":"ann"},"limit":1,"cache":"1m"}`,
		`{"id":"1","kind":"query","db":"social","col":"users","find":{"id":"ann"},"columns":[],"limit":1,"cache":"1m"}`,
		`{"id":"1","kind":"query","db":"social","col":"users","find":{"id":"ann"},"columns":["age"],"limit":2,"cache":"1m"}`,
		`{"id":"1","kind":"query","db":"social","col":"users","find":{"id":"bob"},"columns":["age"],"limit":1,"cache":"1m"}`,
		`{"id":"1","kind":"query","db":"social","col":"users","find":{},"columns":["age"],"limit":1,"cache":"1m"}`,
		`{"id":"1","kind":"query","db":"social","col":"users","columns":["age"],"limit":1,"cache":"1m"}`,
	} {
		if r.one(call); n.n.Load() != int64(6+i) {
			t.Errorf("%s: %d queries", call, n.n.Load())
		}
	}
}

// A reply that the module may keep says how old it is. Others do not.
func TestAgeOfAnAnswer(t *testing.T) {
	r := newRig(t, Limits{})
	age := func(call string) (ms int) {
		_, reply, _ := r.send(`{"calls":[` + call + `]}`)
		if found := regexp.MustCompile(`\],"age":([0-9]+)\}\]\}$`).FindStringSubmatch(reply); found != nil {
			ms, _ = strconv.Atoi(found[1])
		}
		return ms
	}
	if ms := age(annCall + `,"cache":"1m"}`); ms != 0 {
		t.Errorf("a new answer is %d ms old", ms)
	}
	time.Sleep(20 * time.Millisecond)
	if ms := age(annCall + `,"cache":"1m"}`); ms < 20 {
		t.Errorf("an answer that is at least 20 ms old is %d ms old", ms)
	}
	if ms := age(annCall + `}`); ms != 0 {
		t.Errorf("without cache: %d ms old", ms)
	}
}

func TestCacheKeepsToItsBytes(t *testing.T) {
	c, err := newCache(10000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		c.keep(fmt.Sprint(i), target.Answer{Rows: make([]byte, 500, 5000), Begun: time.Now()})
		c.keep(fmt.Sprint(i), target.Answer{Rows: make([]byte, 400), Begun: time.Now()}) // replaces it
	}
	if c.bytes > c.maxBytes || c.bytes < c.maxBytes/2 || c.list.Len() != c.bytes/(400+2+entryCost) {
		t.Errorf("%d bytes in %d entries", c.bytes, c.list.Len())
	}
	if _, ok := c.find("99", time.Minute); !ok {
		t.Error("the youngest is gone")
	}
	if _, ok := c.find("0", time.Minute); ok {
		t.Error("the oldest is still there")
	}
	c.keep("big", target.Answer{Body: strings.Repeat("x", 5000), Begun: time.Now()})
	if _, ok := c.find("big", time.Minute); ok {
		t.Error("one that takes half of it is kept")
	}
}

func TestNoMoreRunAtOnceThanAllowed(t *testing.T) {
	var running, most atomic.Int64
	url := server(t, func(http.ResponseWriter, *http.Request) {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(20 * time.Millisecond)
	})
	r := newRig(t, Limits{Concurrency: 3}, "127.0.0.1")
	var calls []string
	for i := range 30 {
		calls = append(calls, hook(fmt.Sprint(i), url, ""))
	}
	for _, got := range r.ask(strings.Join(calls, ",")) {
		if !strings.Contains(got, `"status":200`) {
			t.Error(got)
		}
	}
	if most.Load() != 3 {
		t.Errorf("%d at once", most.Load())
	}
}

func TestManyAtOnce(t *testing.T) {
	r := newRig(t, Limits{Concurrency: 4})
	var wait sync.WaitGroup
	for i := range 100 {
		wait.Go(func() {
			call := fmt.Sprintf(`{"id":"1","kind":"query","db":"social","col":"users","find":{"age":{"$gt":%d}},"columns":["age"],"limit":5}`, i)
			want := 0
			for _, age := range []int{20, 30, 40} {
				if age > i {
					want++
				}
			}
			if got := r.one(call); strings.Count(got, "age") != want {
				t.Errorf("%d: %s", i, got)
			}
		})
	}
	wait.Wait()
}

func TestServeStopsAfterRunningCalls(t *testing.T) {
	before := runtime.NumGoroutine()
	began, finish := make(chan struct{}), make(chan struct{})
	url := server(t, func(http.ResponseWriter, *http.Request) { close(began); <-finish })
	c, err := NewService(Config{Project: "shop", Keys: testKeys, Tokens: testTokens, Webhooks: []string{"127.0.0.1"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- c.Serve(ctx, l, nil, time.Minute) }()
	r := &rig{t: t, url: "http://" + l.Addr().String()}
	answered := make(chan string, 1)
	go func() { answered <- r.one(hook("1", url, "")) }()
	<-began
	stop()
	for { // until the listener is closed
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		conn.Close()
	}
	select {
	case err := <-served:
		t.Errorf("stopped while a call was running: %v", err)
	default:
	}
	close(finish)
	if got := <-answered; got != `{"id":"1","status":200,"body":""}` {
		t.Error(got)
	}
	if err := <-served; err != nil && !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
	if w.Code != 503 {
		t.Errorf("after the end: %d", w.Code)
	}
	http.DefaultClient.CloseIdleConnections()
	for i := 0; runtime.NumGoroutine() > before+4; i++ { // 4 for the webhook's server and its connections
		if i == 100 {
			t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
}
