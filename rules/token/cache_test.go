package token

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// inCache reports whether the cache has a token. It removes the keys of the Set
// for the test, so that only the cache can accept the token.
func inCache(c *Cache, s *Set, raw string, now time.Time) bool {
	list := s.keyList
	defer func() { s.keyList = list }()
	s.keyList = keyList{}
	_, err := c.Verify(s, raw, now, nil, nil)
	return err == nil
}

// verifyTwice returns the result of Verify for a token that comes for the second time:
// then the cache keeps it.
func verifyTwice(c *Cache, s *Set, raw string, now time.Time) (Claims, error) {
	_, _ = c.Verify(s, raw, now, nil, nil)
	return c.Verify(s, raw, now, nil, nil)
}

// TestCacheKeepsWhatComesTwice: a token that came once takes no room, and pushes no
// other one out.
func TestCacheKeepsWhatComesTwice(t *testing.T) {
	set, cache := hsSet(t), NewCache(1)
	good := forge(hsHeader, `{"id":0}`)
	for i, want := range []bool{false, true} {
		_, err := cache.Verify(set, good, testNow, nil, nil)
		wantStage(t, err, "")
		if got := inCache(cache, set, good, testNow); got != want {
			t.Fatalf("after %d times in the cache: %t", i+1, got)
		}
	}
	for i := range 100 {
		claims, err := cache.Verify(set, forge(hsHeader, fmt.Sprintf(`{"id":%d}`, i+1)), testNow, nil, nil)
		wantStage(t, err, "")
		if claims.Memo != nil {
			t.Error("answers are kept for a token that is not")
		}
	}
	if !inCache(cache, set, good, testNow) {
		t.Error("tokens that came once pushed out one that came twice")
	}
}

func TestCacheAnswersAsTheSetDoes(t *testing.T) {
	set, cache := hsSet(t), NewCache(8)
	raw := forge(hsHeader, sums(`{"id":"1","exp":%d+9,"nbf":%d-1}`, testNow.Unix()))
	want, err := set.Verify(raw, testNow)
	want.Value = value.Value{}
	if err != nil {
		t.Fatal(err)
	}
	if inCache(cache, set, raw, testNow) {
		t.Error("there before it was verified")
	}
	for range 3 {
		if got, err := cache.Verify(set, raw, testNow, nil, nil); err != nil || got.Value.String() != got.JSON {
			t.Errorf("got %v of %s, %v", got.Value, got.JSON, err)
		} else if got.Value, got.Memo = (value.Value{}), nil; !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if !inCache(cache, set, raw, testNow) {
		t.Error("not remembered")
	}
	// One letter differs.
	if other := strings.Replace(raw, ".", "A.", 1); inCache(cache, set, other, testNow) {
		t.Error("another token is taken for it")
	}
}

func TestCacheRespectsTimes(t *testing.T) {
	at := func(seconds int64) time.Time { return testNow.Add(time.Duration(seconds) * time.Second) }
	for _, c := range []struct {
		claims string
		now    time.Time
		stage  Stage
		cached bool
	}{
		{`{"exp":%d+9}`, at(8), "", true},
		{`{"exp":%d+9}`, at(9), StageTime, false},
		{`{"exp":%d+9}`, at(9).Add(-1), "", true},
		{`{"nbf":%d-9}`, at(1), "", true},
		{`{"nbf":%d-9}`, at(-10), StageTime, false}, // the clock was set back
		{`{"iat":%d-9}`, at(-10), StageTime, false},
		{`{}`, at(-1), "", false},
		{`{}`, at(299), "", true},
		{`{}`, at(300), "", false}, // verified anew
		{`{"exp":9e99}`, at(86400), "", true},
	} {
		t.Run(fmt.Sprintf("%s %s", c.claims, c.now.Sub(testNow)), func(t *testing.T) {
			set, cache := hsSet(t), NewCache(8)
			raw := forge(hsHeader, sums(c.claims, testNow.Unix()))
			_, err := verifyTwice(cache, set, raw, testNow)
			wantStage(t, err, "")
			if got := inCache(cache, set, raw, c.now); got != c.cached {
				t.Errorf("from the cache: %t, want %t", got, c.cached)
			}
			_, err = cache.Verify(set, raw, c.now, nil, nil)
			wantStage(t, err, c.stage)
		})
	}
}

func TestCacheForgetsWithTheKeys(t *testing.T) {
	cache, raw := NewCache(8), forge(hsHeader, `{}`)
	old, same := hsSet(t), hsSet(t)
	_, err := verifyTwice(cache, old, raw, testNow)
	wantStage(t, err, "")
	if inCache(cache, same, raw, testNow) {
		t.Error("answers for another Set")
	}
	_, err = cache.Verify(newSet(t, Key{Alg: "HS256", Secret: "new"}), raw, testNow, nil, nil)
	wantStage(t, err, StageSignature)
	_, err = cache.Verify(nil, raw, testNow, nil, nil)
	wantStage(t, err, StageKey)
	_, err = verifyTwice(cache, same, raw, testNow)
	wantStage(t, err, "")
	if !inCache(cache, same, raw, testNow) {
		t.Error("not remembered for the new Set")
	}
}

func TestCacheIsBounded(t *testing.T) {
	const size = 4
	set, cache := hsSet(t), NewCache(size)
	raw := func(i int) string { return forge(hsHeader, fmt.Sprintf(`{"id":%d}`, i)) }
	for i := range 3 * size {
		_, err := verifyTwice(cache, set, raw(i), testNow)
		wantStage(t, err, "")
		if !inCache(cache, set, raw(0), testNow) { // it is in use, so it stays
			t.Fatalf("token 0 is gone after token %d", i)
		}
	}
	var kept []int
	for i := range 3 * size {
		if inCache(cache, set, raw(i), testNow) {
			kept = append(kept, i)
		}
	}
	if got := fmt.Sprint(kept); got != "[0 9 10 11]" {
		t.Errorf("kept %s, want the %d used last", got, size)
	}
}

// A few large tokens evict many small ones.
func TestCacheIsBoundedInBytes(t *testing.T) {
	set, cache := hsSet(t), NewCache(8)
	raw := func(i int) string {
		return forge(hsHeader, fmt.Sprintf(`{"id":%d,"x":%q}`, i, strings.Repeat("x", 10_000)))
	}
	for i := range 8 {
		_, err := verifyTwice(cache, set, raw(i), testNow)
		wantStage(t, err, "")
		if !inCache(cache, set, raw(i), testNow) {
			t.Errorf("token %d is not remembered", i)
		}
	}
	if inCache(cache, set, raw(6), testNow) || !inCache(cache, set, raw(7), testNow) {
		t.Error("32 KiB hold one token of 13 KB with claims of 10 KB")
	}
	one := NewCache(1)
	_, err := verifyTwice(one, set, raw(0), testNow)
	wantStage(t, err, "")
	if inCache(one, set, raw(0), testNow) {
		t.Error("a token larger than the cache is remembered")
	}
}

func TestFailuresPushNothingOut(t *testing.T) {
	set, cache := hsSet(t), NewCache(1)
	good := forge(hsHeader, `{}`)
	_, err := verifyTwice(cache, set, good, testNow)
	wantStage(t, err, "")
	for i, bad := range []string{
		"", "a.b.c", strings.Repeat("x", maxToken+1), rfcNone,
		forgeWith("guess", hsHeader, `{}`), forge(hsHeader, `{"exp":0}`), forge(hsHeader, `[]`),
	} {
		if c, err := cache.Verify(set, bad, testNow, nil, nil); err == nil || !reflect.DeepEqual(c, Claims{}) {
			t.Errorf("bad token %d: %+v, %v", i, c, err)
		}
	}
	if !inCache(cache, set, good, testNow) {
		t.Error("a refused token pushed a good one out")
	}
}

func TestCacheHoldsNoTokenThatNoEntryAccepts(t *testing.T) {
	set, cache := newSet(t, Key{Alg: "HS256", Secret: testSecret, Audience: []string{"a"}}), NewCache(1)
	good := forge(hsHeader, `{"aud":"a"}`)
	_, err := verifyTwice(cache, set, good, testNow)
	wantStage(t, err, "")
	_, err = cache.Verify(set, forge(hsHeader, `{"aud":"b"}`), testNow, nil, nil)
	wantStage(t, err, StageAudience)
	if !inCache(cache, set, good, testNow) {
		t.Error("a refused token pushed a good one out")
	}
}

func TestCacheOfNone(t *testing.T) {
	set, raw := hsSet(t), forge(hsHeader, `{}`)
	for _, n := range []int{0, -1} {
		cache := NewCache(n)
		_, err := verifyTwice(cache, set, raw, testNow)
		wantStage(t, err, "")
		if inCache(cache, set, raw, testNow) {
			t.Errorf("a cache of %d remembers", n)
		}
	}
}

func TestCacheFromManySides(t *testing.T) {
	set, cache := newSet(t, primaryFor("HS256")), NewCache(2)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			raw := forge(hsHeader, fmt.Sprintf(`{"id":%d}`, i%4))
			for range 200 {
				if _, err := cache.Verify(set, raw, testNow, nil, nil); err != nil {
					t.Error(err)
				}
				if _, err := set.ServiceToken("gw", "https://a", testNow); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// TestCacheOwnsClaims checks that the claims in the cache stay as they are when the Opener
// that they were read with is used for another token.
func TestCacheOwnsClaims(t *testing.T) {
	set, cache := hsSet(t), NewCache(8)
	a, b := forge(hsHeader, `{"role":"admin","aud":["x"]}`), forge(hsHeader, `{"name":"guest","sub":"y"}`)
	var o value.Opener
	for i, raw := range []string{a, a, b, b, a, b} {
		claims, err := cache.Verify(set, raw, testNow, nil, &o)
		if err != nil {
			t.Fatal(err)
		}
		role, _ := claims.Value.Key("role").Text()
		name, _ := claims.Value.Key("name").Text()
		if raw == a && (role != "admin" || name != "") || raw == b && (role != "" || name != "guest") {
			t.Errorf("look %d: role %q and name %q of %s", i, role, name, claims.JSON)
		}
		o.Clear()
	}
	if hits, misses := cache.Lookups(); hits != 2 || misses != 4 {
		t.Errorf("%d hits and %d misses", hits, misses)
	}
}
