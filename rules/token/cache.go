package token

import (
	"strings"
	"sync"
	"time"
)

const (
	// cacheLife bounds how long a token without exp is believed unseen.
	cacheLife = 5 * time.Minute
	// cacheShare is what a token and its claims may take on average.
	cacheShare = 4 << 10
)

// Cache remembers tokens that were verified, the most recently used ones.
// What was refused is not remembered, so no flood of bad tokens pushes a good
// one out. Any number of goroutines may use a Cache.
//
// An entry counts for the Set that verified it alone: with new keys every
// token is verified anew. Its times are judged at each use.
//
// The key is the whole token: hashing it with SHA-256 first would cost more in
// wasm than everything else that a warm request does. The map's own hash is
// seeded, so what a lookup takes does not tell how much of a guess was right.
type Cache struct {
	mu      sync.Mutex
	max     int // entries
	room    int // bytes that are free
	entries map[string]*entry
	ring    entry // ring.next was used last, ring.prev longest ago
}

type entry struct {
	prev, next *entry

	raw    string
	set    *Set
	claims Claims
	from   time.Time // when it was verified: not before claims.NotBefore
	until  time.Time // when it is forgotten: not after claims.Expires
}

// NewCache makes a cache of at most so many tokens, which together take at most
// 4 KiB for each of them; with none, or fewer, each token is verified each time.
func NewCache(entries int) *Cache {
	c := &Cache{max: entries, room: max(entries, 0) * cacheShare, entries: map[string]*entry{}}
	c.ring.prev, c.ring.next = &c.ring, &c.ring
	return c
}

// Verify is s.Verify, which is asked where the cache has no answer.
func (c *Cache) Verify(s *Set, raw string, now time.Time) (Claims, error) {
	if c == nil || c.max < 1 {
		return s.Verify(raw, now)
	}
	if claims, ok := c.find(s, raw, now); ok {
		return claims, nil
	}
	claims, err := s.Verify(raw, now)
	if err == nil {
		c.add(s, raw, claims, now)
	}
	return claims, err
}

func (c *Cache) find(s *Set, raw string, now time.Time) (Claims, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[raw]
	if e == nil {
		return Claims{}, false
	}
	if e.set != s || now.Before(e.from) || !now.Before(e.until) {
		c.remove(e)
		return Claims{}, false
	}
	e.unlink()
	c.link(e)
	return e.claims, true
}

func (c *Cache) add(s *Set, raw string, claims Claims, now time.Time) {
	until := claims.Expires
	if until.IsZero() {
		until = now.Add(cacheLife)
	}
	// Cloned: raw may be a piece of a request that would stay in memory with it.
	e := &entry{raw: strings.Clone(raw), set: s, claims: claims, from: now, until: until}
	if e.size() > c.max*cacheShare {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[raw]; old != nil { // verified by someone else meanwhile
		c.remove(old)
	}
	for len(c.entries) == c.max || c.room < e.size() {
		c.remove(c.ring.prev)
	}
	c.link(e)
	c.entries[e.raw] = e
	c.room -= e.size()
}

func (c *Cache) remove(e *entry) {
	e.unlink()
	delete(c.entries, e.raw)
	c.room += e.size()
}

func (e *entry) size() int { return len(e.raw) + len(e.claims.JSON) }

// link makes an entry the one used last.
func (c *Cache) link(e *entry) {
	e.prev, e.next = &c.ring, c.ring.next
	e.prev.next, e.next.prev = e, e
}

func (e *entry) unlink() { e.prev.next, e.next.prev = e.next, e.prev }
