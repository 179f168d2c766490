package identity

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
	"github.com/rulegate/rulegate/host/issuer"
)

// TestVerifySignatureInGateway checks that the module verifies tokens with the
// embedded gateway's verify_signature, and by itself where that cannot.
func TestVerifySignatureInGateway(t *testing.T) {
	is, err := issuer.New(issuer.Config{Algs: issuer.Algorithms()})
	if err != nil {
		t.Fatal(err)
	}
	set, err := is.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	c := &harness.Case{Name: "native", Policy: `
auth:
  tokens:
    - jwks: ` + string(set) + `
routes:
  - match: {methods: [GET], path: /}
    rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: u1}
`}
	var log lockedBuffer
	addr := harness.Gateway{Case: c, Module: harness.LoadModule(t), Upstream: harness.NewUpstream(t), Alter: func(cfg *gateway.Config) {
		cfg.NoForeignFunctions = false
		cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	}}.Start(t)
	for _, alg := range issuer.Algorithms() {
		raw, err := is.Mint(`{"id":"u1"}`, alg)
		if err != nil {
			t.Fatal(err)
		}
		if status, text := harness.GetWithToken(http.DefaultClient, addr, raw); status != http.StatusOK {
			t.Errorf("%s: got %d %s", alg, status, text)
		}
		// Another claim under the same signature.
		parts := strings.Split(raw, ".")
		parts[1] = "eyJpZCI6InUxIn0" // {"id":"u1"}
		if status, text := harness.GetWithToken(http.DefaultClient, addr, strings.Join(parts, ".")); status != http.StatusUnauthorized {
			t.Errorf("%s, changed: got %d %s", alg, status, text)
		}
	}
	if want := "verify_signature for [RS256 RS384 RS512 ES256 ES384 ES512]"; !strings.Contains(log.String(), want) {
		t.Errorf("no %q in the log", want)
	}
}

// lockedBuffer is a buffer for a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
