package operate

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// failingModule builds the module with the tag traptest, by which a client can
// make it panic or trap: see plugin/traptest.go.
func failingModule(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "failing.wasm")
	build := exec.Command(harness.Repository(".ci/module"), path, "-tags=traptest")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// waitingCompanion is a companion for BansPolicy that answers once release is
// called.
type waitingCompanion struct {
	*httptest.Server
	asked   chan struct{} // gets a value for each query
	release func()
}

func newWaitingCompanion(t *testing.T) *waitingCompanion {
	released := make(chan struct{})
	w := &waitingCompanion{asked: make(chan struct{}, 16), release: sync.OnceFunc(func() { close(released) })}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return
		}
		for range bytes.Count(body, []byte(`"kind":"query"`)) { // of several requests, under load
			w.asked <- struct{}{}
		}
		<-released
		harness.Sealed(rw, harness.BansKeys, r, harness.NoRows(body))
	}))
	t.Cleanup(w.Close)
	t.Cleanup(w.release) // runs before Close, which waits for the responses
	return w
}

// strand sends n requests that wait for the companion, and returns when it has got
// them. They must get 503; wait returns when they have.
func (w *waitingCompanion) strand(t *testing.T, addr string, token [2]string, n int) (wait func()) {
	t.Helper()
	var ends sync.WaitGroup
	for i := range n {
		ends.Go(func() {
			r := &harness.Request{Method: "GET", Target: "/page", Headers: [][2]string{token}}
			if i%2 == 1 {
				r.Method, r.Body = "POST", "a body that is held"
			}
			answer, err := harness.Send(addr, r, fmt.Sprint("stranded-", i))
			if err != nil || answer.Status != http.StatusServiceUnavailable {
				t.Errorf("a stranded %s: want 503, found %v, %v", r.Method, answer, err)
			}
		})
	}
	for range n {
		select {
		case <-w.asked:
		case <-time.After(harness.RequestTimeout):
			t.Fatal("the companion got no query")
		}
	}
	return ends.Wait
}

// fail sends a request that makes the failing module panic or trap (how), or that
// it lets through (""), and returns the status.
func fail(t *testing.T, addr, id, how string) int {
	t.Helper()
	r := &harness.Request{Method: "GET", Target: "/open"}
	if how != "" {
		r.Headers = [][2]string{{"x-test-fail", how}}
	}
	answer, err := harness.Send(addr, r, id)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Status
}

// newHalfAnswer returns the URL of an upstream that sends the half of a response, and
// a channel that gets a value then.
func newHalfAnswer(t *testing.T) (url string, sent chan struct{}) {
	sent, over := make(chan struct{}, 1), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("content-type", "application/json")
		io.WriteString(w, `{"x": "SECRET",`)
		w.(http.Flusher).Flush()
		sent <- struct{}{}
		<-over
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(over) }) // runs before Close
	return s.URL, sent
}

// TestTrapInEnvoy tests a trap, which ends the VM with all requests that wait in
// it: stream_idle_timeout ends them, none reaches the upstream, and Envoy starts
// a new VM.
func TestTrapInEnvoy(t *testing.T) {
	up, companion := harness.NewUpstream(t), newWaitingCompanion(t)
	b := harness.NewBootstrap(t, up.URL)
	b.Workers = 1 // the trap ends the VM in which the other requests wait
	b.Conf.Module = failingModule(t)
	b.Conf.VM = "failing"
	b.Conf.Idle = 8 * time.Second // the trap comes earlier, even on a busy machine
	b.AddPolicy(t, "waits", strings.Replace(harness.BansPolicy, "timeout: 400ms", "timeout: 60s", 1), companion.URL)
	b.AddPolicy(t, "open", "routes: [{match: {path: /open}, rule: {rule: allow}}]", "")
	half, halves := newHalfAnswer(t)
	b.AddCluster("half", half)
	b.AddPolicy(t, "masks", "{limits: {bodyTimeout: 60s}, routes: [{match: {path: /}, auth: none, rule: {rule: remove, fields: [res.x]}}]}", "").Upstream = "half"
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)

	if got := fail(t, at["open"], "before", ""); got != http.StatusOK {
		t.Fatalf("before: want 200, found %d", got)
	}
	r := &harness.Request{Method: "GET", Target: "/open", Headers: [][2]string{{"x-test-fail", "panic"}}}
	if answer, err := harness.Send(at["open"], r, "panic with an id"); err != nil || len(answer.Headers["x-request-id"]) != 1 {
		t.Errorf("a panic: want one x-request-id, found %+v %v", answer, err)
	}
	if got := fail(t, at["open"], "panic", "panic"); got != http.StatusServiceUnavailable {
		t.Errorf("a panic: want 503, found %d", got)
	}
	if got := fail(t, at["open"], "after the panic", ""); got != http.StatusOK {
		t.Errorf("after a panic: want 200, found %d", got)
	}

	const waiting = 4
	token := harness.Bearer(t, `{"id":"u1"}`)
	wait := companion.strand(t, at["waits"], token, waiting)
	held := make(chan string, 1)
	go func() {
		answer, err := harness.Send(at["masks"], &harness.Request{Method: "GET", Target: "/"}, "held")
		held <- fmt.Sprint(answer, err)
	}()
	<-halves
	if got := fail(t, at["open"], "trap", "trap"); got != http.StatusServiceUnavailable {
		t.Errorf("a trap: want 503, found %d", got)
	}
	back := false
	for end := time.Now().Add(60 * time.Second); !back && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		back = fail(t, at["open"], "back", "") == http.StatusOK
	}
	if !back {
		t.Errorf("no new VM after the trap:\n%s", harness.Tail(p.Log(), 30))
	}
	wait()
	if got := <-held; !strings.HasPrefix(got, "&{5") || strings.Contains(got, "SECRET") {
		t.Errorf("a response that was held: want a status of 500 or more, found %s", got)
	}
	companion.release() // replies arrive for requests whose VM is gone
	r = &harness.Request{Method: "GET", Target: "/page", Headers: [][2]string{token}}
	if answer, err := harness.Send(at["waits"], r, "after the trap"); err != nil || answer.Status != http.StatusOK {
		t.Errorf("after the trap: want 200, found %v, %v", answer, err)
	}

	// A trap of Go's runtime is logged without the stacks.
	before := strings.Count(p.Log(), "\n")
	if got := fail(t, at["open"], "out of memory", "memory"); got != http.StatusServiceUnavailable {
		t.Errorf("a VM without memory: want 503, found %d", got)
	}
	if log := p.Log(); !strings.Contains(log, "out of memory") || strings.Count(log, "\n")-before > 40 {
		t.Errorf("want the reason in 40 lines at most, found %d:\n%s", strings.Count(log, "\n")-before, harness.Tail(log, 100))
	}
	ids := []string{"trap", "panic", "out of memory"}
	for i := range waiting {
		ids = append(ids, fmt.Sprint("stranded-", i))
	}
	for _, id := range ids {
		if got, _ := up.Take(id); len(got) > 0 {
			t.Errorf("the upstream got the request %s", id)
		}
	}
	for _, text := range []string{"rulegate: panic: ", "reason=\"panic: ", "proxy_on_request_headers failed"} {
		if !strings.Contains(p.Log(), text) {
			t.Errorf("no %s in the log:\n%s", text, harness.Tail(p.Log(), 20))
		}
	}
}
