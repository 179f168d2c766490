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
	if cache.find(set, "a"+strings.Repeat("x", endLength), testNow) != nil || cache.find(set, "b"+strings.Repeat("x", endLength), testNow) == nil {
		t.Error("of two tokens that end alike, the newer one is not in the cache alone")
	}
	if want := len(cache.entries); cache.count() != want {
		t.Errorf("%d entries are linked, %d are known", cache.count(), want)
	}
}

func (c *Cache) count() (n int) {
	for e := c.ring.next; e != &c.ring; e = e.next {
		n++
	}
	return n
}
