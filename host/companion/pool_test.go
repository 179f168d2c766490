package companion

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/target"
	"github.com/rulegate/rulegate/rules/wire"
)

// until waits for a condition that must come true, even on a slow machine.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func ageOf(id, user string) string {
	return fmt.Sprintf(`{"id":%q,"kind":"query","db":"social","col":"users","find":{"id":%q},"columns":["age"],"limit":1}`, id, user)
}

func TestAFullQueueAnswersBusy(t *testing.T) {
	for queue, want := range map[int]string{1: `{"id":"3","error":"busy"}`, 2: `{"id":"3","rows":[{"age":40}]}`} {
		r := newRig(t, Limits{Concurrency: 1, Queue: queue})
		n := r.count()
		n.hold = make(chan struct{})
		pool := r.c.databases["social"].Pool
		var wait sync.WaitGroup
		ask := func(id, user, want string) {
			wait.Go(func() {
				if got := r.one(ageOf(id, user)); got != want {
					t.Errorf("queue of %d: %s, want %s", queue, got, want)
				}
			})
		}
		ask("1", "ann", `{"id":"1","rows":[{"age":30}]}`)
		until(t, "the first runs", func() bool { return n.n.Load() == 1 })
		ask("2", "bob", `{"id":"2","rows":[{"age":20}]}`)
		until(t, "the second waits", func() bool { return pool.Waiting() == 1 })
		if queue == 1 {
			if got := r.one(ageOf("3", "cid")); got != want {
				t.Errorf("queue of 1: %s", got)
			}
		} else {
			ask("3", "cid", want)
			until(t, "the third waits", func() bool { return pool.Waiting() == 2 })
		}
		close(n.hold)
		wait.Wait()
		if strings.Contains(r.log(), "call failed") {
			t.Errorf("a call that was not tried is logged:\n%s", r.log())
		}
	}
}

// faulty is a webhook host that answers with a given status.
func faulty(t *testing.T) (url string, status *atomic.Int64, hits *atomic.Int64) {
	status, hits = &atomic.Int64{}, &atomic.Int64{}
	return server(t, func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		w.WriteHeader(int(status.Load()))
	}), status, hits
}

func TestATargetThatFailsIsNotTriedForAMoment(t *testing.T) {
	url, status, hits := faulty(t)
	r := newRig(t, Limits{}, "127.0.0.1")
	for _, harmless := range []int64{200, 404, 500, 302} {
		status.Store(harmless)
		for range 2 * target.TripAfter {
			if got := r.one(hook("1", url, "")); !strings.Contains(got, `"status"`) {
				t.Fatalf("%d: %s", harmless, got)
			}
		}
	}
	status.Store(503)
	for range target.TripAfter {
		if got := r.one(hook("1", url, "")); got != `{"id":"1","status":503,"body":""}` {
			t.Fatal(got)
		}
	}
	before := hits.Load()
	unavailable := 0
	for range 20 {
		if r.one(hook("1", url, "")) == `{"id":"1","error":"unavailable"}` {
			unavailable++
		}
	}
	if tried := hits.Load() - before; unavailable == 0 || tried+int64(unavailable) != 20 {
		t.Errorf("%d of 20 answered without trying, %d tried", unavailable, tried)
	}
	if got := r.one(annCall + `}`); got != `{"id":"1","rows":[{"age":30}]}` {
		t.Errorf("another target: %s", got)
	}
	status.Store(200)
	until(t, "the host is tried again", func() bool { return strings.Contains(r.one(hook("1", url, "")), `"status":200`) })
	if !strings.Contains(r.log(), "to=open") || !strings.Contains(r.log(), "to=closed") {
		t.Errorf("the log does not mention it:\n%s", r.log())
	}
}

func TestFailuresThatOpenABreaker(t *testing.T) {
	bad := strings.Replace(ageOf("1", "ann"), "users", "nothing", 1)
	broken := func(t *testing.T) (*rig, *database) {
		r := newRig(t, Limits{})
		return r, r.c.databases["social"]
	}
	t.Run("a call's own fault does not", func(t *testing.T) {
		r, _ := broken(t)
		for range 2 * target.TripAfter {
			r.one(bad)
		}
		if got := r.one(ageOf("1", "ann")); got != `{"id":"1","rows":[{"age":30}]}` {
			t.Error(got)
		}
	})
	t.Run("timeouts do", func(t *testing.T) {
		r, _ := broken(t)
		for range target.TripAfter {
			if got := r.one(slowCall, wire.TimeoutHeader, "30"); got != `{"id":"1","error":"timeout #"}` {
				t.Fatal(got)
			}
		}
		until(t, "the breaker opens", func() bool { return strings.Contains(r.log(), "to=open") })
	})
	t.Run("callers that leave do not", func(t *testing.T) {
		r, db := broken(t)
		n := r.count()
		for i := range 2 * target.TripAfter {
			ctx, leave := context.WithCancel(context.Background())
			body := `{"calls":[` + slowCall + `]}`
			req, err := http.NewRequestWithContext(ctx, "POST", r.url+wire.Path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", testKeys.Sign("shop", []byte(body), time.Now()))
			go func() {
				until(t, "it runs", func() bool { return n.n.Load() == int64(i+1) })
				leave()
			}()
			if res, err := http.DefaultClient.Do(req); err == nil {
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				t.Fatal("answered")
			}
			until(t, "it has ended", func() bool { return db.Running() == 0 })
		}
		if got := r.one(ageOf("1", "ann")); got != `{"id":"1","rows":[{"age":30}]}` {
			t.Error(got)
		}
	})
}

// deaf is a database whose driver ignores its context.
type deaf struct {
	query.Database
	end chan struct{}
}

func (d deaf) Query(context.Context, query.Query) ([]byte, error) {
	<-d.end
	return []byte("[]"), nil
}

func TestABatchDoesNotWaitBeyondItsDeadline(t *testing.T) {
	slow := server(t, func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() })
	quick := server(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "here") })
	r := newRig(t, Limits{}, "127.0.0.1")
	d := deaf{end: make(chan struct{})}
	r.c.databases["deaf"] = &database{Pool: target.NewPool("deaf", 32, 256, r.c.log), db: d, collections: []string{"*"}}
	defer delete(r.c.databases, "deaf")
	defer close(d.end)
	got := r.ask(strings.Join([]string{
		`{"id":"1","kind":"query","db":"deaf","col":"users","limit":1}`,
		hook("2", slow, ""), hook("3", slow, `,"cache":"1m"`),
		hook("4", quick, ""), ageOf("5", "ann"),
	}, ","), wire.TimeoutHeader, "2000")
	want := []string{
		`{"id":"1","error":"timeout #"}`, `{"id":"2","error":"timeout #"}`, `{"id":"3","error":"timeout #"}`,
		`{"id":"4","status":200,"body":"here"}`, `{"id":"5","rows":[{"age":30}]}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}
