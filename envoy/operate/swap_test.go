package operate

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/cli"
	"github.com/rulegate/rulegate/host/envoycheck"
	"github.com/rulegate/rulegate/host/metrics"
)

// swapped is an Envoy whose filter comes by config discovery.
type swapped struct {
	*harness.Process
	dir, upstream string
	url           string
}

// write writes a policy whose only mark is a header that it sets, by `rulegate envoy
// --ecds`, and returns the rest of the configuration.
func (s *swapped) write(t *testing.T, mark string) string {
	t.Helper()
	policy := filepath.Join(s.dir, "policy.yaml")
	text := fmt.Sprintf(`project: shop
routes:
  - name: order
    match: {methods: [POST], path: /order}
    auth: none
    rule:
      rule: and
      clauses:
        - {rule: match, type: string, eval: "==", f1: args.params.user, f2: ana}
        - {rule: force, field: args.request.headers.x-policy, value: %q}
`, mark)
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	if code := cli.Run([]string{
		"envoy", policy, "--ecds", s.dir, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
		"--upstream", s.upstream, "--module", harness.ModuleFile(t), "--format", "json",
	}, nil, &out, &log); code != 0 {
		t.Fatalf("rulegate envoy: exit code %d\n%s", code, &log)
	}
	return out.String()
}

// ask sends an order with a header that only a policy may set, and returns the status
// and the header that the upstream got.
func (s *swapped) ask(user string) (int, string, error) {
	r, err := http.NewRequest(http.MethodPost, s.url+"/order", strings.NewReader(`{"user":"`+user+`"}`))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Policy", "the client")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

// await asks until the policy with a mark decides.
func (s *swapped) await(t *testing.T, mark string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, got, err := s.ask("ana"); err == nil && got == mark {
			return
		}
	}
	t.Fatalf("the policy %s never decided\n%s", mark, harness.Tail(s.Log(), 30))
}

// TestSwapUnderLoad replaces the policy of a running Envoy while clients ask: no
// request is lost, each is decided by one of the policies, and a faulty one is refused.
func TestSwapUnderLoad(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("X-Policy")) }))
	defer upstream.Close()
	s := &swapped{dir: t.TempDir(), upstream: upstream.URL}
	config := s.write(t, "policy 0")
	s.Process = harness.Start(t, []byte(config), nil, 2)
	s.Ready(t)
	s.url = "http://" + s.Listeners(t)["rulegate"]
	s.await(t, "policy 0")

	var clients sync.WaitGroup
	stop := make(chan struct{})
	var mu sync.Mutex
	seen := map[string]int{}
	for i := range 4 {
		clients.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				user := []string{"ana", "eve"}[n%2]
				status, mark, err := s.ask(user)
				if status == http.StatusForbidden {
					mark = ""
				}
				mu.Lock()
				seen[fmt.Sprint(user, " ", status, " ", mark, " ", err)]++
				mu.Unlock()
			}
		})
	}
	allowed := regexp.MustCompile(`^(ana 200 policy [012]|eve 403 ) <nil>$`)
	for i := 1; i <= 2; i++ {
		if rest := s.write(t, fmt.Sprint("policy ", i)); rest != config {
			t.Errorf("policy %d changes the rest of the configuration", i)
		}
		s.await(t, fmt.Sprint("policy ", i))
	}
	s.refuses(t, config)
	close(stop)
	clients.Wait()
	total := 0
	for outcome, n := range seen {
		if total += n; !allowed.MatchString(outcome) {
			t.Errorf("%d requests: %s", n, outcome)
		}
	}
	for i := range 3 {
		if seen[fmt.Sprintf("ana 200 policy %d <nil>", i)] == 0 {
			t.Errorf("no request was decided by policy %d: %v", i, seen)
		}
	}
	t.Logf("%d requests", total)
}

// refuses replaces the file by one with a faulty policy: Envoy counts it and logs the
// fault, and the policy before decides on.
func (s *swapped) refuses(t *testing.T, config string) {
	t.Helper()
	file := filepath.Join(s.dir, "rulegate.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	faulty := strings.Replace(string(text), `"rule": "force"`, `"rule": "farce"`, 1)
	if faulty == string(text) {
		t.Fatal("no rule to break")
	}
	if err := os.WriteFile(file+".new", []byte(faulty), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	const counter = "extension_config_discovery.http_filter.rulegate.config_fail: 1\n"
	if stats := s.AwaitAdmin(t, "/stats?filter=extension_config_discovery", counter); !strings.Contains(stats, counter) {
		t.Errorf("want %s, found\n%s", counter, stats)
	}
	if page, err := s.AdminGet("/stats/prometheus"); !strings.Contains(page, metrics.EnvoyFilterRefused+"{} 1\n") {
		t.Errorf("no %s, %v", metrics.EnvoyFilterRefused, err)
	}
	if !strings.Contains(s.Log(), `unknown rule "farce"`) {
		t.Errorf("no fault in the log:\n%s", harness.Tail(s.Log(), 20))
	}
	for range 20 {
		if status, mark, err := s.ask("ana"); err != nil || status != 200 || mark != "policy 2" {
			t.Errorf("after the refusal: %d %q %v", status, mark, err)
		}
	}
	dump, err := s.AdminGet("/config_dump")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"dump.json": dump, "envoy.json": config} {
		found, err := envoycheck.Check(name, []byte(text), envoycheck.Options{Now: time.Now()})
		if err != nil || len(found) != 1 || found[0].Code != "faulty-policy" {
			t.Errorf("rulegate envoy check %s: %+v, %v", name, found, err)
		}
	}
}
