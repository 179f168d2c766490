package token

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// cacheLife is how long a token without exp stays in the cache.
	cacheLife = 5 * time.Minute
	// cacheShare is the average size in bytes of a token with its claims.
	cacheShare = 4 << 10
	// maxIndexed bounds the values that the index of a token's claims holds.
	maxIndexed = 1000
	// sightings is the number of tokens that are known to have been verified once.
	sightings = 4096
)

// Cache remembers the most recently used tokens that were verified. It does not
// remember refused tokens, so a flood of bad tokens does not evict good ones.
// Any number of goroutines may use a Cache.
//
// An entry is valid only for the Set that verified it: with new keys each token
// is verified again. Its times are checked at each use.
//
// The map's key is the end of a token, a part of its signature: to hash all of it, and
// to compare it as Go does in wasm, byte by byte, would cost a third of a decision. A
// guesser who has the end of a token that is in the cache has its signature.
type Cache struct {
	mu      sync.Mutex
	max     int                // entries
	room    int                // free bytes
	entries map[string]*cached // by the ends of their tokens
	seed    maphash.Seed
	seen    [sightings]uint32 // hashes of tokens that were verified; 0: none
	ring    cached            // ring.next is the most recently used entry, ring.prev the least

	hits, misses atomic.Uint64 // since Lookups was called
}

type cached struct {
	prev, next *cached

	raw       string
	set       *Set
	judgement *judgement // accepted by at least one entry
	index     int        // bytes of the index of its claims
	from      time.Time  // when it was verified; not before claims.NotBefore
	until     time.Time  // when it is removed; not after claims.Expires
}

// NewCache returns a cache for at most that many entries. It holds at most 4 KiB
// times entries of texts and their indices. With 0 or fewer entries each token
// is verified each time.
func NewCache(entries int) *Cache {
	c := &Cache{max: entries, room: max(entries, 0) * cacheShare, entries: map[string]*cached{}, seed: maphash.MakeSeed()}
	c.ring.prev, c.ring.next = &c.ring, &c.ring
	return c
}

// Verify returns the result of s.VerifyFor. It verifies only tokens that are not
// in the cache, and asks takes each time. A token gets into the cache when it is
// verified for the second time: to keep one costs as much as some kinds of verification,
// and many come once.
func (c *Cache) Verify(s *Set, raw string, now time.Time, takes func(provider string) bool) (Claims, error) {
	if c == nil || c.max < 1 {
		return s.VerifyFor(raw, now, takes)
	}
	j := c.find(s, raw, now)
	if j == nil {
		c.misses.Add(1)
		var err error
		if j, err = s.judge(raw, now); err != nil {
			return Claims{}, err
		}
		if len(j.accepted) > 0 && c.sees(raw) {
			c.add(s, raw, j, now)
		}
	} else {
		c.hits.Add(1)
	}
	return j.decide(s, takes)
}

// Known returns the result of Verify for a token that is in the cache and that takes
// accepts. It verifies nothing.
func (c *Cache) Known(s *Set, raw string, now time.Time, takes func(provider string) bool) (claims *Claims, ok bool) {
	if c == nil || c.max < 1 {
		return nil, false
	}
	j := c.find(s, raw, now)
	if j == nil {
		return nil, false
	}
	for _, e := range j.accepted {
		if takes(e.provider) {
			return &j.claims, true
		}
	}
	return nil, false
}

// find returns the judgement of a token, nil if it is not in the cache.
func (c *Cache) find(s *Set, raw string, now time.Time) *judgement {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[end(raw)]
	if e == nil || !same(e.raw, raw) {
		return nil
	}
	if e.set != s || now.Before(e.from) || !now.Before(e.until) {
		c.remove(e)
		return nil
	}
	e.unlink()
	c.link(e)
	return e.judgement
}

// sees reports whether the token, which was verified, was so before. It may forget one,
// and take two for one.
func (c *Cache) sees(raw string) bool {
	hash := maphash.String(c.seed, end(raw))
	mark := uint32(hash>>32) | 1
	c.mu.Lock()
	defer c.mu.Unlock()
	at := &c.seen[hash%sightings]
	before := *at == mark
	*at = mark
	return before
}

// Lookups returns the numbers of tokens that were looked up since the last call, and
// that were found or not.
func (c *Cache) Lookups() (hits, misses uint64) {
	return c.hits.Swap(0), c.misses.Swap(0)
}

// Hit counts a request that Known has decided.
func (c *Cache) Hit() { c.hits.Add(1) }

func (c *Cache) add(s *Set, raw string, j *judgement, now time.Time) {
	until := j.claims.Expires
	if until.IsZero() {
		until = now.Add(cacheLife)
	}
	c.addUntil(s, raw, j, now, until)
}

func (c *Cache) addUntil(s *Set, raw string, j *judgement, now, until time.Time) {
	// The token may come with many requests, and a rule may have many clauses: so
	// the claims are read once, and not for each look into them.
	var index int
	j.claims.Value, index = j.claims.Value.Indexed(maxIndexed)
	j.claims.Memo = new(Memo)
	// Clone: raw may share the memory of a whole request.
	e := &cached{raw: strings.Clone(raw), set: s, judgement: j, index: index, from: now, until: until}
	if e.size() > c.max*cacheShare {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[end(raw)]; old != nil { // another goroutine has verified it meanwhile
		c.remove(old)
	}
	for len(c.entries) == c.max || c.room < e.size() {
		c.remove(c.ring.prev)
	}
	c.link(e)
	c.entries[end(e.raw)] = e
	c.room -= e.size()
}

func (c *Cache) remove(e *cached) {
	e.unlink()
	delete(c.entries, end(e.raw))
	c.room += e.size()
}

func (e *cached) size() int { return len(e.raw) + len(e.judgement.claims.JSON) + e.index }

// link makes e the most recently used entry.
func (c *Cache) link(e *cached) {
	e.prev, e.next = &c.ring, c.ring.next
	e.prev.next, e.next.prev = e, e
}

func (e *cached) unlink() { e.prev.next, e.next.prev = e.next, e.prev }
