package token

import (
	"strings"
	"sync"
	"time"
)

const (
	// cacheLife is how long a token without exp stays in the cache.
	cacheLife = 5 * time.Minute
	// cacheShare is the average size in bytes of a token with its claims.
	cacheShare = 4 << 10
)

// Cache remembers the most recently used tokens that were verified. It does not
// remember refused tokens, so a flood of bad tokens does not evict good ones.
// Any number of goroutines may use a Cache.
//
// An entry is valid only for the Set that verified it: with new keys each token
// is verified again. Its times are checked at each use.
//
// The map's key is the whole token: hashing it with SHA-256 first would cost
// more in wasm than the rest of a request whose token is cached. Go seeds the
// hash of its maps, so the time of a lookup does not tell a guesser how much of
// a token was right.
type Cache struct {
	mu      sync.Mutex
	max     int // entries
	room    int // free bytes
	entries map[string]*entry
	ring    entry // ring.next is the most recently used entry, ring.prev the least
}

type entry struct {
	prev, next *entry

	raw    string
	set    *Set
	claims Claims
	from   time.Time // when it was verified; not before claims.NotBefore
	until  time.Time // when it is removed; not after claims.Expires
}

// NewCache returns a cache for at most that many entries. It holds at most 4 KiB
// times entries of text. With 0 or fewer entries each token is verified each
// time.
func NewCache(entries int) *Cache {
	c := &Cache{max: entries, room: max(entries, 0) * cacheShare, entries: map[string]*entry{}}
	c.ring.prev, c.ring.next = &c.ring, &c.ring
	return c
}

// Verify returns the result of s.Verify. It calls s.Verify only for tokens that
// are not in the cache.
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
	// Clone: raw may share the memory of a whole request.
	e := &entry{raw: strings.Clone(raw), set: s, claims: claims, from: now, until: until}
	if e.size() > c.max*cacheShare {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[raw]; old != nil { // another goroutine has verified it meanwhile
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

// link makes e the most recently used entry.
func (c *Cache) link(e *entry) {
	e.prev, e.next = &c.ring, c.ring.next
	e.prev.next, e.next.prev = e, e
}

func (e *entry) unlink() { e.prev.next, e.next.prev = e.next, e.prev }
