package jwks

import (
	"strings"
	"testing"
	"time"
)

// Another plugin with the same VM id writes to the store.
func TestHostileStore(t *testing.T) {
	w := newWorld(t, 1, "secret", newIssuer(t, "a"))
	w.run(time.Second)
	old := map[string]versioned{}
	for name, d := range w.store.values {
		old[name] = d
	}
	evil := newIssuer(t, "a", "x")
	foreign := newWorld(t, 1, "another secret", evil)
	foreign.run(3 * time.Hour) // its records are newer than ours
	for _, what := range []string{"", "x", strings.Repeat("0", 64) + " 1 2 3", strings.Repeat("z", 1<<20), string(w.workers[0].seal("other", "1 2 3"))} {
		for name := range w.store.values {
			w.store.Put(name, []byte(what), 0)
		}
		w.workers = append(w.workers, w.worker("secret"))
		w.run(10 * time.Second)
		for _, k := range w.workers {
			w.want(k, w.is.token(t, "a", w.now), w.now, "ok")
			w.refused(k, evil.token(t, "a", w.now))
		}
	}
	// The records of another keyring, under our names.
	for name := range w.store.values {
		for other, d := range foreign.store.values {
			if strings.HasSuffix(other, ".set") == strings.HasSuffix(name, ".set") {
				w.store.Put(name, d.value, 0)
			}
		}
	}
	w.workers = append(w.workers, w.worker("secret"))
	w.run(10 * time.Second)
	for _, k := range w.workers {
		w.want(k, evil.token(t, "x", w.now), w.now, "wait")
		w.refused(k, evil.token(t, "a", w.now))
	}
	// A record is not valid under another name.
	if _, ok := w.workers[0].open("b", w.workers[0].seal("a", "1 2 3")); ok {
		t.Fatal("a record of another name")
	}
	// An old record does not bring an old key back.
	w.is.order = nil
	w.is.add(t, "c")
	w.run(15 * time.Minute)
	for name, d := range old {
		w.store.Put(name, d.value, 0)
	}
	w.is.reply = &Reply{Err: "no reply"}
	w.run(time.Minute)
	w.want(w.workers[0], w.is.token(t, "c", w.now), w.now, "ok")
	if got := w.verify(w.workers[0], w.is.token(t, "a", w.now), w.now); got == "ok" {
		t.Fatal("a key that was taken back verifies")
	}
}

func TestClockSetBack(t *testing.T) {
	w := newWorld(t, 1, "secret", newIssuer(t, "a"))
	w.run(time.Minute)
	w.now = w.now.Add(-48 * time.Hour)
	n := w.is.fetches
	w.run(time.Second)
	if w.is.fetches == n {
		t.Fatal("no fetch: the times of the record hold it up")
	}
	w.want(w.workers[0], w.is.token(t, "a", w.now), w.now, "ok")
	w.run(time.Minute)
	w.fetched(n + 1)
}

// After the clock is set back a little, the set stays fresh, and a key that it
// does not have is still fetched.
func TestClockSetBackALittle(t *testing.T) {
	w := newWorld(t, 2, "secret", newIssuer(t, "a"))
	w.run(time.Minute)
	w.now = w.now.Add(-5 * time.Minute)
	w.run(time.Second)
	w.is.add(t, "b")
	raw, since := w.is.token(t, "b", w.now), w.now
	for _, k := range w.workers {
		w.want(k, raw, since, "wait")
	}
	w.run(Interval + time.Second) // the clock itself had caused a fetch
	for _, k := range w.workers {
		w.want(k, raw, since, "ok")
	}
}

// Garbage in the store does not cause a flood of fetches.
func TestSpoiledStoreCausesNoFlood(t *testing.T) {
	w := newWorld(t, 1, "secret", newIssuer(t, "a"))
	for range 100 {
		w.tick(100 * time.Millisecond)
		for name := range w.store.values {
			w.store.Put(name, []byte("x"), 0)
		}
	}
	if w.is.fetches > 25 {
		t.Errorf("%d fetches in 10 s", w.is.fetches)
	}
}
