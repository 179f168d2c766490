package token

import (
	"sync"
	"testing"
	"time"
)

// TestMemoEndsWithItsEntry: what is kept with a token is there as long as the token's
// entry in the cache, and no longer.
func TestMemoEndsWithItsEntry(t *testing.T) {
	set, cache := hsSet(t), NewCache(1)
	raw := forge(hsHeader, sums(`{"exp":%d+9}`, testNow.Unix()))
	question := new(byte)
	verify := func(s *Set, raw string, at time.Time) *Memo {
		t.Helper()
		c, err := verifyTwice(cache, s, raw, at)
		wantStage(t, err, "")
		return c.Memo
	}
	known := func(s *Set, at time.Time) bool {
		t.Helper()
		_, ok := verify(s, raw, at).Find(question)
		return ok
	}
	keep := func() { verify(set, raw, testNow).Keep(question, "yes") }
	if keep(); !known(set, testNow) {
		t.Error("not kept")
	}
	if known(hsSet(t), testNow) {
		t.Error("new keys keep an answer")
	}
	if keep(); !known(set, testNow.Add(8*time.Second)) {
		t.Error("not kept until exp")
	}
	if c, err := cache.Verify(set, raw, testNow.Add(9*time.Second), nil, nil); err == nil || c.Memo != nil {
		t.Error("an expired token has a memo")
	}
	keep()
	verify(set, forge(hsHeader, `{}`), testNow) // takes the only place
	if known(set, testNow) {
		t.Error("an answer outlived its entry")
	}
	if c, err := set.Verify(raw, testNow); err != nil || c.Memo != nil {
		t.Errorf("outside of a cache: %v, %v", c.Memo, err)
	}
}

// TestMemoIsBounded: a memo keeps the last few answers, and any number of goroutines
// may use it.
func TestMemoIsBounded(t *testing.T) {
	var m Memo
	questions := make([]byte, 100)
	var wg sync.WaitGroup
	for i := range questions {
		wg.Add(1)
		go func() {
			defer wg.Done()
			m.Keep(&questions[i], i)
			if a, ok := m.Find(&questions[i]); ok && a != i {
				t.Errorf("question %d got the answer %v", i, a)
			}
		}()
	}
	wg.Wait()
	kept := 0
	for i := range questions {
		if _, ok := m.Find(&questions[i]); ok {
			kept++
		}
	}
	if kept != memoSize {
		t.Errorf("%d answers are kept, want %d", kept, memoSize)
	}
	var none *Memo
	none.Keep(&questions[0], 1)
	if _, ok := none.Find(&questions[0]); ok {
		t.Error("a nil memo keeps answers")
	}
}
