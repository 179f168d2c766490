package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
)

func nothing(context.Context) (Answer, error) { return Answer{}, nil }

func newPool(size, queue int) *Pool {
	return NewPool("x", size, queue, slog.New(slog.DiscardHandler))
}

func TestACallThatWouldWaitTooLongFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, 10)
		p.record(time.Hour)
		p.slots <- struct{}{}
		if _, err := p.Do(context.Background(), time.Now().Add(time.Minute), nothing); err != errBusy {
			t.Errorf("a minute, with an hour to wait: %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() {
			_, err := p.Do(ctx, time.Now().Add(2*time.Hour), nothing)
			done <- err
		}()
		synctest.Wait()
		if p.Waiting() != 1 {
			t.Errorf("%d calls wait", p.Waiting())
		}
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("two hours, then cancelled: %v", err)
		}
		<-p.slots
		if _, err := p.Do(context.Background(), time.Now().Add(time.Minute), nothing); err != nil {
			t.Errorf("with a free slot: %v", err)
		}
	})
}

func TestAFullQueueRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, 2)
		release := make(chan struct{})
		for range 3 {
			go p.Do(context.Background(), time.Time{}, func(context.Context) (Answer, error) { <-release; return Answer{}, nil })
		}
		synctest.Wait()
		if p.Running() != 1 || p.Waiting() != 2 {
			t.Errorf("%d calls run, %d wait", p.Running(), p.Waiting())
		}
		if _, err := p.Do(context.Background(), time.Time{}, nothing); err != errBusy {
			t.Errorf("a fourth call: %v", err)
		}
		close(release)
	})
}

// fails runs a call that ends with err and an answer of this status.
func fails(p *Pool, err error, status int) {
	p.Do(context.Background(), time.Time{}, func(context.Context) (Answer, error) { return Answer{Status: status}, err })
}

func TestFailuresOfTheTargetOpenTheBreaker(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		opens  bool
	}{
		{"success", nil, 0, false},
		{"status 500", nil, 500, false},
		{"status 502", nil, 502, true},
		{"status 504", nil, 504, true},
		{"a bad call", failure.New(failure.BadCall, io.EOF), 0, false},
		{"too large", failure.New(failure.TooLarge, io.EOF), 0, false},
		{"a panic", failure.New(failure.Internal, io.EOF), 0, false},
		{"refused", failure.New(failure.Refused, errors.New("x")), 0, true},
		{"a timeout", failure.New(failure.TimedOut, errors.New("x")), 0, true},
		{"a deadline", context.DeadlineExceeded, 0, true},
		{"a caller that left", context.Canceled, 0, false},
		{"an unknown error", errors.New("x"), 0, false},
		{"a network error", &net.OpError{Op: "read", Err: errors.New("x")}, 0, true},
		{"a connection that broke off", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), 0, true},
		{"a failed database error", failure.New(failure.Database, errors.New("x")), 0, false},
		{"a database error of a target that is down", &failure.Error{Phrase: failure.Database, Err: errors.New("x"), TargetDown: true}, 0, true},
	} {
		p := newPool(1, 1)
		for range TripAfter {
			fails(p, c.err, c.status)
		}
		if open := p.Breaker() == Open; open != c.opens {
			t.Errorf("%s: open %v", c.name, open)
		}
		if _, err := p.Do(context.Background(), time.Time{}, nothing); (err == errUnavailable) != c.opens {
			t.Errorf("%s: then %v", c.name, err)
		}
	}
}

func TestAnOpenBreakerLetsOneCallTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(2, 2)
		for range TripAfter {
			fails(p, io.EOF, 0)
		}
		time.Sleep(breakFor + time.Millisecond)
		if p.Breaker() != HalfOpen {
			t.Fatalf("state %v", p.Breaker())
		}
		release := make(chan struct{})
		go p.Do(context.Background(), time.Time{}, func(context.Context) (Answer, error) { <-release; return Answer{}, nil })
		synctest.Wait()
		if _, err := p.Do(context.Background(), time.Time{}, nothing); err != errUnavailable {
			t.Errorf("a second call while one tries: %v", err)
		}
		close(release)
		synctest.Wait()
		if p.Breaker() != Closed {
			t.Errorf("after a success: state %v", p.Breaker())
		}
	})
}

// A call that ends because its last caller left counts for the breaker only when the
// first caller's deadline is over.
func TestWhyACallWasCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for timeout, want := range map[time.Duration]error{time.Second: context.Canceled, time.Minute: context.DeadlineExceeded} {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(timeout, cancel)
			driver := errors.New("a driver's word for it")
			_, err := newPool(1, 1).Do(ctx, time.Now().Add(time.Minute), func(ctx context.Context) (Answer, error) { <-ctx.Done(); return Answer{}, driver })
			if err != want {
				t.Errorf("cancelled after %v: %v", timeout, err)
			}
		}
	})
}

func TestAPanicReleasesItsSlot(t *testing.T) {
	p := newPool(1, 1)
	for range 3 {
		_, err := p.Do(context.Background(), time.Time{}, func(context.Context) (Answer, error) { panic("x") })
		if failure.PhraseOf(err, failure.Database) != failure.Internal {
			t.Error(err)
		}
	}
	if p.Running() != 0 {
		t.Errorf("%d slots are taken", p.Running())
	}
}
