package companion

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/testcert"
)

// TestServeInEnvoy tests Envoy with `rulegate serve` in processes of its own.
func TestServeInEnvoy(t *testing.T) {
	harness.RunParts(t, []harness.Part{
		{Name: "killed and restarted under load", Setup: killedUnderLoad},
		{Name: "queries in groups", Setup: queriesInGroups},
		{Name: "mutual TLS", Setup: mutualTLS},
		{Name: "webhooks that go wrong", Setup: webhookFaults},
		{Name: "calls of a candidate", Setup: candidateCalls},
	})
}

// killedUnderLoad kills and restarts the companion under load: each response is
// the right one or 503, and afterwards all are right again.
func killedUnderLoad(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	policy := strings.Replace(harness.BansPolicy, "conn: social.db", "conn: "+harness.BansFile(t), 1)
	dir, err := os.MkdirTemp("", "co") // the path of a Unix socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := "unix:" + filepath.Join(dir, "s")
	b.AddPolicy(t, "killed", policy, socket)
	return func(t *testing.T, p *harness.Process) {
		l := newBanLoad(t, p.Listeners(t)["killed"])
		co := harness.Serve(t, policy, socket)
		harness.Eventually(t, "the right responses", l.allRight)

		stop := l.start(8)
		for range 3 {
			before := l.right.Load()
			harness.Eventually(t, "20 right responses", func() bool { return l.right.Load() > before+20 })
			co.Kill() // SIGKILL
			before = l.unavailable.Load()
			harness.Eventually(t, "5 responses with 503", func() bool { return l.unavailable.Load() > before+5 })
			co = harness.Serve(t, policy, socket)
		}
		before := l.right.Load()
		harness.Eventually(t, "50 right responses after the last start", func() bool { return l.right.Load() > before+50 })
		stop()
		harness.Eventually(t, "the right responses after the load", l.allRight)
		for id := range up.Counts() {
			if strings.HasPrefix(id, "load-u2") || id == "well-u2" {
				t.Errorf("the upstream got %s", id)
			}
		}
		idle(t, co)
	}
}

// banLoad sends requests of u1 and of u2, who is banned, to a listener with
// harness.BansPolicy.
type banLoad struct {
	t                  *testing.T
	addr               string
	headers            map[string][][2]string // with the user's token
	right, unavailable atomic.Int64           // responses: as wanted, with 503
}

var banStatus = map[string]int{"u1": http.StatusOK, "u2": http.StatusForbidden}

func newBanLoad(t *testing.T, addr string) *banLoad {
	l := &banLoad{t: t, addr: addr, headers: map[string][][2]string{}}
	for user := range banStatus {
		l.headers[user] = [][2]string{harness.Bearer(t, fmt.Sprintf(`{"id":%q}`, user))}
	}
	return l
}

// ask sends one request and returns the status, 0 for no response.
func (l *banLoad) ask(user, id string) int {
	answer, err := harness.Send(l.addr, &harness.Request{Method: "GET", Target: "/page", Headers: l.headers[user]}, id)
	if err != nil {
		l.t.Errorf("%s: %v", id, err)
		return 0
	}
	return answer.Status
}

// allRight reports whether each user gets the right status.
func (l *banLoad) allRight() bool {
	return l.ask("u1", "well-u1") == banStatus["u1"] && l.ask("u2", "well-u2") == banStatus["u2"]
}

// start sends requests from a number of clients until stop is called. Each response
// must be right or 503.
func (l *banLoad) start(clients int) (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	for client := range clients {
		wait.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				user := []string{"u1", "u2"}[n%2]
				switch got := l.ask(user, fmt.Sprintf("load-%s-%d-%d", user, client, n)); got {
				case banStatus[user]:
					l.right.Add(1)
				case http.StatusServiceUnavailable:
					l.unavailable.Add(1)
				default:
					l.t.Errorf("%s: %d, want %d or 503", user, got, banStatus[user])
				}
			}
		})
	}
	return func() {
		close(done)
		wait.Wait()
	}
}

// idle waits until the companion holds no request and few goroutines.
func idle(t *testing.T, co *harness.ServeProcess) {
	t.Helper()
	harness.Eventually(t, "no request in flight", func() bool {
		return co.Gauge(t, "rulegate_companion_requests_in_flight") == 0 && co.Gauge(t, "rulegate_companion_bytes_in_flight") == 0 &&
			co.Gauge(t, "rulegate_companion_flights") == 0
	})
	// Listeners, the pools of the drivers and Envoy's idle connections have some.
	n := 0.0
	defer func() { t.Logf("%v goroutines, %v open files", n, co.Gauge(t, "process_open_fds")) }()
	harness.Eventually(t, "fewer than 100 goroutines", func() bool { n = co.Gauge(t, "go_goroutines"); return n < 100 })
}

// mutualTLS tests a companion with --client-ca: it serves an Envoy with a
// certificate of that authority and no other.
func mutualTLS(t *testing.T, b *harness.Bootstrap, _ *harness.Upstream) func(*testing.T, *harness.Process) {
	policy := strings.Replace(harness.BansPolicy, "conn: social.db", "conn: "+harness.BansFile(t), 1)
	ours, theirs := testcert.New(t), testcert.New(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca, otherCA := file("ca.pem", ours.PEM()), file("other-ca.pem", theirs.PEM())
	pair := func(name string, by *testcert.Authority) (cert, key string) {
		c, k := by.Pair(nil)
		return file(name+".pem", c), file(name+".key", k)
	}
	cert, key := pair("server", ours)
	goodCert, goodKey := pair("client", ours)
	badCert, badKey := pair("stranger", theirs)
	co := harness.Serve(t, policy, "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, "--client-ca", ca)
	for name, c := range map[string]struct{ ca, cert, key string }{
		"tls-good":             {ca, goodCert, goodKey},
		"tls-no-certificate":   {ca, "", ""},
		"tls-stranger":         {ca, badCert, badKey},
		"tls-another-companys": {otherCA, goodCert, goodKey},
	} {
		b.AddPolicy(t, name, policy, co.URL)
		l := &b.Conf.Clusters[len(b.Conf.Clusters)-1]
		l.CA, l.Cert, l.Key = c.ca, c.cert, c.key
	}
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		ask := func(name string) int {
			r := &harness.Request{Method: "GET", Target: "/page", Headers: [][2]string{harness.Bearer(t, `{"id":"u1"}`)}}
			answer, err := harness.Send(at[name], r, name)
			if err != nil {
				t.Fatal(err)
			}
			return answer.Status
		}
		harness.Eventually(t, "the certificate is accepted", func() bool { return ask("tls-good") == http.StatusOK })
		for _, name := range []string{"tls-no-certificate", "tls-stranger", "tls-another-companys"} {
			for range 3 {
				if got := ask(name); got != http.StatusServiceUnavailable {
					t.Errorf("%s: want 503, found %d", name, got)
				}
			}
		}
		if ask("tls-good") != http.StatusOK {
			t.Error("the good certificate is refused after the bad ones")
		}
	}
}
