package target

import (
	"context"
	"sync"
	"time"

	"resenje.org/singleflight"
)

// maxJoin bounds how long a running call accepts further callers: all of them get
// the state that the target had when the call began.
const maxJoin = time.Second

// Coalescer runs equal calls once. Each caller leaves at its own deadline; the call
// is cancelled when the last caller has left. The zero Coalescer is ready to use.
type Coalescer struct {
	group singleflight.Group[generation, Answer]

	mu   sync.Mutex
	open map[string]joinable // by key: the call that accepts further callers
	last uint64              // number of the youngest generation
}

// generation is one of the calls that run under a key. A number is never used
// twice, so that no caller joins a call that has ended or is older than maxJoin.
type generation struct {
	key    string
	number uint64
}

type joinable struct {
	number uint64
	begun  time.Time
}

// Do runs f, or waits for the call that runs under key already. f gets a context
// with the values of ctx but without its deadline.
func (c *Coalescer) Do(ctx context.Context, key string, f func(context.Context) (Answer, error)) (Answer, error) {
	g := c.join(key)
	a, _, err := c.group.Do(ctx, g, func(ctx context.Context) (Answer, error) {
		defer c.end(g)
		return guarded(ctx, f)
	})
	return a, err
}

// join returns the generation that a caller who comes now belongs to.
func (c *Coalescer) join(key string) generation {
	c.mu.Lock()
	defer c.mu.Unlock()
	j, ok := c.open[key]
	if !ok || time.Since(j.begun) >= maxJoin {
		if c.open == nil {
			c.open = map[string]joinable{}
		}
		c.last++
		j = joinable{number: c.last, begun: time.Now()}
		c.open[key] = j
	}
	return generation{key, j.number}
}

// end keeps later callers from joining g, whose answer is from before they came.
func (c *Coalescer) end(g generation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[g.key].number == g.number {
		delete(c.open, g.key)
	}
}

// Running is the number of distinct calls that accept callers now.
func (c *Coalescer) Running() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}
