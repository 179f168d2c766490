package jwks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
)

// issuer serves a JWK set, or the reply that a test sets instead.
type issuer struct {
	keys    map[string]*ecdsa.PrivateKey
	order   []string
	fetches int
	reply   *Reply // nil: its set
	control string
}

func newIssuer(t *testing.T, kids ...string) *issuer {
	t.Helper()
	is := &issuer{keys: map[string]*ecdsa.PrivateKey{}}
	for _, kid := range kids {
		is.add(t, kid)
	}
	return is
}

func (is *issuer) add(t *testing.T, kid string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is.keys[kid] = k
	is.order = append(is.order, kid)
}

func (is *issuer) set() string {
	var out []string
	for _, kid := range is.order {
		point, err := is.keys[kid].PublicKey.Bytes()
		if err != nil {
			panic(err)
		}
		b := base64.RawURLEncoding
		out = append(out, fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":%q,"x":%q,"y":%q}`, kid, b.EncodeToString(point[1:33]), b.EncodeToString(point[33:])))
	}
	return `{"keys":[` + strings.Join(out, ",") + `]}`
}

func (is *issuer) answer() Reply {
	is.fetches++
	if is.reply != nil {
		return *is.reply
	}
	return Reply{Status: "200", Body: is.set(), CacheControl: is.control}
}

func (is *issuer) token(t *testing.T, kid string, now time.Time) string {
	t.Helper()
	key := is.keys[kid]
	if key == nil {
		key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(fmt.Appendf(nil, `{"id":"u1","exp":%d}`, now.Add(time.Hour).Unix()))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// world is several workers that use one issuer, with a clock that the test moves.
type world struct {
	*testing.T
	is      *issuer
	store   *memory
	workers []*Keyring
	now     time.Time
	events  []Event
}

func newWorld(t *testing.T, workers int, secret string, is *issuer) *world {
	t.Helper()
	w := &world{T: t, is: is, store: &memory{}, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for range workers {
		w.workers = append(w.workers, w.worker(secret))
	}
	return w
}

func (w *world) worker(secret string) *Keyring { return w.keyring(secret, w.store) }

func (w *world) keyring(secret string, store Store) *Keyring {
	w.Helper()
	set, faults := token.NewSet([]token.Key{{Name: "idp", Fetched: true}}, 0, false, gocrypto.Crypto())
	if faults != nil {
		w.Fatal(faults)
	}
	return New(set, []Source{{URL: "https://id.example/keys", Cluster: "idp", Refresh: 10 * time.Minute, MaxStale: time.Hour}}, []byte(secret), store, nil, rand.Reader)
}

// tick moves the clock, then ticks each worker. Replies come after all ticks, as
// in a proxy.
func (w *world) tick(d time.Duration) {
	w.now = w.now.Add(d)
	type doing struct {
		k *Keyring
		f Fetch
	}
	var all []doing
	for _, k := range w.workers {
		fetches, events := k.Tick(w.now)
		w.events = append(w.events, events...)
		for _, f := range fetches {
			all = append(all, doing{k, f})
		}
	}
	for _, d := range all {
		w.now = w.now.Add(10 * time.Millisecond)
		e, next := d.k.Done(d.f, w.is.answer(), w.now)
		if next != nil {
			w.Fatalf("another fetch: %+v", next)
		}
		w.events = append(w.events, e)
	}
}

func (w *world) run(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.tick(100 * time.Millisecond)
	}
}

func (w *world) fetched(want int) {
	w.Helper()
	if w.is.fetches != want {
		w.Fatalf("%d fetches, want %d", w.is.fetches, want)
	}
}

// verify returns the outcome of a request with the token: "ok", "wait", "401" or
// "503".
func (w *world) verify(k *Keyring, raw string, since time.Time) string {
	_, err := k.Set().Verify(raw, w.now)
	if err == nil {
		return "ok"
	}
	e := err.(*token.Error)
	if e.Missing == nil {
		return "401"
	}
	return map[KeyState]string{Wait: "wait", Absent: "401", Unavailable: "503"}[k.Missing(e.Missing, e.Kid, since, w.now)]
}

func (w *world) want(k *Keyring, raw string, since time.Time, want string) {
	w.Helper()
	if got := w.verify(k, raw, since); got != want {
		w.Fatalf("got %s, want %s", got, want)
	}
}

// refused checks that a token is refused for good once its set was fetched again.
func (w *world) refused(k *Keyring, raw string) {
	w.Helper()
	since := w.now
	w.want(k, raw, since, "wait")
	w.run(Interval + time.Second)
	w.want(k, raw, since, "401")
	w.want(k, raw, w.now, "401") // remembered
}
