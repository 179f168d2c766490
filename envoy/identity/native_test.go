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
// embedded gateway's verify_signature, and those of PS and EdDSA by itself.
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

// A host without verify_signature gets no policy with keys that only it could verify.
func TestAHostWithoutVerifySignature(t *testing.T) {
	module := harness.LoadModule(t)
	for alg, key := range map[string]string{"RS256": "${RSA_PUBLIC}", "ES256": "${EC_PUBLIC}", "PS256": "${RSA_PUBLIC}", "EdDSA": "${ED_PUBLIC}"} {
		c := &harness.Case{Name: "without", Policy: `
auth: {tokens: [{alg: ` + alg + `, publicKey: "` + key + `"}]}
routes: [{match: {methods: [GET], path: /}, rule: {rule: authenticated}}]
`}
		_, doc := c.Load(t, c.Policy)
		cfg, err := harness.GatewayConfig(c, module, doc)
		if err != nil {
			t.Fatal(err)
		}
		var log lockedBuffer
		cfg.Upstream = gateway.Cluster{Handler: http.NotFoundHandler()}
		cfg.NoForeignFunctions = true
		cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
		g, err := harness.NewGateway(cfg)
		if err == nil {
			g.Close(t.Context())
		}
		want := "auth.tokens[0].alg: the proxy cannot verify " + alg + ": want one with the foreign function verify_signature"
		if refused := alg[:2] == "RS" || alg[:2] == "ES"; (err != nil) != refused || strings.Contains(log.String(), want) != refused {
			t.Errorf("%s: %v\n%s", alg, err, log.String())
		}
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
