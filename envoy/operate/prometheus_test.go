package operate

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/decisionlog"
	"github.com/rulegate/rulegate/host/metrics"
)

// TestPrometheus: a real Prometheus scrapes a real Envoy, and runs each expression of the
// dashboard and of the alerts. promtool finds nothing in Envoy's metrics of ours but that
// Envoy writes no help texts.
func TestPrometheus(t *testing.T) {
	for _, program := range []string{"prometheus", "promtool"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("no %s: install prometheus", program)
			}
			t.Skipf("no %s", program)
		}
	}
	b := harness.NewBootstrap(t, harness.NewUpstream(t).URL)
	b.AddCandidate(t, "watched", `
shadow: candidate.yaml
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
log: {}
routes:
  - {name: mine, match: {methods: [POST], path: /mine}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}}
  - {name: tried.too, match: {path: /tried}, mode: shadow, rule: {rule: deny}}
`, `
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
routes:
  - {match: {methods: [POST], path: /mine}, rule: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.params.id}}
  - {match: {path: /tried}, rule: {rule: deny, status: 404}}
`, "")
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)["watched"]
	for range 20 {
		for _, body := range []string{`{"id":"u1"}`, `{"id":"u2"}`, `{}`} {
			r := &harness.Request{Method: "POST", Target: "/mine", Body: body, Headers: [][2]string{harness.Bearer(t, `{"id":"u1"}`), {"content-type", "application/json"}}}
			if _, err := harness.Send(at, r, body); err != nil {
				t.Fatal(err)
			}
		}
		if answer, err := harness.Send(at, &harness.Request{Method: "GET", Target: "/tried"}, "tried"); err != nil || answer.Status != 200 {
			t.Fatal(answer, err)
		}
	}
	page := p.AwaitAdmin(t, "/stats/prometheus?filter=rulegate", `rulegate_shadow_passed_total{outcome="no",resource="tried.too"} 20`)
	checkMetrics(t, page)
	for _, line := range []string{
		`rulegate_decisions_total{outcome="yes",resource="mine"} 20`, `rulegate_decisions_total{outcome="no",resource="mine"} 20`,
		`rulegate_unknown_total{resource="mine",reason="missing"} 20`, `rulegate_shadow_resources{} 1`,
		`rulegate_bodies_held_total{direction="request"} 60`, `rulegate_token_cache_lookups_total{result="hit"}`,
		`rulegate_decisions_within_total{seconds="0.005"}`, `rulegate_policy_info{version="`, `rulegate_log_lines_total{} 100`,
		`rulegate_shadow_differences_total{resource="tried.too",kind="outcome"} 20`, `rulegate_candidate_decisions_total{outcome="yes",resource="mine"} 20`,
		`rulegate_candidate_info{version="`,
	} {
		if !strings.Contains(page, line) {
			t.Errorf("no %s in\n%s", line, page)
		}
	}
	checkAccessLog(t, p)
	api := startPrometheus(t, p.AdminAddress())
	for _, panel := range metrics.Panels {
		run(t, api, panel.Expr)
	}
	for _, a := range metrics.Alerts {
		run(t, api, a.Expr)
	}
	for _, expr := range []string{`sum(rulegate_decisions_total{outcome="yes"}) == 20`, `max(rulegate_shadow_resources) > 0`, `count by (version) (rulegate_policy_info == 1)`} {
		for n := 0; run(t, api, expr) == 0; n++ {
			if n == 100 {
				t.Fatalf("%s has no result", expr)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// checkAccessLog reads the decisions back that the module has put into the filter state,
// out of the lines that Envoy has written.
func checkAccessLog(t *testing.T, p *harness.Process) {
	t.Helper()
	outcomes := map[string]int{}
	for range 200 { // Envoy flushes its files now and then
		clear(outcomes)
		for line := range strings.Lines(p.Read("access.log")) {
			e, err := decisionlog.Parse([]byte(decisionlog.Unwrap(line)))
			if err != nil || e.Request == nil || e.Candidate != nil || !strings.Contains(line, `"decision"`) {
				t.Fatalf("no decision in the line %s (%v)", line, err)
			}
			outcomes[e.Route+" "+e.Mode+" "+string(e.Outcome)]++
		}
		if len(outcomes) == 4 && outcomes["mine  yes"]+outcomes["mine  no"]+outcomes["mine  unknown"]+outcomes["tried.too shadow no"] == 80 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("the access log has %v", outcomes)
}

// checkMetrics lets promtool read metrics.
func checkMetrics(t *testing.T, page string) {
	t.Helper()
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(page)
	out, _ := cmd.CombinedOutput() // fails for want of help texts
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "rulegate") && !strings.Contains(line, "no help text") {
			t.Errorf("promtool: %s", line)
		}
	}
}

// startPrometheus starts a Prometheus that scrapes Envoy's admin port once a second, and
// returns the URL of its API.
func startPrometheus(t *testing.T, admin string) (api string) {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%s]\nscrape_configs:\n- job_name: envoy\n  metrics_path: /stats/prometheus\n  params: {filter: [rulegate]}\n  static_configs: [{targets: [%q]}]\n",
		harness.Repository("host/metrics/alerts.yaml"), admin)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cmd := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	api = "http://" + address
	for range 300 {
		if r, err := http.Get(api + "/-/ready"); err == nil {
			r.Body.Close()
			if r.StatusCode == 200 {
				return api
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	said, _ := os.ReadFile(log.Name())
	t.Fatalf("Prometheus is not ready:\n%s", said)
	return ""
}

// run runs an expression, and returns the number of its results.
func run(t *testing.T, api, expr string) int {
	t.Helper()
	r, err := http.Get(api + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	var answer struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	if err != nil || answer.Status != "success" {
		t.Errorf("%s: %v\n%s", expr, err, body)
	}
	return len(answer.Data.Result)
}
