package gateway

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// crowdScript lets requests wait until a call of a tick's has come back, which
// then resumes all that wait.
const crowdScript = "request_headers: mark; tickevery 20; pause\n" +
	"tick marked: call late 15000 /t\n" +
	"plugin_call: formarked resume request; unmark"

// tryCrowd sends requests side by side: each of them goes on, and with its own
// answer.
func tryCrowd(b *testbed) {
	b.t.Helper()
	b.mu.Lock()
	b.respond = func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL) }
	b.mu.Unlock()
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			path := fmt.Sprintf("/%d", i)
			if r := b.do("GET", path, ""); r.code != 200 || r.body != path {
				b.t.Errorf("%s: got %d %q %v", path, r.code, r.body, r.err)
			}
		})
	}
	wg.Wait()
	if n := len(b.upstreamSaw()); n != 12 {
		b.t.Errorf("the upstream saw %d requests, want 12", n)
	}
}

func TestManyWaitForOneCall(t *testing.T) {
	tryCrowd(start(t, crowdScript, withPeers(t), func(c *Config) { c.VMs = 2 }))
}

// Only a tick of its own VM can resume a stream.
func TestEveryVMTicks(t *testing.T) {
	b := start(t, "configure: tickevery 5\nrequest_headers: mark; pause\ntick marked: formarked resume request; unmark", func(c *Config) { c.VMs = 3 })
	for range 3 {
		if r := b.do("GET", "/", ""); r.code != 200 {
			t.Errorf("got %d %v", r.code, r.err)
		}
	}
}

func TestTicksGoOn(t *testing.T) {
	b := start(t, "configure: tickevery 1\ntick: count ticks")
	ticks := func() int64 {
		for _, m := range b.Metrics() {
			return m.Value / 2 // count adds 2
		}
		return 0
	}
	until(t, func() bool { return ticks() > 10 }, func() string { return fmt.Sprintf("%d ticks", ticks()) })
}

// The VM is kept busy until a tick waits for it, and then wants no more ticks.
func TestATickThatIsDueIsTakenBack(t *testing.T) {
	b := start(t, "configure: tickevery 1\ntick: count ticks")
	v := b.workers[0].vm
	v.sem <- struct{}{}
	time.Sleep(20 * time.Millisecond) // by now one waits; if not, there is nothing to take back
	before := len(b.notes.all())
	hostTickPeriod(v, []uint64{0})
	v.unlock()
	until(t, func() bool { return len(v.tick) == 0 }, func() string { return "the period is not taken" })
	v.lock()
	defer v.unlock()
	if after := b.notes.all()[before:]; len(after) > 0 {
		t.Errorf("after their end: %q", after)
	}
}

func TestANewVMTicksAndSeesWhatWasShared(t *testing.T) {
	b := start(t, "configure: tickevery 5\nrequest_headers: trapif x-trap; get k; put k v; mark; pause\ntick marked: formarked resume request; unmark", func(c *Config) {
		c.FailurePolicy, c.ReloadBackoff = FailReload, time.Nanosecond
	})
	if r := b.do("GET", "/", ""); r.code != 200 {
		t.Fatalf("before: got %d", r.code)
	}
	if r := b.do("GET", "/", "", "x-trap", "1"); r.code != 503 {
		t.Fatalf("the trap: got %d", r.code)
	}
	b.notes.reset()
	if r := b.do("GET", "/", ""); r.code != 200 {
		t.Errorf("afterwards: got %d", r.code)
	}
	if !b.notes.has(`get "v" <nil>`) {
		t.Errorf("what was shared is gone: %q", b.notes.all())
	}
}
