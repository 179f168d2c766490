package target

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/rulegate/rulegate/host/companion/failure"
)

// Pool bounds the calls to one target: the calls that run at once, and the calls
// that wait for a slot. Its breaker refuses calls while the target fails.
type Pool struct {
	name    string
	slots   chan struct{} // one element for each running call
	queue   int64         // calls that may wait for a slot
	waiting atomic.Int64
	mean    atomic.Int64 // moving mean of a call's duration, in nanoseconds
	breaker *breaker
}

// NewPool returns a pool for size running and queue waiting calls.
func NewPool(name string, size, queue int, log *slog.Logger) *Pool {
	return &Pool{name: name, slots: make(chan struct{}, size), queue: int64(queue), breaker: newBreaker(name, log)}
}

// Name is the target's name in metrics and logs.
func (p *Pool) Name() string { return p.name }

// Running is the number of calls that run now.
func (p *Pool) Running() int { return len(p.slots) }

// Waiting is the number of calls that wait for a slot now.
func (p *Pool) Waiting() int { return int(p.waiting.Load()) }

// Breaker is the state of the breaker now.
func (p *Pool) Breaker() State { return stateOf(p.breaker) }

var (
	errBusy        = failure.New(failure.Busy, errors.New("the queue is full, or longer than the call can wait"))
	errUnavailable = failure.New(failure.Unavailable, errors.New("the breaker is open after repeated failures of the target"))
)

// Do runs f in a slot. It fails at once when the breaker is open, when the queue is
// full, and when the call would wait for its slot beyond deadline. deadline is that
// of the first caller; ctx may end later, because coalesced callers share the call.
func (p *Pool) Do(ctx context.Context, deadline time.Time, f func(context.Context) (Answer, error)) (Answer, error) {
	if p.Breaker() == Open {
		return Answer{}, errUnavailable
	}
	if err := p.acquire(ctx, deadline); err != nil {
		return Answer{}, err
	}
	defer func() { <-p.slots }()
	report, err := p.breaker.Allow()
	if err != nil {
		return Answer{}, errUnavailable
	}
	start := time.Now()
	a, err := guarded(ctx, f)
	p.record(time.Since(start))
	switch {
	case err == nil && cannotAnswer(a.Status):
		report(errStatus)
		return a, nil
	case err != nil && ctx.Err() != nil:
		err = cause(ctx, deadline)
	}
	report(err)
	return a, err
}

// guarded turns a panic of f into an error, so that the slot is always released
// and the breaker always told.
func guarded(ctx context.Context, f func(context.Context) (Answer, error)) (a Answer, err error) {
	defer failure.Recover(&err)
	return f(ctx)
}

// cause returns why ctx ended; drivers report it in errors of their own. The
// context of a coalesced call is cancelled when its last caller leaves: at or after
// the deadline the target was too slow, before it the callers went away.
func cause(ctx context.Context, deadline time.Time) error {
	if !deadline.IsZero() && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return context.Cause(ctx)
}

// acquire takes a slot, or waits for one.
func (p *Pool) acquire(ctx context.Context, deadline time.Time) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	position := p.waiting.Add(1)
	defer p.waiting.Add(-1)
	if position > p.queue {
		return errBusy
	}
	wait := time.Duration(p.mean.Load() * position / int64(cap(p.slots)))
	if !deadline.IsZero() && time.Until(deadline) < wait {
		return errBusy
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return cause(ctx, deadline)
	}
}

// record adds the duration of a call to the moving mean.
func (p *Pool) record(d time.Duration) {
	for {
		old := p.mean.Load()
		next := old + (int64(d)-old)/8
		if old == 0 {
			next = int64(d)
		}
		if p.mean.CompareAndSwap(old, next) {
			return
		}
	}
}
