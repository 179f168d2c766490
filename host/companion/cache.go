package companion

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/rulegate/rulegate/host/companion/target"
)

// cache keeps answers within a number of bytes; the least recently used goes first.
// The call that asks says how old an answer may be.
type cache struct {
	mu       sync.Mutex
	maxBytes int
	bytes    int
	list     *simplelru.LRU[string, target.Answer]
}

// entryCost is the approximate memory of an entry besides its key and answer.
const entryCost = 256

func newCache(maxBytes int) (*cache, error) {
	c := &cache{maxBytes: maxBytes}
	var err error
	c.list, err = simplelru.NewLRU(math.MaxInt, func(key string, a target.Answer) { c.bytes -= cost(key, a) })
	return c, err
}

func cost(key string, a target.Answer) int { return len(key) + a.Size() + entryCost }

// find returns an answer that is younger than maxAge.
func (c *cache) find(key string, maxAge time.Duration) (target.Answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.list.Get(key)
	if !ok || time.Since(a.Begun) >= maxAge {
		return target.Answer{}, false
	}
	return a, true
}

func (c *cache) keep(key string, a target.Answer) {
	a.Rows = slices.Clone(a.Rows) // without spare capacity
	c.mu.Lock()
	defer c.mu.Unlock()
	if cost(key, a) > c.maxBytes/4 {
		return // it would evict too many others
	}
	c.list.Remove(key)
	c.list.Add(key, a)
	c.bytes += cost(key, a)
	for c.bytes > c.maxBytes {
		c.list.RemoveOldest()
	}
}

// size returns the number of cached answers and their bytes.
func (c *cache) size() (entries, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list.Len(), c.bytes
}
