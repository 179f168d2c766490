package identity

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/rules/wire"
)

// opaqueIssuer answers about all tokens alike.
type opaqueIssuer struct {
	*httptest.Server
	asked   atomic.Int64
	revoked atomic.Bool
	slow    atomic.Bool
}

func newOpaqueIssuer(t *testing.T) *opaqueIssuer {
	o := &opaqueIssuer{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.asked.Add(1)
		io.Copy(io.Discard, r.Body) // else the server does not see that the client leaves
		if o.slow.Load() {
			<-r.Context().Done()
			return
		}
		fmt.Fprintf(w, `{"active":%t,"sub":"u1"}`, !o.revoked.Load())
	}))
	t.Cleanup(o.Server.Close)
	return o
}

// safeBuffer is the log of a companion.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestOpaqueTokensInEnvoy tests a real companion between Envoy's workers and an issuer
// of opaque tokens: how often it is asked, how long its answer counts, and the answers
// to clients while it is silent. No log holds a token.
func TestOpaqueTokensInEnvoy(t *testing.T) {
	const secret, token = "the-secret-of-the-companion-is-long", "an-opaque-token-that-no-log-may-hold"
	const workers = 2
	issuer := newOpaqueIssuer(t)
	log := &safeBuffer{}
	c, err := companion.New(companion.Config{
		Keys: wire.DeriveKeys(secret), Issuers: []companion.Issuer{{URL: issuer.URL, ClientID: "gw", Secret: "s"}},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	up := harness.NewUpstream(t)
	b := harness.NewBootstrap(t, up.URL)
	b.Workers = workers
	policy := func(cache string) string {
		return fmt.Sprintf(`
auth: {tokens: [{introspect: {url: "%s", clientId: gw, clientSecret: s}, cache: %s}]}
companion: {secret: %s, timeout: 1s}
routes: [{match: {path: /}, rule: {rule: match, type: string, eval: "==", f1: args.auth.sub, f2: u1}}]
`, issuer.URL, cache, secret)
	}
	b.AddPolicy(t, "long", policy("10m"), srv.URL)
	b.AddPolicy(t, "short", policy("1s"), srv.URL)
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)
	get := func(listener, token string) int {
		// A connection of its own, so that each worker gets some.
		hc := &http.Client{Timeout: harness.RequestTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
		status, _ := harness.GetWithToken(hc, at[listener], token)
		return status
	}
	for range 40 {
		if status := get("long", token); status != http.StatusOK {
			t.Fatal(status)
		}
	}
	if n := issuer.asked.Load(); n < 1 || n > workers {
		t.Errorf("40 requests with one token: asked %d times, want once for each of %d workers at most", n, workers)
	}
	for range 4 * workers {
		if status := get("short", token); status != http.StatusOK {
			t.Fatal(status)
		}
	}
	issuer.revoked.Store(true)
	for end := time.Now().Add(harness.RequestTimeout); get("short", token) != http.StatusUnauthorized; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a revoked token counts beyond cache")
		}
	}
	issuer.slow.Store(true)
	if status := get("short", "another-token-that-no-log-may-hold"); status != http.StatusServiceUnavailable {
		t.Errorf("an issuer that does not answer: %d, want 503", status)
	}
	for name, text := range map[string]string{"Envoy": p.Log(), "the companion": log.String()} {
		if strings.Contains(text, "that-no-log-may-hold") {
			t.Errorf("the log of %s has a token:\n%s", name, harness.Tail(text, 40))
		}
	}
	if !strings.Contains(p.Log(), "token: introspection failed: timeout") || !strings.Contains(p.Log(), "token: active: its issuer says that it is not active") {
		t.Errorf("no reasons in the log:\n%s", harness.Tail(p.Log(), 40))
	}
}
