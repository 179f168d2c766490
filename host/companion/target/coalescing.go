package target

import (
	"context"
	"sync"
	"time"
)

// maxJoin bounds how long a running call accepts further callers: all of them get
// the state that the target had when the call began.
const maxJoin = time.Second

// Coalescer runs equal calls once. Each caller leaves at its own deadline; the call
// is cancelled when the last caller has left. The zero Coalescer is ready to use.
type Coalescer struct {
	workers workers

	mu   sync.Mutex
	open map[string]*shared // by key: the call that accepts further callers
}

// shared is a running call. Its answer is set before done is closed.
type shared struct {
	begun   time.Time
	callers int // guarded by the Coalescer's mu
	cancel  context.CancelFunc
	done    chan struct{}
	answer  Answer
	err     error
}

// Do runs f, or waits for the call that runs under key already. f gets a context
// with the values of ctx but without its deadline.
func (c *Coalescer) Do(ctx context.Context, key string, f func(context.Context) (Answer, error)) (Answer, error) {
	s := c.join(ctx, key, f)
	select {
	case <-s.done:
		return s.answer, s.err
	case <-ctx.Done():
		c.leave(key, s)
		return Answer{}, ctx.Err()
	}
}

// join makes the caller one of a running call, or starts one.
func (c *Coalescer) join(ctx context.Context, key string, f func(context.Context) (Answer, error)) *shared {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.open[key]
	if s != nil && time.Since(s.begun) < maxJoin {
		s.callers++
		return s
	}
	if c.open == nil {
		c.open = map[string]*shared{}
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s = &shared{begun: time.Now(), callers: 1, cancel: cancel, done: make(chan struct{})}
	c.open[key] = s
	c.workers.run(func() {
		defer cancel()
		defer close(s.done)
		defer c.end(key, s)
		s.answer, s.err = guarded(running, f)
	})
	return s
}

// leave cancels the call if nobody waits for it any more. Nobody can join it then.
func (c *Coalescer) leave(key string, s *shared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.callers--; s.callers == 0 {
		c.forget(key, s)
		s.cancel()
	}
}

// end keeps later callers from joining s, whose answer is from before they came.
func (c *Coalescer) end(key string, s *shared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(key, s)
}

func (c *Coalescer) forget(key string, s *shared) {
	if c.open[key] == s {
		delete(c.open, key)
	}
}

// Running is the number of distinct calls that accept callers now.
func (c *Coalescer) Running() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// Callers is the number of callers that wait for calls that accept more.
func (c *Coalescer) Callers() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.open {
		n += s.callers
	}
	return n
}
