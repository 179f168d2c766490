package envoy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkTokensInEnvoy sends tokens to one worker of a real Envoy: none at
// all, one that was seen before (warm), and a new one with each request (cold).
// Beside them stands Envoy's own jwt_authn, which verifies each time. cpu-µs/op
// is what Envoy's process took, by its clock ticks; with few requests it is
// nothing but the size of a tick.
func BenchmarkTokensInEnvoy(b *testing.B) {
	answer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	b.Cleanup(answer.Close)
	boot := newBootstrap(b, &upstream{Server: answer})
	boot.workers = 1
	boot.alter = map[string]func(map[string]any){}
	const tokens = `auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, kid: own}, {name: rsa, alg: RS256, publicKey: "${RSA_PUBLIC}", kid: rsa}, {name: ec, alg: ES256, publicKey: "${EC_PUBLIC}", kid: ec}]}
`
	boot.addPolicy(b, "allow", "routes: [{match: {path: /}, rule: {rule: allow}}]\n", "")
	boot.addPolicy(b, "module", tokens+"routes: [{match: {path: /}, rule: {rule: authenticated}}]\n", "")
	boot.addPolicy(b, "none", "routes: []\n", "")
	boot.addPolicy(b, "jwt_authn", "routes: []\n", "")
	boot.alter["none"] = func(m map[string]any) { m["http_filters"] = routerOf(m) }
	boot.alter["jwt_authn"] = func(m map[string]any) { m["http_filters"] = append([]any{jwtAuthn()}, routerOf(m)...) }
	p := boot.launch(b)
	p.ready(b)
	at := p.listeners(b)
	for _, bench := range []struct{ name, listener, key string }{
		{"none", "none", ""},
		{"allow", "allow", ""},
		{"warm/RS256", "module", "rsa"},
		{"cold/HS256", "module", "own"},
		{"cold/RS256", "module", "rsa"},
		{"cold/ES256", "module", "ec"},
		{"jwt_authn/HS256", "jwt_authn", "own"},
		{"jwt_authn/RS256", "jwt_authn", "rsa"},
		{"jwt_authn/ES256", "jwt_authn", "ec"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			warm := strings.HasPrefix(bench.name, "warm")
			ask(http.DefaultClient, at[bench.listener], benchToken(b, bench.key)) // the connection
			n := b.N
			if warm {
				n = 1
			}
			made := make([]string, n)
			for i := range made {
				made[i] = benchToken(b, bench.key)
			}
			before := p.cpu(b)
			b.ResetTimer()
			for i := range b.N {
				if status, text := ask(http.DefaultClient, at[bench.listener], made[i%n]); status != http.StatusOK {
					b.Fatalf("answered %d %s", status, text)
				}
			}
			b.StopTimer()
			b.ReportMetric((p.cpu(b)-before)*1e6/float64(b.N), "cpu-µs/op")
		})
	}
}

var benchTokens int

// benchToken makes a token that there was not before; "" is no token.
func benchToken(b *testing.B, key string) string {
	if key == "" {
		return ""
	}
	benchTokens++
	raw, err := signToken(key, fmt.Sprintf(`{"id":"u1","iss":"https://id.example","email":"user@example.com","jti":"%d"}`, benchTokens), fmt.Sprintf(`{"kid":%q}`, key), false)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// cpu is how long Envoy has computed, in seconds; the kernel counts it in ticks
// of a hundredth.
func (p *process) cpu(b *testing.B) float64 {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])) // proc_pid_stat(5), from field 3
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		b.Fatalf("/proc/…/stat: %s", stat)
	}
	return float64(user+system) / 100
}

// routerOf is a manager's last filter, in a list of its own.
func routerOf(manager map[string]any) []any {
	filters := manager["http_filters"].([]any)
	return []any{filters[len(filters)-1]}
}

// jwtAuthn is Envoy's own filter with the keys of the tests.
func jwtAuthn() map[string]any {
	set := strings.Replace(keySet(""), `"kid":"own"`, `"kid":"own","use":"sig"`, 1)
	return map[string]any{"name": "envoy.filters.http.jwt_authn", "typed_config": map[string]any{
		"@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
		"providers": map[string]any{"all": map[string]any{
			"issuer": "https://id.example", "local_jwks": map[string]any{"inline_string": set},
		}},
		"rules": []any{map[string]any{"match": map[string]any{"prefix": "/"}, "requires": map[string]any{"provider_name": "all"}}},
	}}
}
