package bench

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/rulegate/rulegate/envoy/harness"
)

// BenchmarkQueryInEnvoy checks a token and a row of SQLite for each request, by a
// rule with `rulegate serve` and by a small Go server behind Envoy's ext_authz;
// "none" is Envoy without either. Compare them in one run, as the clients share
// the machine's cores.
func BenchmarkQueryInEnvoy(b *testing.B) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "reached") }))
	b.Cleanup(up.Close)
	file := harness.BansFile(b)
	policy := strings.NewReplacer("conn: social.db", "conn: "+file, "timeout: 400ms", "timeout: 10s").Replace(harness.BansPolicy)
	boot := harness.NewBootstrap(b, up.URL)
	co := harness.Serve(b, policy, "127.0.0.1:0")
	boot.AddPolicy(b, "rulegate", policy, co.URL)
	for _, name := range []string{"ext_authz", "none"} {
		boot.AddPolicy(b, name, "routes: [{match: {path: /page}, rule: {rule: allow}}]", "")
	}
	authz := httptest.NewServer(authorizer(b, file))
	b.Cleanup(authz.Close)
	boot.AddCluster("authz", authz.URL)
	boot.Alter = map[string]func(map[string]any){
		"none": func(m map[string]any) { m["http_filters"] = routerOf(m) },
		"ext_authz": func(m map[string]any) {
			m["http_filters"] = append([]any{map[string]any{"name": "envoy.filters.http.ext_authz", "typed_config": map[string]any{
				"@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
				"http_service": map[string]any{"server_uri": map[string]any{
					"uri": authz.URL, "cluster": "authz", "timeout": "10s",
				}},
			}}}, routerOf(m)...)
		},
	}
	p := boot.Start(b)
	p.Ready(b)
	at := p.Listeners(b)
	for _, name := range []string{"none", "rulegate", "ext_authz"} {
		for _, clients := range []int{1, 10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", name, clients), func(b *testing.B) { pages(b, at[name], name, clients) })
		}
	}
}

// pages requests b.N pages with a number of clients at once.
func pages(b *testing.B, at, name string, clients int) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients, MaxConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	good, banned := harness.Bearer(b, `{"id":"u1"}`)[1], harness.Bearer(b, `{"id":"u2"}`)[1]
	ask := func(token string) int {
		req, err := http.NewRequest("GET", "http://"+at+"/page", nil)
		if err != nil {
			b.Error(err)
			return 0
		}
		req.Header.Set("authorization", token)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			b.Error(err)
			return 0
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	if got := ask(banned); (got == http.StatusForbidden) != (name != "none") {
		b.Fatalf("a banned user gets %d", got)
	}
	if clients == 1 {
		for range 300 { // V8 compiles optimised code meanwhile
			ask(good)
		}
	}
	var left, refused atomic.Int64
	left.Store(int64(b.N))
	times := make([][]time.Duration, clients)
	b.ResetTimer()
	var wait sync.WaitGroup
	for i := range clients {
		wait.Go(func() {
			for left.Add(-1) >= 0 {
				from := time.Now()
				switch got := ask(good); got {
				case http.StatusOK:
					times[i] = append(times[i], time.Since(from))
				case http.StatusServiceUnavailable:
					refused.Add(1)
				default:
					b.Errorf("want 200, found %d", got)
				}
			}
		})
	}
	wait.Wait()
	b.StopTimer()
	all := slices.Sorted(slices.Values(slices.Concat(times...)))
	if len(all) == 0 {
		b.Fatal("no request got through")
	}
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "pages/s")
	b.ReportMetric(float64(all[len(all)/2])/1e6, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100])/1e6, "p99-ms")
	b.ReportMetric(float64(refused.Load()), "503s")
}

// authorizer is the server for ext_authz: it wants a valid token of a user who has
// no row in bans.
func authorizer(b *testing.B, file string) http.Handler {
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(32) // the companion's number
	db.SetMaxIdleConns(32)
	b.Cleanup(func() { db.Close() })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := strings.CutPrefix(r.Header.Get("authorization"), "Bearer ")
		var claims struct {
			jwt.Claims
			User string `json:"id"`
		}
		token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.HS256})
		if err == nil {
			err = token.Claims([]byte(harness.OwnSecret), &claims)
		}
		if err == nil {
			err = claims.Validate(jwt.Expected{Time: time.Now()})
		}
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var n int
		if err := db.QueryRowContext(r.Context(), "SELECT count(*) FROM bans WHERE id = ?", claims.User).Scan(&n); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if n > 0 {
			w.WriteHeader(http.StatusForbidden)
		}
	})
}
