package gateway

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Gateways are replaced and closed while clients ask: each request is served by one of
// them.
func TestSwitchUnderLoad(t *testing.T) {
	b := prepare(t)
	next := func(code int) *Gateway {
		g, err := New(t.Context(), b.config(fmt.Sprintf("request_headers: reply %d no", code)))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	s := NewSwitch(next(418))
	srv := httptest.NewUnstartedServer(s)
	srv.Config = s.Server()
	srv.Start()
	t.Cleanup(srv.Close)
	b.url = srv.URL

	var clients sync.WaitGroup
	var mu sync.Mutex
	seen := map[int]int{}
	stop := make(chan struct{})
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r := b.do("GET", "/", "")
				mu.Lock()
				seen[r.code]++
				mu.Unlock()
			}
		})
	}
	for i := range 10 {
		code := 418 + i%2
		before := s.Replace(next(code))
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		if err := before.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		if r := b.do("GET", "/", ""); r.code != code {
			t.Errorf("after replacement %d: want %d, found %d %v", i, code, r.code, r.err)
		}
	}
	close(stop)
	clients.Wait()
	for code, n := range seen {
		if code != 418 && code != 419 {
			t.Errorf("%d requests: %d", n, code)
		}
	}
	if err := s.Current().Close(context.Background()); err != nil {
		t.Error(err)
	}
	if r := b.do("GET", "/", ""); r.code != 503 {
		t.Errorf("after the end: %d", r.code)
	}
}
