package bench

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// BenchmarkTokensInEnvoy measures the CPU time that an Envoy with one worker
// spends on a request: without a token, with the same token each time (warm), with
// a new token each time (by algorithm), and with Envoy's jwt_authn, which verifies
// each time. The contenders take turns of eighty requests from eight clients, so
// that other load on the machine affects all of them.
func BenchmarkTokensInEnvoy(b *testing.B) {
	answer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	b.Cleanup(answer.Close)
	boot := harness.NewBootstrap(b, answer.URL)
	boot.Workers = 1
	boot.Alter = map[string]func(map[string]any){}
	const tokens = `auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, kid: own}, {name: rsa, alg: RS256, publicKey: "${RSA_PUBLIC}", kid: rsa}, {name: ec, alg: ES256, publicKey: "${EC_PUBLIC}", kid: ec}]}
`
	boot.AddPolicy(b, "allow", "routes: [{match: {path: /}, rule: {rule: allow}}]\n", "")
	boot.AddPolicy(b, "module", tokens+"routes: [{match: {path: /}, rule: {rule: authenticated}}]\n", "")
	boot.AddPolicy(b, "none", "routes: []\n", "")
	boot.AddPolicy(b, "jwt_authn", "routes: []\n", "")
	boot.Alter["none"] = func(m map[string]any) { m["http_filters"] = routerOf(m) }
	boot.Alter["jwt_authn"] = func(m map[string]any) { m["http_filters"] = append([]any{jwtAuthn()}, routerOf(m)...) }
	p := boot.Start(b)
	p.Ready(b)
	at := p.Listeners(b)
	contenders := []struct {
		name, listener, key string
		cpu                 time.Duration
	}{
		{name: "none", listener: "none"},
		{name: "allow", listener: "allow"},
		{name: "warm", listener: "module", key: "rsa"},
		{name: "HS256", listener: "module", key: "own"},
		{name: "RS256", listener: "module", key: "rsa"},
		{name: "ES256", listener: "module", key: "ec"},
		{name: "jwt_authn-HS256", listener: "jwt_authn", key: "own"},
		{name: "jwt_authn-RS256", listener: "jwt_authn", key: "rsa"},
		{name: "jwt_authn-ES256", listener: "jwt_authn", key: "ec"},
	}
	const turn, clients = 80, 8
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	warm := benchToken(b, "rsa")
	b.ResetTimer()
	for range b.N {
		for i := range contenders {
			c := &contenders[i]
			made := make([]string, turn)
			for i := range made {
				if made[i] = warm; c.name != "warm" {
					made[i] = benchToken(b, c.key)
				}
			}
			if status, text := harness.GetWithToken(client, at[c.listener], warm); status != http.StatusOK {
				b.Fatalf("%s: answered %d %s", c.name, status, text)
			}
			before := processorTime(b, p)
			var group sync.WaitGroup
			for i := range clients {
				group.Go(func() {
					for j := i; j < turn; j += clients {
						if status, text := harness.GetWithToken(client, at[c.listener], made[j]); status != http.StatusOK {
							b.Errorf("%s: answered %d %s", c.name, status, text)
						}
					}
				})
			}
			group.Wait()
			c.cpu += processorTime(b, p) - before
		}
	}
	for _, c := range contenders {
		b.ReportMetric(float64(c.cpu.Microseconds())/float64(b.N*turn), c.name+"-µs")
	}
	b.ReportMetric(0, "ns/op")
}

var benchTokens int

// benchToken returns a token that was not used before, or "" without a key.
func benchToken(b *testing.B, key string) string {
	if key == "" {
		return ""
	}
	benchTokens++
	raw, err := harness.SignToken(key, fmt.Sprintf(`{"id":"u1","iss":"https://id.example","email":"user@example.com","jti":"%d"}`, benchTokens), fmt.Sprintf(`{"kid":%q}`, key), false)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// processorTime returns the CPU time of all threads of Envoy: see sched-stats in
// the kernel's documentation.
func processorTime(b *testing.B, p *harness.Process) (sum time.Duration) {
	b.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.Cmd.Process.Pid))
	if err != nil || len(files) == 0 {
		b.Fatalf("no schedstat of Envoy: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // a thread that has ended
		}
		on, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(on, 10, 64)
		if err != nil {
			b.Fatalf("%s: %s", f, text)
		}
		sum += time.Duration(ns)
	}
	return sum
}

// routerOf returns a list with only the last filter of a connection manager.
func routerOf(manager map[string]any) []any {
	filters := manager["http_filters"].([]any)
	return []any{filters[len(filters)-1]}
}

// jwtAuthn returns Envoy's jwt_authn filter with the keys of the tests.
func jwtAuthn() map[string]any {
	set := strings.Replace(harness.KeySet(""), `"kid":"own"`, `"kid":"own","use":"sig"`, 1)
	return map[string]any{"name": "envoy.filters.http.jwt_authn", "typed_config": map[string]any{
		"@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
		"providers": map[string]any{"all": map[string]any{
			"issuer": "https://id.example", "local_jwks": map[string]any{"inline_string": set},
		}},
		"rules": []any{map[string]any{"match": map[string]any{"prefix": "/"}, "requires": map[string]any{"provider_name": "all"}}},
	}}
}
