package companion

import (
	"strings"
	"sync"
	"testing"
)

// holding sends a query that runs until end is called.
func (r *rig) holding() (end func()) {
	r.t.Helper()
	n := r.count()
	n.hold = make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		if got := r.one(annCall + `}`); got != `{"id":"1","rows":[{"age":30}]}` {
			r.t.Error(got)
		}
	})
	until(r.t, "the query runs", func() bool { return n.n.Load() == 1 })
	return func() {
		close(n.hold)
		wait.Wait()
	}
}

func TestTooManyRequestsAreShed(t *testing.T) {
	r := newRig(t, Limits{InFlight: 1})
	end := r.holding()
	for range 5 {
		if status, reply, seal := r.send(`{"calls":[]}`); status != 503 || seal != "" {
			t.Errorf("%d %s, seal %q", status, reply, seal)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} { // health checks are always answered
		if status, body := r.fetch(path); status != 200 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	end()
	if status, _, _ := r.send(`{"calls":[]}`); status != 200 {
		t.Errorf("afterwards: %d", status)
	}
	r.empty()
}

func TestReadinessHasAConnectionOfItsOwn(t *testing.T) {
	r := newRig(t, Limits{Concurrency: 1})
	db := r.c.databases["social"]
	var wait sync.WaitGroup
	wait.Go(func() { r.one(slowCall, "x-rulegate-timeout-ms", "3000") })
	until(t, "the query runs", func() bool { return db.Running() == 1 })
	if status, body := r.fetch("/readyz"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	wait.Wait()
}

func TestTooManyBytesAreShed(t *testing.T) {
	r := newRig(t, Limits{InFlightBytes: 1000})
	pad := func(n int) string { return `{"calls":[` + annCall + `}]` + strings.Repeat(" ", n) + `}` }
	for n, want := range map[int]int{0: 200, 500: 200, 1000: 503} {
		if status, reply, _ := r.send(pad(n)); status != want {
			t.Errorf("%d more bytes: %d %s", n, status, reply)
		}
	}
	r.empty()
}

func TestAnswersCountToo(t *testing.T) {
	calls := `{"calls":[{"id":"1","kind":"query","db":"social","col":"users"},{"id":"2","kind":"query","db":"social","col":"users"}]}` // two answers of 109 bytes
	for room, want := range map[int]int{len(calls) + 200: 1, len(calls) + 300: 2} {
		r := newRig(t, Limits{InFlightBytes: room})
		status, reply, _ := r.send(calls)
		if n := strings.Count(reply, `"rows"`); status != 200 || n != want || strings.Count(reply, `"error":"busy"`) != 2-want {
			t.Errorf("room for %d: %d %s", room, status, reply)
		}
		r.empty()
	}
}

// empty waits until no request is in flight and no bytes are reserved.
func (r *rig) empty() {
	r.t.Helper()
	until(r.t, "nothing is in flight", func() bool { return r.c.admission.requests.Load() == 0 && r.c.admission.bytes.Load() == 0 })
}
