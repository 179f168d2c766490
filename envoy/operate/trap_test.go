package operate

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
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
	build := exec.Command("go", "build", "-tags", "traptest", "-buildmode=c-shared", "-ldflags=-s -w", "-o", path, harness.Repository("plugin"))
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// TestTrapInEnvoy tests a trap, which ends the VM with all requests that wait in
// it: stream_idle_timeout ends them, none reaches the upstream, and Envoy starts
// a new VM.
func TestTrapInEnvoy(t *testing.T) {
	up := harness.NewUpstream(t)
	asked, release := make(chan struct{}, 16), make(chan struct{})
	released := sync.OnceFunc(func() { close(release) })
	holding := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return
		}
		asked <- struct{}{}
		<-release
		harness.Sealed(w, harness.BansKeys, body, harness.NoRows(body))
	}))
	t.Cleanup(holding.Close)
	t.Cleanup(released) // runs before Close, which waits for the responses

	b := harness.NewBootstrap(t, up.URL)
	b.Workers = 1 // the trap ends the VM in which the other requests wait
	b.Conf.Module = failingModule(t)
	b.Conf.VM = "failing"
	b.Conf.Idle = 8 * time.Second // the trap comes earlier, even on a busy machine
	b.AddPolicy(t, "waits", strings.Replace(harness.BansPolicy, "timeout: 400ms", "timeout: 60s", 1), holding.URL)
	b.AddPolicy(t, "open", "routes: [{match: {path: /open}, rule: {rule: allow}}]", "")
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)

	ask := func(id, how string) int {
		t.Helper()
		r := &harness.Request{Method: "GET", Target: "/open"}
		if how != "" {
			r.Headers = [][2]string{{"x-test-fail", how}}
		}
		answer, err := harness.Send(at["open"], r, id)
		if err != nil {
			t.Fatal(err)
		}
		return answer.Status
	}
	if got := ask("before", ""); got != http.StatusOK {
		t.Fatalf("before: want 200, found %d", got)
	}
	if got := ask("panic", "panic"); got != http.StatusServiceUnavailable {
		t.Errorf("a panic: want 503, found %d", got)
	}
	if got := ask("after the panic", ""); got != http.StatusOK {
		t.Errorf("after a panic: want 200, found %d", got)
	}

	const waiting = 4
	token := harness.Bearer(t, `{"id":"u1"}`)
	var ends sync.WaitGroup
	for i := range waiting {
		ends.Go(func() {
			r := &harness.Request{Method: "GET", Target: "/page", Headers: [][2]string{token}}
			if i%2 == 1 {
				r.Method, r.Body = "POST", "a body that is held"
			}
			answer, err := harness.Send(at["waits"], r, fmt.Sprint("stranded-", i))
			if err != nil || answer.Status != http.StatusServiceUnavailable {
				t.Errorf("a stranded %s: want 503, found %v, %v", r.Method, answer, err)
			}
		})
	}
	for range waiting {
		select {
		case <-asked:
		case <-time.After(harness.RequestTimeout):
			t.Fatal("the companion got no request")
		}
	}
	if got := ask("trap", "trap"); got != http.StatusServiceUnavailable {
		t.Errorf("a trap: want 503, found %d", got)
	}
	back := false
	for end := time.Now().Add(60 * time.Second); !back && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		back = ask("back", "") == http.StatusOK
	}
	if !back {
		t.Errorf("no new VM after the trap:\n%s", harness.Tail(p.Log(), 30))
	}
	ends.Wait()
	released() // replies arrive for requests whose VM is gone
	r := &harness.Request{Method: "GET", Target: "/page", Headers: [][2]string{token}}
	if answer, err := harness.Send(at["waits"], r, "whole again"); err != nil || answer.Status != http.StatusOK {
		t.Errorf("after the trap: want 200, found %v, %v", answer, err)
	}
	for i := range waiting {
		if got, _ := up.Take(fmt.Sprint("stranded-", i)); len(got) > 0 {
			t.Errorf("the upstream got the stranded request %d", i)
		}
	}
	for _, id := range []string{"trap", "panic"} {
		if got, _ := up.Take(id); len(got) > 0 {
			t.Errorf("the upstream got the request of the %s", id)
		}
	}
	for _, word := range []string{"rulegate: panic: ", "reason=\"panic: ", "proxy_on_request_headers failed"} {
		if !strings.Contains(p.Log(), word) {
			t.Errorf("no %s in the log:\n%s", word, harness.Tail(p.Log(), 20))
		}
	}
}
