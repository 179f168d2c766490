package jwks

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
)

func TestOneFetchForAllWorkers(t *testing.T) {
	w := newWorld(t, 8, "secret", newIssuer(t, "a"))
	raw := w.is.token(t, "a", w.now)
	w.want(w.workers[7], raw, w.now, "wait")
	w.tick(time.Millisecond)
	w.tick(100 * time.Millisecond)
	w.tick(100 * time.Millisecond) // for the word of the first one
	w.fetched(1)
	for _, k := range w.workers {
		w.want(k, raw, w.now, "ok")
	}
	w.run(5 * time.Minute)
	w.fetched(1)
	w.run(6 * time.Minute) // a life of ten minutes
	w.fetched(2)
}

func TestWithoutASecretEachFetchesForItself(t *testing.T) {
	w := newWorld(t, 3, "", newIssuer(t, "a"))
	w.tick(0)
	w.fetched(3)
	if len(w.store.values) > 0 {
		t.Fatal("something was shared that cannot be authenticated")
	}
}

func TestAnotherSecretSharesNothing(t *testing.T) {
	w := newWorld(t, 1, "secret", newIssuer(t, "a"))
	w.workers = append(w.workers, w.worker("other"))
	w.run(time.Second)
	w.fetched(2)
}

func TestRotation(t *testing.T) {
	w := newWorld(t, 2, "secret", newIssuer(t, "a"))
	w.run(time.Minute)
	w.is.add(t, "b")
	raw, since := w.is.token(t, "b", w.now), w.now
	w.want(w.workers[0], raw, since, "wait")
	w.want(w.workers[1], raw, since, "wait")
	w.run(time.Second)
	w.fetched(2)
	for _, k := range w.workers {
		w.want(k, raw, since, "ok")
		w.want(k, w.is.token(t, "a", w.now), w.now, "ok")
	}
	w.is.order = []string{"b"} // and the old one is gone with the next fetch
	w.run(11 * time.Minute)
	for _, k := range w.workers {
		w.want(k, w.is.token(t, "a", w.now), w.now, "wait")
	}
}

// TestReplacedUnderItsKid: the old key of a kid verifies nothing once the set with
// the new one is there, on each worker.
func TestReplacedUnderItsKid(t *testing.T) {
	w := newWorld(t, 2, "secret", newIssuer(t, "a"))
	w.run(time.Minute)
	old := w.is.token(t, "a", w.now)
	delete(w.is.keys, "a")
	w.is.order = nil
	w.is.add(t, "a")
	w.want(w.workers[0], w.is.token(t, "a", w.now), w.now, "wait")
	w.run(time.Second)
	w.fetched(2)
	for _, k := range w.workers {
		w.want(k, w.is.token(t, "a", w.now), w.now, "ok")
		w.want(k, old, w.now.Add(-time.Minute), "401")
	}
}

func TestFloodOfUnknownKids(t *testing.T) {
	w := newWorld(t, 2, "secret", newIssuer(t, "a"))
	w.run(time.Minute)
	before := w.is.fetches
	raw := w.is.token(t, "x", w.now)
	_, err := w.workers[0].Set().Verify(raw, w.now)
	missing := err.(*token.Error).Missing
	for i := range 600 { // of a tenth of a second each
		for j := range 10 {
			w.workers[i%2].Missing(missing, fmt.Sprint("kid", i, j), w.now, w.now)
		}
		w.tick(100 * time.Millisecond)
	}
	if n := w.is.fetches - before; n < 2 || n > 13 {
		t.Fatalf("%d fetches in a minute, want one in %v", n, Interval)
	}
}

func TestAbsentKid(t *testing.T) {
	w := newWorld(t, 1, "secret", newIssuer(t, "a"))
	w.run(time.Minute)
	k, raw, since := w.workers[0], w.is.token(t, "x", w.now), w.now
	w.want(k, raw, since, "wait")
	w.run(300 * time.Millisecond)
	w.fetched(2)
	w.want(k, raw, since, "401")
	w.want(k, raw, w.now, "401") // another request, and it is remembered
	w.run(time.Second)
	w.want(k, raw, w.now, "401")
	w.fetched(2)
	w.run(Interval)
	w.want(k, raw, w.now, "wait")
}

// A dropped set is not used again, and each worker logs the drop once.
func TestDroppedOnce(t *testing.T) {
	w := newWorld(t, 2, "secret", newIssuer(t, "a"))
	w.is.control = "max-age=60"
	w.run(time.Second)
	w.is.reply = &Reply{Err: "no reply"}
	w.run(58 * time.Minute)
	w.events = nil
	w.run(10 * time.Minute)
	w.workers = append(w.workers, w.worker("secret")) // a VM that is new
	w.run(time.Minute)
	dropped := 0
	for _, e := range w.events {
		switch e.Result {
		case Dropped:
			dropped++
		case Shared:
			t.Error("a set beyond maxStale was taken")
		}
	}
	if dropped != 2 {
		t.Errorf("dropped %d times, want once by each of 2 workers", dropped)
	}
}

// Two entries with one URL and different algorithms do not share a set.
func TestOneURLForTwoAlgorithms(t *testing.T) {
	w := newWorld(t, 0, "", newIssuer(t, "a"))
	set, faults := token.NewSet([]token.Key{{Name: "ec", Fetched: true, Alg: "ES256"}, {Name: "rsa", Fetched: true, Alg: "RS256"}}, 0, false, gocrypto.Crypto())
	if faults != nil {
		t.Fatal(faults)
	}
	source := Source{URL: "https://id.example/keys", Cluster: "idp", Refresh: 10 * time.Minute, MaxStale: time.Hour}
	ec, rsa := source, source
	ec.Alg, rsa.Alg = "ES256", "RS256"
	w.workers = []*Keyring{New(set, []Source{ec, rsa}, []byte("secret"), w.store, nil, rand.Reader)}
	w.run(10 * time.Second)
	w.want(w.workers[0], w.is.token(t, "a", w.now), w.now, "ok")
	since := w.now
	w.is.add(t, "b")
	w.want(w.workers[0], w.is.token(t, "b", w.now), since, "wait")
	w.run(time.Second)
	w.want(w.workers[0], w.is.token(t, "b", w.now), since, "ok")
}

// A fetch that started before the request may return the set of before the
// rotation.
func TestAFetchFromBeforeDoesNotCount(t *testing.T) {
	w := newWorld(t, 1, "secret", newIssuer(t, "a"))
	k := w.workers[0]
	fetches, _ := k.Tick(w.now)
	old := w.is.answer()
	w.now = w.now.Add(time.Millisecond)
	w.is.add(t, "b")
	raw, since := w.is.token(t, "b", w.now), w.now
	w.want(k, raw, since, "wait")
	k.Done(fetches[0], old, w.now)
	w.want(k, raw, since, "wait")
	w.run(Interval + time.Second)
	w.want(k, raw, since, "ok")
}

func TestIssuerAway(t *testing.T) {
	w := newWorld(t, 2, "secret", newIssuer(t, "a"))
	w.is.control = "max-age=60"
	w.run(time.Second)
	raw, other := w.is.token(t, "a", w.now), w.is.token(t, "x", w.now)
	w.is.reply = &Reply{Status: "503"}
	since := w.now
	w.run(59 * time.Minute)
	for _, k := range w.workers {
		w.want(k, raw, w.now, "ok")    // stale
		w.want(k, other, since, "503") // the issuer cannot be asked
	}
	if w.is.fetches > 150 {
		t.Fatalf("%d fetches in an hour of failures", w.is.fetches)
	}
	w.run(3 * time.Minute)
	for _, k := range w.workers {
		w.want(k, w.is.token(t, "a", w.now), w.now, "503") // beyond maxStale
	}
	w.is.reply = nil
	w.run(2 * time.Minute)
	for _, k := range w.workers {
		w.want(k, w.is.token(t, "a", w.now), w.now, "ok")
	}
}

func TestBeforeTheFirstSet(t *testing.T) {
	w := newWorld(t, 1, "secret", newIssuer(t, "a"))
	w.is.reply = &Reply{Err: "no reply"}
	k, raw, since := w.workers[0], w.is.token(t, "a", w.now), w.now
	w.want(k, raw, since, "wait")
	w.run(200 * time.Millisecond)
	w.want(k, raw, since, "503")
	w.want(k, raw, w.now, "503")
	w.is.reply = nil
	w.run(3 * time.Second)
	w.want(k, raw, w.now, "ok")
}

func TestNobodyWaitsForEver(t *testing.T) {
	w := newWorld(t, 1, "secret", newIssuer(t, "a"))
	k, raw, since := w.workers[0], w.is.token(t, "a", w.now), w.now
	if fetches, _ := k.Tick(w.now); len(fetches) != 1 {
		t.Fatal("no fetch")
	} // which is never answered
	for w.now.Sub(since) < MaxWait {
		w.want(k, raw, since, "wait")
		w.now = w.now.Add(time.Second)
	}
	w.want(k, raw, since, "503")
	w.tick(0) // the lease has ended
	w.fetched(1)
	w.want(k, raw, since, "ok")
}

func TestBadSets(t *testing.T) {
	good := newIssuer(t, "b").set()
	for name, r := range map[string]Reply{
		"no JSON":            {Status: "200", Body: "<html>"},
		"empty":              {Status: "200"},
		"no keys":            {Status: "200", Body: `{}`},
		"empty keys":         {Status: "200", Body: `{"keys":[]}`},
		"not a set":          {Status: "200", Body: `[]`},
		"repeated keys":      {Status: "200", Body: `{"keys":[],` + good[1:]},
		"unusable keys":      {Status: "200", Body: `{"keys":[{"kty":"EC","crv":"P-256","kid":"b","x":"AA","y":"AA"},{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}`},
		"a secret":           {Status: "200", Body: `{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}`},
		"too large":          {Status: "200", Body: good + strings.Repeat(" ", token.MaxJWKS)},
		"too deep":           {Status: "200", Body: strings.Repeat("[", 5000) + strings.Repeat("]", 5000)},
		"too many":           {Status: "200", Body: `{"keys":[` + strings.Repeat(`{},`, 200) + `{}]}`},
		"another status":     {Status: "404", Body: good},
		"a redirect":         {Status: "302", Body: good},
		"compressed":         {Status: "200", Body: good, Encoded: true},
		"no reply":           {Err: "no reply", Body: good},
		"cut off":            {Status: "200", Body: good[:len(good)-10]},
		"invalid UTF-8":      {Status: "200", Body: "{\"keys\":\"\xff\"," + good[1:]},
		"keys that are none": {Status: "200", Body: `{"keys":[1,null,"a",[]]}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2, "secret", newIssuer(t, "a"))
			w.run(time.Second)
			w.is.reply = &r
			w.events = nil
			w.run(10 * time.Minute)
			for _, k := range w.workers {
				w.want(k, w.is.token(t, "a", w.now), w.now, "ok")
			}
			if len(w.events) == 0 || !w.events[0].Bad || w.events[0].Text == "" {
				t.Fatalf("events: %v", w.events)
			}
			first := newWorld(t, 1, "secret", newIssuer(t, "a"))
			first.is.reply = &r
			first.run(time.Second)
			first.want(first.workers[0], first.is.token(t, "a", first.now), first.now, "503")
		})
	}
}

// The fields of a reply, as a proxy or a client brings them.
func TestReplyFields(t *testing.T) {
	for field, encoded := range map[[2]string]bool{
		{"content-encoding", "identity"}: false, {"content-encoding", " Identity "}: false, {"content-type", "gzip"}: false,
		{"content-encoding", "gzip"}: true, {"content-encoding", "identity, gzip"}: true, {"content-encoding", ""}: true,
	} {
		r := Reply{Status: "200", Body: "{}"}
		r.Header(field[0], field[1])
		if err := r.Check(); (err != nil) != encoded {
			t.Errorf("%q: %v", field, err)
		}
	}
	var r Reply
	for _, f := range [][2]string{{":status", "404"}, {"cache-control", "public"}, {"cache-control", "max-age=60"}, {"age", "5"}, {"content-encoding", "br"}, {"content-encoding", "identity"}} {
		r.Header(f[0], f[1])
	}
	if want := (Reply{Status: "404", CacheControl: "public,max-age=60", Age: "5", Encoded: true}); r != want || r.Check() == nil {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

// Keys that cannot be used are skipped.
func TestMixedSet(t *testing.T) {
	w := newWorld(t, 1, "secret", newIssuer(t, "a"))
	w.is.reply = &Reply{Status: "200", Body: `{"keys":[{"kty":"RSA","alg":"RSA-OAEP","use":"enc","kid":"e","n":"AQAB","e":"AQAB"},{"kty":"oct","kid":"a","k":"c2VjcmV0"},{"kty":"EC","crv":"secp256k1","kid":"k","x":"AA","y":"AA"},` + w.is.set()[len(`{"keys":[`):]}
	w.run(time.Second)
	w.want(w.workers[0], w.is.token(t, "a", w.now), w.now, "ok")
}

func TestLife(t *testing.T) {
	const refresh = 10 * time.Minute
	for field, want := range map[string]time.Duration{
		"":                              refresh,
		"max-age=3600":                  time.Hour,
		"public, MAX-AGE=3600":          time.Hour,
		`max-age="3600"`:                time.Hour,
		"max-age=1":                     minLife,
		"max-age=0":                     minLife,
		"max-age=99999999":              maxLife,
		"max-age=999999999999999999":    refresh,
		"max-age=-5":                    refresh,
		"max-age=":                      refresh,
		"max-age=60, max-age=70":        refresh,
		"no-store, max-age=3600":        refresh,
		"no-cache":                      refresh,
		"s-maxage=5, max-age=3600":      time.Hour,
		"max-age=3600, must-revalidate": time.Hour,
	} {
		s := source{Source: Source{Refresh: refresh}}
		if got := s.lifetime(&Reply{CacheControl: field}); got != want {
			t.Errorf("%q: %v, want %v", field, got, want)
		}
	}
	s := source{Source: Source{Refresh: refresh}}
	if got := s.lifetime(&Reply{CacheControl: "max-age=3600", Age: "600"}); got != 50*time.Minute {
		t.Errorf("with an age: %v", got)
	}
}
