package companion

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/wire"
)

// Clients that leave while their calls run, many at once, keep nobody from an answer
// afterwards.
func TestClientsThatLeaveInCrowds(t *testing.T) {
	r := newRig(t, Limits{})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	defer client.CloseIdleConnections()
	body := `{"calls":[` + annCall + `}]}`
	for round := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		for range 300 {
			wait.Go(func() {
				for ctx.Err() == nil {
					req, err := http.NewRequestWithContext(ctx, "POST", r.url+wire.Path, strings.NewReader(body))
					if err != nil {
						t.Error(err)
						return
					}
					req.Header.Set("Authorization", testKeys.Sign("shop", []byte(body), time.Now()))
					if res, err := client.Do(req); err == nil {
						res.Body.Close()
					}
				}
			})
		}
		time.Sleep(200 * time.Millisecond)
		cancel()
		wait.Wait()
		if got := r.one(annCall + `}`); got != `{"id":"1","rows":[{"age":30}]}` {
			t.Errorf("after round %d: %s", round, got)
		}
	}
	// The server notices some of the clients that left only now.
	for end := time.Now().Add(10 * time.Second); r.c.coalescer.Running() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := r.c.coalescer.Running(); n != 0 {
		t.Errorf("%d calls are left", n)
	}
}
