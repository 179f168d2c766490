package token

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/token/keys"
	"github.com/rulegate/rulegate/rules/value"
)

const (
	// cacheLife is how long a token without exp stays in the cache.
	cacheLife = 5 * time.Minute
	// cacheShare is the average size in bytes of a token with its claims.
	cacheShare = 4 << 10
	// maxIndexed bounds the values that the index of a token's claims holds.
	maxIndexed = 1000
)

// Cache remembers the most recently used tokens that were verified. It does not
// remember refused tokens, so a flood of bad tokens does not evict good ones.
// Any number of goroutines may use a Cache.
//
// An entry is valid only for the Set that verified it: with new keys each token
// is verified again. Its times are checked at each use.
//
// An entry is found by the end of its token, a part of its signature: to hash all of
// it would cost a third of a decision. Then all of it is compared. The table is no map
// of Go, which takes four functions more.
type Cache struct {
	mu     keys.Mutex
	max    int       // entries
	room   int       // free bytes
	count  int       // entries
	chains []*cached // by the hashes of the ends of their tokens; their number is a power of two
	seed   uint64
	seen   []uint32 // hashes of tokens that were verified, as many as chains; 0: none
	ring   cached   // ring.next is the most recently used entry, ring.prev the least

	hits, misses uint64 // since Lookups was called
}

type cached struct {
	prev, next *cached // in the ring
	behind     *cached // in the chain

	raw         string
	set         *Set
	judgement   *judgement // accepted by at least one entry
	index       int        // bytes of the index of its claims
	from, until int64      // nanoseconds: when it was verified, not before claims.NotBefore; when it is removed, not after claims.Expires
}

// NewCache returns a cache for at most that many entries. It holds at most 4 KiB
// times entries of texts and their indices. With 0 or fewer entries each token
// is verified each time.
func NewCache(entries int) *Cache {
	chains := 1
	for chains < entries {
		chains *= 2
	}
	c := &Cache{max: entries, room: max(entries, 0) * cacheShare, chains: make([]*cached, chains), seen: make([]uint32, chains), seed: maphash.Bytes(maphash.MakeSeed(), nil)}
	c.ring.prev, c.ring.next = &c.ring, &c.ring
	return c
}

// Verify returns the result of s.VerifyFor. It verifies only tokens that are not
// in the cache, and asks takes each time. A token gets into the cache when it is
// verified for the second time: to keep one costs as much as some kinds of verification,
// and many come once. A token that comes back after more others than the cache holds
// would leave it before it came again, so it does not get in.
//
// The claims of a token that is not in the cache may use the memory of o, and are then
// valid until its next Parse or Clear.
func (c *Cache) Verify(s *Set, raw string, now time.Time, takes func(provider string) bool, o *value.Opener) (Claims, error) {
	if c.caches() {
		if j := c.lookUp(s, raw, now); j != nil {
			return j.decide(s, takes)
		}
	}
	return c.VerifyNew(s, raw, now, takes, o)
}

func (c *Cache) caches() bool { return c != nil && c.max > 0 }

// VerifyNew is Verify for a token that Known has just not found.
func (c *Cache) VerifyNew(s *Set, raw string, now time.Time, takes func(provider string) bool, o *value.Opener) (Claims, error) {
	j, err := s.judge(raw, now, o)
	if err != nil {
		return Claims{}, err
	}
	if c.caches() && len(j.accepted) > 0 && c.sees(raw) {
		j.claims.Value = value.Checked(j.claims.JSON) // in no memory of o
		c.add(s, raw, j, now)
	}
	return j.decide(s, takes)
}

// lookUp is find, and counts.
func (c *Cache) lookUp(s *Set, raw string, now time.Time) *judgement {
	c.mu.Lock() // without a defer, which costs a module two function calls
	e := c.find(s, raw, now)
	if e == nil {
		c.misses++
		c.mu.Unlock()
		return nil
	}
	c.hits++
	c.mu.Unlock()
	return e.judgement
}

// Known looks a token up and verifies nothing. found is false if the token is not in the
// cache, which counts as a miss. The claims are nil too if takes accepts no provider of the
// token; a nil takes accepts every one. They have no Provider, and are not to be changed.
func (c *Cache) Known(s *Set, raw string, now time.Time, takes func(provider string) bool) (claims *Claims, found bool) {
	c.mu.Lock()
	e := c.find(s, raw, now)
	switch {
	case e == nil:
		c.misses++
	case takes == nil || e.judgement.accepts(takes):
		c.hits++
		claims = &e.judgement.claims
	}
	c.mu.Unlock()
	return claims, e != nil
}

// find returns the entry of a token, nil if it is not in the cache.
func (c *Cache) find(s *Set, raw string, now time.Time) *cached {
	e := *c.chain(c.hash(raw))
	for e != nil && !same(e.raw, raw) {
		e = e.behind
	}
	if e == nil {
		return nil
	}
	if at := now.UnixNano(); e.set != s || at < e.from || at >= e.until {
		c.remove(e)
		return nil
	}
	if c.ring.next != e {
		e.unlink()
		c.link(e)
	}
	return e
}

// hash is that of the end of a token.
func (c *Cache) hash(raw string) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	end := end(raw)
	h := c.seed
	for ; len(end) >= 8; end = end[8:] {
		h = (h ^ binary.LittleEndian.Uint64([]byte(end[:8]))) * odd
		h ^= h >> 32
	}
	for i := range len(end) {
		h = (h ^ uint64(end[i])) * odd
		h ^= h >> 32
	}
	return h
}

// chain is where the chain begins that has the tokens of a hash.
func (c *Cache) chain(hash uint64) **cached { return &c.chains[hash&uint64(len(c.chains)-1)] }

// sees reports whether the token, which was verified, was so before. It may forget one,
// and take two for one.
func (c *Cache) sees(raw string) bool {
	hash := c.hash(raw)
	mark := uint32(hash>>32) | 1
	c.mu.Lock()
	at := &c.seen[hash&uint64(len(c.seen)-1)]
	before := *at == mark
	*at = mark
	c.mu.Unlock()
	return before
}

// Lookups returns the numbers of tokens that were looked up since the last call, and
// that were found or not.
func (c *Cache) Lookups() (hits, misses uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hits, misses = c.hits, c.misses
	c.hits, c.misses = 0, 0
	return hits, misses
}

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
	e := &cached{raw: strings.Clone(raw), set: s, judgement: j, index: index, from: now.UnixNano(), until: nanoseconds(until)}
	if e.size() > c.max*cacheShare {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for old := *c.chain(c.hash(raw)); old != nil; old = old.behind {
		if same(old.raw, raw) { // another goroutine has verified it meanwhile
			c.remove(old)
			break
		}
	}
	for c.count == c.max || c.room < e.size() {
		c.remove(c.ring.prev)
	}
	c.link(e)
	chain := c.chain(c.hash(raw))
	e.behind, *chain = *chain, e
	c.count++
	c.room -= e.size()
}

// nanoseconds is the time as UnixNano has it; of a time that it cannot have, the last one.
func nanoseconds(t time.Time) int64 {
	if t.Unix() >= math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	return t.UnixNano()
}

func (c *Cache) remove(e *cached) {
	e.unlink()
	at := c.chain(c.hash(e.raw))
	for *at != e {
		at = &(*at).behind
	}
	*at = e.behind
	c.count--
	c.room += e.size()
}

func (e *cached) size() int { return len(e.raw) + len(e.judgement.claims.JSON) + e.index }

// link makes e the most recently used entry.
func (c *Cache) link(e *cached) {
	e.prev, e.next = &c.ring, c.ring.next
	e.prev.next, e.next.prev = e, e
}

func (e *cached) unlink() { e.prev.next, e.next.prev = e.next, e.prev }
