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
