package target

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
)

func TestEqualCallsRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * idleTime) // until the idle workers have ended
		var c Coalescer
		var runs atomic.Int64
		release := make(chan struct{})
		var wait sync.WaitGroup
		for _, key := range []string{"a", "a", "a", "b"} {
			wait.Go(func() {
				a, err := c.Do(context.Background(), key, func(context.Context) (Answer, error) {
					runs.Add(1)
					<-release
					return Answer{Body: key}, nil
				})
				if a.Body != key || err != nil {
					t.Errorf("%s: %v, %v", key, a, err)
				}
			})
		}
		synctest.Wait()
		if runs.Load() != 2 || c.Running() != 2 {
			t.Errorf("%d calls ran, %d run", runs.Load(), c.Running())
		}
		close(release)
		wait.Wait()
		if c.Running() != 0 {
			t.Errorf("%d calls are left", c.Running())
		}
	})
}

// A caller gets no answer from before it came: not from a call that has ended, and not
// from one that began more than maxJoin ago.
func TestLateCallersStartACallOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * idleTime) // until the idle workers have ended
		var c Coalescer
		var runs atomic.Int64
		call := func() {
			c.Do(context.Background(), "k", func(context.Context) (Answer, error) {
				runs.Add(1)
				time.Sleep(10 * maxJoin)
				return Answer{}, nil
			})
		}
		for _, want := range []int64{1, 1, 2, 2} { // at 0, 0.6, 1.2 and 1.8 of maxJoin
			go call()
			synctest.Wait()
			if runs.Load() != want {
				t.Errorf("%d calls, want %d", runs.Load(), want)
			}
			time.Sleep(maxJoin * 6 / 10)
		}
		time.Sleep(20 * maxJoin)
		for range 2 {
			c.Do(context.Background(), "k", func(context.Context) (Answer, error) { runs.Add(1); return Answer{}, nil })
		}
		if runs.Load() != 4 || c.Running() != 0 {
			t.Errorf("%d calls ran, %d run", runs.Load(), c.Running())
		}
	})
}

func TestACallEndsWithItsLastCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(2 * idleTime) // until the idle workers have ended
		var c Coalescer
		ended := make(chan time.Duration, 1)
		start := time.Now()
		leave := func(after time.Duration) {
			ctx, cancel := context.WithTimeout(context.Background(), after)
			defer cancel()
			_, err := c.Do(ctx, "k", func(ctx context.Context) (Answer, error) {
				<-ctx.Done()
				ended <- time.Since(start)
				return Answer{}, ctx.Err()
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		go leave(time.Second)
		synctest.Wait()
		leave(time.Minute)
		if at := <-ended; at != time.Minute {
			t.Errorf("the call ended after %v", at)
		}
		synctest.Wait()
		if c.Running() != 0 {
			t.Errorf("%d calls are left", c.Running())
		}
	})
}

func TestAnAnswerAndAnErrorReachTheCaller(t *testing.T) {
	var c Coalescer
	a, err := c.Do(context.Background(), "k", func(context.Context) (Answer, error) { return Answer{Status: 1}, errors.New("x") })
	if a.Status != 1 || err == nil {
		t.Error(a, err)
	}
	_, err = c.Do(context.Background(), "k", func(context.Context) (Answer, error) { panic("x") })
	if failure.PhraseOf(err, failure.Database) != failure.Internal {
		t.Error(err)
	}
}

// Callers that come and leave at any time: each gets the answer of a call that began
// after it came or ran when it came, and no call is cancelled that somebody waits for.
func TestCallersComeAndLeave(t *testing.T) {
	var c Coalescer
	var wait sync.WaitGroup
	for i := range 200 {
		wait.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if i%3 == 0 {
				time.AfterFunc(time.Duration(i%7)*time.Millisecond, cancel)
			}
			a, err := c.Do(ctx, string(rune('a'+i%5)), func(ctx context.Context) (Answer, error) {
				select {
				case <-ctx.Done():
					return Answer{}, ctx.Err()
				case <-time.After(3 * time.Millisecond):
					return Answer{Status: 1}, nil
				}
			})
			if left := ctx.Err() != nil; !left && (err != nil || a.Status != 1) {
				t.Errorf("a caller that stayed: %v, %v", a, err)
			}
		})
	}
	wait.Wait()
	if n := c.Running(); n != 0 {
		t.Errorf("%d calls are left", n)
	}
}

func TestWorkersAreUsedAgainAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w workers
		var ran atomic.Int64
		for range 100 {
			for range 3 {
				w.run(func() { ran.Add(1) })
			}
			synctest.Wait()
		}
		if ran.Load() != 300 || w.idle.Load() != 3 {
			t.Errorf("%d ran, %d workers are idle, want 300 and 3", ran.Load(), w.idle.Load())
		}
		release := make(chan struct{})
		for range 2 * maxIdle {
			w.run(func() { <-release })
		}
		close(release)
		synctest.Wait()
		if n := w.idle.Load(); n != maxIdle {
			t.Errorf("%d workers are idle, want %d", n, maxIdle)
		}
		time.Sleep(idleTime + time.Second)
		synctest.Wait()
		if n := w.idle.Load(); n != 0 {
			t.Errorf("%d workers are idle at last", n)
		}
	})
}
