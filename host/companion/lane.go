package companion

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/sony/gobreaker/v2"
)

// lane is the way to a target: how many calls run there at once, how many wait
// for their turn, and whether it is tried at all.
type lane struct {
	name    string
	slots   chan struct{}
	queue   int64
	waiting atomic.Int64
	took    atomic.Int64 // what a call takes there, a moving mean in nanoseconds
	breaker *gobreaker.TwoStepCircuitBreaker[answer]
}

const (
	// tripAfter failures in a row close a lane for breakFor; then one call is let
	// through to see. A second is what a restarted target waits for its first call.
	tripAfter = 10
	breakFor  = time.Second
)

func newLane(name string, p Pool, l Limits, log *slog.Logger) *lane {
	return &lane{
		name:  name,
		slots: make(chan struct{}, or(p.Size, l.Concurrency)),
		queue: int64(or(p.Queue, l.Queue)),
		breaker: gobreaker.NewTwoStepCircuitBreaker[answer](gobreaker.Settings{
			Timeout:      breakFor,
			ReadyToTrip:  func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= tripAfter },
			IsSuccessful: func(err error) bool { return !failing(err) },
			IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) }, // the caller went away
			OnStateChange: func(_ string, from, to gobreaker.State) {
				log.Warn("breaker", "target", name, "from", from.String(), "to", to.String())
			},
		}),
	}
}

// do runs f when it is its turn. deadline is when its caller leaves: a call that
// would wait longer fails at once, and so does one to a target that fails. ctx may
// live longer, for others may be waiting by then.
func (l *lane) do(ctx context.Context, deadline time.Time, f func(context.Context) (answer, error)) (a answer, err error) {
	if l.breaker.State() == gobreaker.StateOpen {
		return a, errUnavailable
	}
	if err := l.enter(ctx, deadline); err != nil {
		return a, err
	}
	defer func() { <-l.slots }()
	done, err := l.breaker.Allow()
	if err != nil {
		return a, errUnavailable
	}
	at := time.Now()
	defer func() {
		if r := recover(); r != nil {
			err = panicked(r)
		}
		l.note(time.Since(at))
		switch {
		case err == nil && unable(a.status):
			done(errStatus)
		case err != nil && ctx.Err() != nil:
			err = context.Cause(ctx) // drivers have words of their own for it
			done(err)
		default:
			done(err)
		}
	}()
	return f(ctx)
}

// enter waits for a place among those that run.
func (l *lane) enter(ctx context.Context, deadline time.Time) error {
	select {
	case l.slots <- struct{}{}:
		return nil
	default:
	}
	place := l.waiting.Add(1)
	defer l.waiting.Add(-1)
	if place > l.queue {
		return errBusy
	}
	wait := time.Duration(l.took.Load() * place / int64(cap(l.slots)))
	if !deadline.IsZero() && time.Until(deadline) < wait {
		return errBusy
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// note counts a call's time in.
func (l *lane) note(d time.Duration) {
	for {
		old := l.took.Load()
		next := old + (int64(d)-old)/8
		if old == 0 {
			next = int64(d)
		}
		if l.took.CompareAndSwap(old, next) {
			return
		}
	}
}

var (
	errBusy        = &fault{phrase: busy, err: errors.New("the queue is full, or longer than the call can wait")}
	errUnavailable = &fault{phrase: unavailable, err: errors.New("the target fails and is not tried for a moment")}
	errStatus      = errors.New("the target says that it is unable to answer")
)

// unable are the statuses by which a server, or a proxy before it, says so (RFC
// 9110, sections 15.6.3 to 15.6.5). A 500 may be one request's fault.
func unable(status int) bool { return status >= 502 && status <= 504 }

// failing says whether an error is the target's state and not the call's: then
// the next call would meet it too.
func failing(err error) bool {
	var f *fault
	var network net.Error
	var said *pgconn.PgError
	switch {
	case err == nil:
		return false
	case errors.As(err, &f) && f.phrase != databaseError && f.phrase != webhookError:
		return f.phrase == timedOut || f.phrase == refused
	case errors.As(err, &said): // https://www.postgresql.org/docs/current/errcodes-appendix.html
		class := said.Code[:min(len(said.Code), 2)]
		return class == "08" || class == "53" || class == "57"
	}
	return errors.Is(err, errStatus) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn)
}
