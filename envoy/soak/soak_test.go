// Package soak sends requests of many kinds to Envoy with its companion, and to
// `rulegate run`, while their policies are replaced every few seconds. Each request must
// get the answer of one of the two policies, and memory must stay flat. `make soak` sends
// a million; `go test` a few thousand.
package soak

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	_ "modernc.org/sqlite"
)

var (
	requests = flag.Int("requests", 2600, "number of requests, shared by Envoy and `rulegate run`")
	reload   = flag.Duration("reload", 3*time.Second, "pause between two reloads of a target")
	workers  = flag.Int("workers", 4, "clients of each target")
	growth   = flag.Float64("growth", 1.1, "how many times the memory of the first third a process may use in the last third")
)

// steady is how long a run must take for its memory to be compared.
const steady = 3 * time.Minute

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// TestSoak ends early, and still checks all that it has seen, on Ctrl-C and SIGTERM.
func TestSoak(t *testing.T) {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	up := newUpstream(t)
	var targets []*target
	for _, start := range []func(*testing.T, *upstream) *target{startEnvoy, startRun} {
		targets = append(targets, start(t, up))
	}
	began := time.Now()
	p := newProgress(targets)
	end := p.show()
	var all sync.WaitGroup
	for _, target := range targets {
		all.Go(func() { target.drive(ctx) })
	}
	all.Wait()
	end()
	for _, target := range targets {
		target.check(t, time.Since(began))
	}
	up.check(t, targets)
	if ctx.Err() != nil && t.Context().Err() == nil {
		t.Log("ended early by a signal")
	}
}

// drive sends the target's share of the requests, and reloads it meanwhile.
func (s *target) drive(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.began = time.Now()
	var side, clients sync.WaitGroup
	side.Go(func() { s.reloads(ctx) })
	side.Go(func() { s.samples(ctx) })
	for range *workers {
		clients.Go(func() {
			for ctx.Err() == nil && (s.sent.Load() < s.share || s.waits()) {
				s.one(s.sent.Add(1))
			}
		})
	}
	clients.Wait()
	cancel()
	side.Wait()
}

// waits reports whether a short run goes on, until the first reload.
func (s *target) waits() bool { return s.swapped.Load() == 0 && time.Since(s.began) < time.Minute }
