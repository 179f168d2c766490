package companion

import (
	"context"
	"sync"
	"time"
)

// flights lets equal calls that run at the same time share one. A flight belongs
// to none of its callers: each leaves at its own deadline, and the flight ends
// when it is done or the last one has left. (x/sync/singleflight gives no way to
// tell when that is, so a query that nobody waits for would run on.)
type flights struct {
	mu  sync.Mutex
	all map[string]*flight
}

// maxJoin bounds how long a flight takes on more callers: what the database saw
// at its beginning is what all of them get.
const maxJoin = time.Second

type flight struct {
	began   time.Time
	waiting int
	cancel  context.CancelCauseFunc
	done    chan struct{}
	answer  answer
	err     error
}

// do runs f, or waits for the f that runs under key already. f gets a context
// that has ctx's values but not its deadline.
func (fs *flights) do(ctx context.Context, key string, f func(context.Context) (answer, error)) (answer, error) {
	fl := fs.join(ctx, key, f)
	select {
	case <-fl.done:
		fs.leave(key, fl, nil)
		return fl.answer, fl.err
	case <-ctx.Done():
		fs.leave(key, fl, context.Cause(ctx))
		return answer{}, context.Cause(ctx)
	}
}

func (fs *flights) join(ctx context.Context, key string, f func(context.Context) (answer, error)) *flight {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fl, ok := fs.all[key]; ok && time.Since(fl.began) < maxJoin {
		fl.waiting++
		return fl
	}
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	fl := &flight{began: time.Now(), waiting: 1, cancel: cancel, done: make(chan struct{})}
	if fs.all == nil {
		fs.all = map[string]*flight{}
	}
	fs.all[key] = fl
	go func() {
		defer fs.land(key, fl)
		fl.answer, fl.err = f(own)
	}()
	return fl
}

// land ends a flight: who comes now starts a new one.
func (fs *flights) land(key string, fl *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.drop(key, fl, nil)
	close(fl.done)
}

// leave says why, so that the last one's deadline is told from its going away.
func (fs *flights) leave(key string, fl *flight, why error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fl.waiting--; fl.waiting == 0 {
		fs.drop(key, fl, why)
	}
}

// drop cancels what runs and makes room for the next flight of the key. The lock
// is held.
func (fs *flights) drop(key string, fl *flight, why error) {
	if fs.all[key] == fl {
		delete(fs.all, key)
	}
	fl.cancel(why)
}

// load is how many run.
func (fs *flights) load() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return len(fs.all)
}
