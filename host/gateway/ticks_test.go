package gateway

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// crowdScript pauses requests until the reply to a tick's call, which resumes
// all of them.
const crowdScript = "request_headers: mark; tickevery 20; pause\n" +
	"tick marked: call late 15000 /t\n" +
	"plugin_call: formarked resume request; unmark"

// tryCrowd sends requests side by side, and checks that each gets its own
// response.
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

// A stream can be resumed by a tick of its own VM only.
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

// The VM is busy until a tick waits for it, and then the period is set to 0.
func TestATickThatIsDueIsDropped(t *testing.T) {
	b := start(t, "configure: tickevery 1\ntick: count ticks")
	v := b.workers[0].vm
	v.sem <- struct{}{}
	time.Sleep(20 * time.Millisecond) // by now a tick waits; if not, the test passes anyway
	before := len(b.notes.all())
	hostTickPeriod(v, []uint64{0})
	v.unlock()
	until(t, func() bool { return len(v.tick) == 0 }, func() string { return "the period is not read" })
	v.lock()
	defer v.unlock()
	if after := b.notes.all()[before:]; len(after) > 0 {
		t.Errorf("ticks after the period of 0: %q", after)
	}
}

func TestANewVMTicksAndSeesSharedData(t *testing.T) {
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
		t.Errorf("the shared data is gone: %q", b.notes.all())
	}
}
