package jwks

import (
	"crypto/rand"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
)

// anew replaces the last worker by one that was just made, as after a trap.
func (w *world) anew() *Keyring {
	w.workers[len(w.workers)-1] = w.worker("secret")
	return w.workers[len(w.workers)-1]
}

// rotated is a world whose workers have a set with the key b. Before, it had the key a;
// old is the store's content of that time.
func rotated(t *testing.T, workers int) (w *world, old map[string]versioned) {
	t.Helper()
	w = newWorld(t, workers, "secret", newIssuer(t, "a"))
	w.run(time.Second)
	old = maps.Clone(w.store.values)
	w.is.order = nil
	w.is.add(t, "b")
	w.want(w.workers[0], w.is.token(t, "b", w.now), w.now, "wait")
	w.run(Interval + time.Second)
	for _, k := range w.workers {
		w.want(k, w.is.token(t, "b", w.now), w.now, "ok")
	}
	return w, old
}

// putBack writes the old content of the store again, with the versions of today.
func (w *world) putBack(old map[string]versioned) {
	for name, v := range old {
		w.store.Put(name, v.value, 0)
	}
}

func away() *Reply { return &Reply{Status: "503"} }

// A keyring that was just made uses the set of its neighbours, on their word, without
// asking the issuer.
func TestMadeAnewBesideNeighbours(t *testing.T) {
	w, _ := rotated(t, 3)
	fetches := w.is.fetches
	w.is.reply = away()
	k := w.anew()
	w.want(k, w.is.token(t, "b", w.now), w.now, "wait")
	w.run(500 * time.Millisecond)
	w.want(k, w.is.token(t, "b", w.now), w.now, "ok")
	w.fetched(fetches)
	s := &k.sources[0]
	if ask, _, _ := w.store.Get(askName(s)); strings.Contains(string(ask), s.number) {
		t.Errorf("%s asks still: %q", s.number, ask)
	}
}

// Without neighbours it believes nobody, and fetches the set. While the issuer does not
// answer it has none.
func TestMadeAnewAlone(t *testing.T) {
	w, _ := rotated(t, 1)
	fetches := w.is.fetches
	k := w.anew()
	w.run(wordWait / 2)
	w.fetched(fetches)
	w.want(k, w.is.token(t, "b", w.now), w.now, "wait")
	w.run(2 * wordWait)
	w.fetched(fetches + 1)
	w.want(k, w.is.token(t, "b", w.now), w.now, "ok")
	w.is.reply = away()
	k = w.anew()
	w.run(3 * wordWait)
	w.want(k, w.is.token(t, "b", w.now), w.now, "503")
}

// Another plugin puts the store's content of before the rotation back, with its MACs, and
// goes on to do so. No keyring takes the key that was withdrawn: not those that have seen
// the new set, and not one that was just made.
func TestMadeAnewBesideAnAttacker(t *testing.T) {
	for name, issuerAway := range map[string]bool{"issuer there": false, "issuer away": true} {
		t.Run(name, func(t *testing.T) {
			w, old := rotated(t, 3)
			if issuerAway {
				w.is.reply = away()
			}
			k := w.anew()
			withdrawn := w.is.token(t, "a", w.now)
			for range 100 {
				w.putBack(old)
				w.tick(50 * time.Millisecond)
				w.putBack(old)
				for _, k := range w.workers {
					if _, err := k.Set().Verify(withdrawn, w.now); err == nil {
						t.Fatal("a key that was withdrawn counts")
					}
				}
			}
			if !issuerAway {
				w.want(k, w.is.token(t, "b", w.now), w.now, "ok")
			}
		})
	}
}

// The word of another time says nothing to a new number, and the word of another key is
// none.
func TestWordsThatDoNotCount(t *testing.T) {
	w, old := rotated(t, 2)
	w.is.reply = away()
	k := w.anew()
	s := &k.sources[0]
	forged := &Keyring{key: deriveKey([]byte("another secret"))}
	for name, value := range map[string][]byte{
		"of another time": old[seenName(s)].value,
		"of another key":  forged.seal(seenName(s), "1 "+s.number),
		"of another name": k.seal(s.name, "1 "+s.number),
		"without a start": k.seal(seenName(s), s.number),
		"of the time 0":   k.seal(seenName(s), "0 "+s.number),
		"without a MAC":   []byte("1 " + s.number),
		"empty":           nil,
	} {
		w.store.Put(seenName(s), value, 0)
		w.store.Put(askName(s), []byte(s.number), 0)
		k.ask(s)
		if s.word != 0 {
			t.Errorf("%s: counts", name)
		}
	}
	w.store.Put(seenName(s), k.seal(seenName(s), "7 x "+s.number+" y"), 0)
	if k.ask(s); s.word != 7 {
		t.Error("a good word does not count")
	}
}

// Numbers of others do not grow without bound, and those who ask at a time are answered
// together.
func TestManyAsk(t *testing.T) {
	w, _ := rotated(t, 2)
	w.is.reply = away()
	s := &w.workers[0].sources[0]
	flood := make([]byte, 10*maxAsk)
	for i := range flood {
		flood[i] = 'x'
	}
	w.store.Put(askName(s), flood, 0)
	w.workers = append(w.workers, w.worker("secret"), w.worker("secret"), w.worker("secret"))
	w.run(time.Second)
	for i, k := range w.workers {
		if outcome := w.verify(k, w.is.token(t, "b", w.now), w.now); outcome != "ok" {
			t.Errorf("worker %d: %s", i, outcome)
		}
	}
	if ask, _, _ := w.store.Get(askName(s)); len(ask) > maxAsk {
		t.Errorf("%d bytes of numbers", len(ask))
	}
}

// The keyring of a new configuration begins with the sets that the VM has, and does not
// take older ones.
func TestANewConfigurationInOneVM(t *testing.T) {
	w, old := rotated(t, 1)
	set, faults := token.NewSet([]token.Key{{Name: "idp", Fetched: true}}, 0, false, gocrypto.Crypto())
	if faults != nil {
		t.Fatal(faults)
	}
	sources := []Source{w.workers[0].sources[0].Source}
	for name, secret := range map[string]string{"with a secret": "secret", "without one": ""} {
		t.Run(name, func(t *testing.T) {
			w.is.reply = nil
			seen := &Seen{}
			first := New(set, sources, []byte(secret), w.store, seen, rand.Reader)
			w.workers = []*Keyring{first}
			w.run(3 * wordWait)
			w.want(first, w.is.token(t, "b", w.now), w.now, "ok")
			w.is.reply = away()
			fetches := w.is.fetches
			second := New(set, sources, []byte(secret), w.store, seen, rand.Reader)
			w.want(second, w.is.token(t, "b", w.now), w.now, "ok")
			w.workers = []*Keyring{second}
			w.putBack(old)
			w.run(3 * wordWait)
			w.want(second, w.is.token(t, "b", w.now), w.now, "ok")
			if w.is.fetches > fetches+3 {
				t.Errorf("%d fetches", w.is.fetches-fetches)
			}
			other := New(set, sources, []byte("another"), w.store, seen, rand.Reader)
			if _, err := other.Set().Verify(w.is.token(t, "b", w.now), w.now); err == nil && secret != "" {
				t.Error("a keyring with another secret begins with the set")
			}
		})
	}
}

// Workers without a secret try an issuer that does not answer less often together than
// each alone. Hints that another plugin writes delay a fetch by maxHint at most.
func TestHints(t *testing.T) {
	fetches := func(store Store, secret string) int {
		w := newWorld(t, 0, secret, newIssuer(t, "a"))
		w.is.reply = away()
		for range 8 {
			w.workers = append(w.workers, w.keyring(secret, store))
		}
		w.run(10 * time.Minute)
		failed := w.is.fetches
		w.is.reply = nil
		w.run(maxRetry + 10*time.Second)
		for _, k := range w.workers {
			w.want(k, w.is.token(t, "a", w.now), w.now, "ok") // the first that gets the set tells the others
		}
		return failed
	}
	alone, together, shared := fetches(nil, ""), fetches(&memory{}, ""), fetches(&memory{}, "secret")
	t.Logf("8 workers in 10 minutes: %d fetches alone, %d with hints, %d with a secret", alone, together, shared)
	if together*2 > alone {
		t.Errorf("%d fetches with hints, %d without", together, alone)
	}

	w := newWorld(t, 0, "", newIssuer(t, "a"))
	k := w.keyring("", w.store)
	w.workers = []*Keyring{k}
	for began := w.now; w.is.fetches == 0; w.tick(100 * time.Millisecond) {
		if w.now.Sub(began) > maxHint+time.Second {
			t.Fatal("hints delay a fetch for longer than maxHint")
		}
		k.hint(&k.sources[0], w.now.Add(maxRetry))
	}
	for _, value := range []string{"9999999999999999999", "-1", "x", "1 2", "99999999999999999999999999"} {
		w.store.Put(hintName(&k.sources[0]), []byte(value), 0)
		if k.hinted(&k.sources[0], w.now.UnixMicro()) {
			t.Errorf("%s delays a fetch", value)
		}
	}
}
