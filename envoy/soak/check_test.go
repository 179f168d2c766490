package soak

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// upstream answers with the mark that a policy has set, and counts requests by target.
type upstream struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string]int
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{seen: map[string]int{}}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var order struct{ Buyer string }
		if body, err := io.ReadAll(r.Body); err == nil && len(body) > 0 {
			json.Unmarshal(body, &order)
		}
		u.mu.Lock()
		u.seen[r.Header.Get("X-Target")]++
		u.mu.Unlock()
		answer := map[string]string{"policy": r.Header.Get("X-Policy"), "buyer": order.Buyer}
		if r.URL.Path == "/v1/people" {
			answer["salary"] = "1000"
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(u.Close)
	return u
}

// check: the upstream got each request that was let through, once.
func (u *upstream) check(t *testing.T, targets []*target) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, s := range targets {
		want := 0
		for _, k := range kinds {
			if k.reaches {
				want += s.counts[k.name]
			}
		}
		if got := u.seen[s.name]; got != want {
			t.Errorf("%s: the upstream got %d requests, but %d were answered by it", s.name, got, want)
		}
	}
}

// check: each request had the answer of one of the policies, both policies decided, and
// memory is flat.
func (s *target) check(t *testing.T, took time.Duration) {
	for what, n := range s.faults {
		t.Errorf("%s: %d × %s", s.name, n, what)
	}
	answered, marked, policies := 0, 0, s.counts["policy a"]+s.counts["policy b"]
	for _, k := range kinds {
		n := s.counts[k.name]
		answered += n
		if k.marked {
			marked += n
		}
		if n == 0 {
			t.Errorf("%s: no request of the kind %q", s.name, k.name)
		}
	}
	if sent := s.sent.Load(); int64(answered+s.lost) != sent {
		t.Errorf("%s: %d requests, but %d answers and %d without the right one", s.name, sent, answered, s.lost)
	}
	if marked != policies {
		t.Errorf("%s: %d answers of a policy, but %d marks", s.name, marked, policies)
	}
	if s.swapped.Load() < 1 || s.counts["policy b"] == 0 {
		t.Errorf("%s: the policy was replaced %d times, and the second one answered %d requests", s.name, s.swapped.Load(), s.counts["policy b"])
	}
	t.Logf("%s: %d requests, %d reloads in %v: %v", s.name, answered, s.swapped.Load(), took.Round(time.Second), s.counts)
	s.checkMemory(t, took)
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}
