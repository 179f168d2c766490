package token

import (
	"strings"
	"testing"
)

// TestSame: texts of each length are equal to copies of them, and to no text that
// differs in one byte, wherever that is.
func TestSame(t *testing.T) {
	for n := range 40 {
		text := strings.Repeat("x", n)
		if !same(text, strings.Clone(text)) || same(text, text+"x") || same(text+"x", text) {
			t.Errorf("%d bytes", n)
		}
		for i := range n {
			if other := text[:i] + "y" + text[i+1:]; same(text, other) || same(other, text) {
				t.Errorf("%d bytes, of which the one at %d differs", n, i)
			}
		}
	}
}

// TestCacheTellsTokensWithOneEndApart: a token whose end is that of another one is not
// taken for it, whichever came first, and a short one has an end too.
func TestCacheTellsTokensWithOneEndApart(t *testing.T) {
	set, cache := hsSet(t), NewCache(8)
	good := forge(hsHeader, `{"id":1}`)
	if _, err := verifyTwice(cache, set, good, testNow); err != nil || !inCache(cache, set, good, testNow) {
		t.Fatalf("%v, or not remembered", err)
	}
	for _, other := range []string{"x" + good, good[1:], strings.Replace(good, ".", "x.", 1), b64(hsHeader) + "." + b64(`{"id":2}`) + good[strings.LastIndexByte(good, '.'):], end(good), ""} {
		if inCache(cache, set, other, testNow) {
			t.Errorf("%s is taken for %s", other, good)
		}
		if _, err := verifyTwice(cache, set, other, testNow); err == nil {
			t.Errorf("%s is accepted", other)
		}
	}
	if !inCache(cache, set, good, testNow) {
		t.Error("a refused token pushed a good one out")
	}
	// Two texts of opaque tokens may end alike.
	j := &judgement{claims: Claims{}}
	cache.addUntil(set, "a"+strings.Repeat("x", endLength), j, testNow, testNow.Add(cacheLife))
	cache.addUntil(set, "b"+strings.Repeat("x", endLength), &judgement{}, testNow, testNow.Add(cacheLife))
	for _, text := range []string{"a", "b"} {
		if cache.find(set, text+strings.Repeat("x", endLength), testNow) == nil {
			t.Errorf("of two tokens that end alike, %s is not in the cache", text)
		}
	}
	cache.consistent(t)
}

// consistent fails if the ring and the chains do not have the same entries.
func (c *Cache) consistent(t *testing.T) {
	t.Helper()
	ring, chained, room := 0, 0, c.max*cacheShare
	for e := c.ring.next; e != &c.ring; e = e.next {
		ring++
		room -= e.size()
		at := *c.chain(c.hash(e.raw))
		for at != nil && at != e {
			at = at.behind
		}
		if at == nil {
			t.Errorf("%q is in the ring, and in no chain", e.raw)
		}
	}
	for _, e := range c.chains {
		for ; e != nil; e = e.behind {
			chained++
		}
	}
	if ring != c.count || chained != c.count || room != c.room {
		t.Errorf("%d entries are in the ring, %d in chains, %d counted; %d bytes free, %d counted", ring, chained, c.count, room, c.room)
	}
}

// TestCacheChains: entries come and go, in chains of one and of all.
func TestCacheChains(t *testing.T) {
	set := hsSet(t)
	for _, chains := range []int{1, 16} {
		cache := NewCache(16)
		cache.chains = make([]*cached, chains)
		for i := range 200 {
			raw := strings.Repeat("y", i%40) + strings.Repeat("x", endLength)
			if i%3 == 0 {
				raw = strings.Repeat("x", endLength) + strings.Repeat("y", i%40)
			}
			cache.addUntil(set, raw, &judgement{}, testNow, testNow.Add(cacheLife))
			if cache.find(set, raw, testNow) == nil {
				t.Fatalf("%s is not there", raw)
			}
			if i%7 == 0 && cache.find(hsSet(t), raw, testNow) != nil {
				t.Fatal("valid for another set")
			}
			cache.consistent(t)
		}
	}
}
