package companion

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/testcert"
)

// hookFaults are the targets of webhooks, by their fault.
var hookFaults = map[string]http.HandlerFunc{
	"good": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"ok":true}`) },
	"slow": func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
	},
	"slow in its body": func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		for r.Context().Err() == nil {
			io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	},
	"endless": func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat(" ", 10_000)); err != nil {
				return
			}
		}
	},
	"endless headers": func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		for n := 0; err == nil; n++ {
			_, err = fmt.Fprintf(conn, "x-%d: %s\r\n", n, strings.Repeat("x", 1000))
		}
	},
	"resets": func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	},
	"breaks off": func(w http.ResponseWriter, _ *http.Request) {
		breakOff(w, "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"ok\":")
	},
	"talks nonsense": func(w http.ResponseWriter, _ *http.Request) { breakOff(w, "SSH-2.0-nonsense\r\n\r\n") },
	"is unable":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
}

// webhookFaults tests that the client gets 503 in time whatever a webhook's target
// does, and that the companion then holds no request.
func webhookFaults(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	ours, theirs := testcert.New(t), testcert.New(t)
	urls := map[string]string{"refuses": "http://127.0.0.1:1"}
	for name, h := range hookFaults {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		urls[name] = srv.URL
	}
	for name, by := range map[string]*testcert.Authority{"good over TLS": ours, "wrong TLS": theirs} {
		srv := httptest.NewUnstartedServer(hookFaults["good"])
		srv.TLS, srv.EnableHTTP2 = &tls.Config{Certificates: []tls.Certificate{by.TLS(nil)}}, true
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.StartTLS()
		t.Cleanup(srv.Close)
		urls[name] = srv.URL
	}
	urls["plain where TLS is wanted"] = strings.Replace(urls["good"], "http://", "https://", 1)
	var allow []string
	routes := ""
	for name, u := range urls {
		_, host, _ := strings.Cut(u, "://")
		allow = append(allow, host)
		routes += fmt.Sprintf("  - {name: %s, match: {methods: [GET], path: /%s}, rule: {rule: webhook, url: '%s/hook'}}\n", harness.Slug(name), harness.Slug(name), u)
	}
	policy := "project: shop\nauth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}\n" +
		"companion: {timeout: 800ms}\nwebhooks: {allow: ['" + strings.Join(allow, "', '") + "'], ca: " + harness.JSON(ours.PEM()) + "}\nroutes:\n" + routes
	co := harness.Serve(t, policy, "127.0.0.1:0")
	b.AddPolicy(t, "hooks", policy, co.URL)
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)["hooks"]
		headers := [][2]string{harness.Bearer(t, `{"id":"u1"}`)}
		ask := func(name, id string) int {
			answer, err := harness.Send(at, &harness.Request{Method: "GET", Target: "/" + harness.Slug(name), Headers: headers}, id)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return 0
			}
			return answer.Status
		}
		harness.Eventually(t, "a webhook over TLS is answered", func() bool { return ask("good over TLS", "warm") == http.StatusOK })
		var wait sync.WaitGroup
		few := make(chan struct{}, 8) // bounds the connections that Envoy keeps
		for name := range urls {
			for i := range 15 { // enough to open the breaker
				wait.Go(func() {
					few <- struct{}{}
					defer func() { <-few }()
					want := http.StatusServiceUnavailable
					if strings.HasPrefix(name, "good") {
						want = http.StatusOK
					}
					id := fmt.Sprintf("hook-%s-%d", harness.Slug(name), i)
					if got := ask(name, id); got != want {
						t.Errorf("%s: %d, want %d", name, got, want)
					}
					if got, _ := up.Take(id); len(got) > 0 && want != http.StatusOK {
						t.Errorf("%s: the upstream got it", name)
					}
				})
			}
		}
		wait.Wait()
		idle(t, co)
	}
}
