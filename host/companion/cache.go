package companion

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// cache keeps answers, the least recently used going first, within a number of
// bytes. How old an answer may be is the asking call's word.
type cache struct {
	mu   sync.Mutex
	most int
	size int
	list *simplelru.LRU[string, answer]
}

// entryCost is about what an entry takes beside its key and answer.
const entryCost = 256

func newCache(most int) (*cache, error) {
	c := &cache{most: most}
	var err error
	c.list, err = simplelru.NewLRU(math.MaxInt, func(key string, a answer) { c.size -= cost(key, a) })
	return c, err
}

func cost(key string, a answer) int { return len(key) + a.size() + entryCost }

// find gives an answer that is at most age old.
func (c *cache) find(key string, age time.Duration) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.list.Get(key)
	if !ok || time.Since(a.at) >= age {
		return answer{}, false
	}
	return a, true
}

func (c *cache) keep(key string, a answer) {
	a.rows = slices.Clone(a.rows) // without what it grew by
	c.mu.Lock()
	defer c.mu.Unlock()
	if cost(key, a) > c.most/4 {
		return // it would push out too much
	}
	c.list.Remove(key)
	c.list.Add(key, a)
	c.size += cost(key, a)
	for c.size > c.most {
		c.list.RemoveOldest()
	}
}

// load is how many answers are kept, and what they take.
func (c *cache) load() (entries, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list.Len(), c.size
}
