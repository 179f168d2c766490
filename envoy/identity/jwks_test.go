// Package identity tests key sets of issuers and client certificates in Envoy.
package identity

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/issuer"
)

// keyServer serves an issuer's keys over HTTP. It counts the fetches, and breaks
// the connection of each while away is set.
type keyServer struct {
	*issuer.Issuer
	*httptest.Server
	fetches atomic.Int64
	away    atomic.Bool
}

func newKeyServer(t *testing.T) *keyServer {
	t.Helper()
	is, err := issuer.New(issuer.Config{Algs: []string{"ES256"}, Overlap: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	k := &keyServer{Issuer: is}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.fetches.Add(1)
		if k.away.Load() {
			panic(http.ErrAbortHandler)
		}
		is.ServeHTTP(w, r)
	}))
	k.Server.Config.ErrorLog = nil
	t.Cleanup(k.Server.Close)
	return k
}

// policy returns a policy that accepts the issuer's tokens. Its secret lets the
// workers share the keys they fetch.
func (k *keyServer) policy(refresh string) string {
	return fmt.Sprintf(`
auth:
  tokens:
    - {name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, kid: own}
    - {name: idp, jwks: {url: "%s%s", refresh: %s}}
routes:
  - match: {methods: [GET], path: /}
    rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: u1}
`, k.URL, issuer.Path, refresh)
}

func (k *keyServer) mint(t *testing.T) string {
	raw, err := k.Mint(`{"id":"u1"}`, "")
	if err != nil {
		t.Error(err)
	}
	return raw
}

// clientOf returns a client that opens a connection for each request, so that
// all workers get some.
func clientOf(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}
}

// load sends new tokens of the issuer from six clients until end is called, which
// returns the number of responses by status.
func (k *keyServer) load(t *testing.T, addr string) (end func() map[int]int) {
	var group sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	stop := make(chan struct{})
	for range 6 {
		group.Go(func() {
			c := clientOf(harness.RequestTimeout)
			for {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
				status, text := harness.GetWithToken(c, addr, k.mint(t))
				mu.Lock()
				if answers[status]++; status != http.StatusOK && answers[status] < 5 {
					t.Errorf("refused: %d %s", status, text)
				}
				mu.Unlock()
			}
		})
	}
	return func() map[int]int {
		close(stop)
		group.Wait()
		return answers
	}
}

// TestKeySetsInEnvoy tests eight workers and issuers that rotate their keys, do
// not answer, and never had the keys that tokens name.
func TestKeySetsInEnvoy(t *testing.T) {
	up := harness.NewUpstream(t)
	b := harness.NewBootstrap(t, up.URL)
	b.Workers = 8
	parts := []struct {
		name, refresh string
		run           func(*testing.T, *harness.Process, *keyServer, string)
		keys          *keyServer
	}{
		{name: "one fetch for all workers", refresh: "10m", run: oneFetch},
		{name: "rotation under load", refresh: "10m", run: rotationUnderLoad},
		{name: "issuer away under load", refresh: "1s", run: issuerAway},
		{name: "flood of unknown keys", refresh: "10m", run: floodOfKids},
	}
	for i := range parts {
		part := &parts[i]
		part.keys = newKeyServer(t)
		b.AddPolicy(t, harness.Slug(part.name), part.keys.policy(part.refresh), "")
		b.AddCluster(strings.TrimPrefix(part.keys.URL, "http://"), part.keys.URL)
	}
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) { part.run(t, p, part.keys, at[harness.Slug(part.name)]) })
	}
}

func oneFetch(t *testing.T, p *harness.Process, k *keyServer, addr string) {
	c, token := clientOf(harness.RequestTimeout), k.mint(t)
	for range 100 {
		if status, text := harness.GetWithToken(c, addr, token); status != http.StatusOK {
			t.Fatal(status, text)
		}
	}
	if n := k.fetches.Load(); n != 1 {
		t.Errorf("%d fetches by 8 workers, want 1", n)
	}
	for _, want := range []string{`rulegate_jwks_fetches_total{result="ok"}`, `rulegate_jwks_fetches_total{result="shared"}`} {
		if stats := p.AwaitAdmin(t, "/stats/prometheus", want); !strings.Contains(stats, want) {
			t.Errorf("no %s among the statistics", want)
		}
	}
	if !strings.Contains(p.Log(), "verify_signature for [RS256 RS384 RS512 ES256 ES384 ES512]") {
		t.Error("the module does not use the host's verify_signature")
	}
}

// rotationUnderLoad rotates the keys three times. The third rotation comes before
// another fetch is allowed: its requests wait for that fetch.
func rotationUnderLoad(t *testing.T, _ *harness.Process, k *keyServer, addr string) {
	end := k.load(t, addr)
	for _, after := range []time.Duration{time.Second, 6 * time.Second, time.Second} {
		time.Sleep(after)
		if err := k.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(6 * time.Second)
	answers := end()
	if len(answers) != 1 || answers[http.StatusOK] == 0 {
		t.Errorf("responses by status %v, want only 200", answers)
	}
	if n := k.fetches.Load(); n < 3 || n > 8 {
		t.Errorf("%d fetches for three rotations", n)
	}
}

func issuerAway(t *testing.T, p *harness.Process, k *keyServer, addr string) {
	c := clientOf(harness.RequestTimeout)
	if status, text := harness.GetWithToken(c, addr, k.mint(t)); status != http.StatusOK {
		t.Fatal(status, text)
	}
	k.away.Store(true)
	before := k.fetches.Load()
	end := k.load(t, addr)
	for deadline := time.Now().Add(60 * time.Second); k.fetches.Load() < before+4 && time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
	}
	if k.fetches.Load() < before+4 {
		t.Error("the module stopped fetching the keys")
	}
	if answers := end(); len(answers) != 1 || answers[http.StatusOK] == 0 {
		t.Errorf("responses by status %v, want only 200", answers)
	}
	if !strings.Contains(p.Log(), "result=failed") {
		t.Error("no result=failed in the log")
	}
	// The issuer may have this key by now: the module cannot tell.
	stranger := newKeyServer(t)
	if status, text := harness.GetWithToken(c, addr, stranger.mint(t)); status != http.StatusServiceUnavailable {
		t.Errorf("an unknown key while the issuer is away: %d %s, want 503", status, text)
	}
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	k.away.Store(false)
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		status, text := harness.GetWithToken(c, addr, k.mint(t))
		if status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("want 200 after the issuer is back, found %d %s", status, text)
		}
	}
	if status, text := harness.GetWithToken(c, addr, stranger.mint(t)); status != http.StatusUnauthorized {
		t.Errorf("a key that the issuer does not have: %d %s, want 401", status, text)
	}
}

func floodOfKids(t *testing.T, _ *harness.Process, k *keyServer, addr string) {
	c := clientOf(harness.RequestTimeout)
	if status, text := harness.GetWithToken(c, addr, k.mint(t)); status != http.StatusOK {
		t.Fatal(status, text)
	}
	began, before := time.Now(), k.fetches.Load()
	var group sync.WaitGroup
	var through atomic.Int64
	for i := range 20 {
		group.Go(func() {
			// Half of the clients give up before the response.
			c := clientOf([]time.Duration{harness.RequestTimeout, 200 * time.Millisecond}[i%2])
			for j := 0; time.Since(began) < 8*time.Second; j++ {
				token, err := harness.SignToken("ec", `{"id":"u1"}`, fmt.Sprintf(`{"kid":"%d-%d"}`, i, j), false)
				if err != nil {
					t.Error(err)
					return
				}
				if status, _ := harness.GetWithToken(c, addr, token); status != http.StatusUnauthorized && status != http.StatusServiceUnavailable && status != 0 {
					through.Add(1)
				}
			}
		})
	}
	for time.Since(began) < 8*time.Second {
		if status, text := harness.GetWithToken(c, addr, k.mint(t)); status != http.StatusOK {
			t.Errorf("a good token among unknown ones: %d %s", status, text)
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	group.Wait()
	if n := through.Load(); n > 0 {
		t.Errorf("%d tokens with an unknown key were let through", n)
	}
	if n, most := k.fetches.Load()-before, int64(time.Since(began)/(5*time.Second))+2; n < 1 || n > most {
		t.Errorf("%d fetches in %v, want %d at most", n, time.Since(began).Round(time.Second), most)
	}
}
