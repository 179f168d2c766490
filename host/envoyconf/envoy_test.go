package envoyconf

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// envoy returns the path of Envoy: $ENVOY, which `make test` sets, or from $PATH.
func envoy(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("ENVOY"); path != "" {
		return path
	}
	path, err := exec.LookPath("envoy")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no Envoy: set ENVOY")
		}
		t.Skip("no Envoy: `make envoy` gets one; set ENVOY to its path")
	}
	return path
}

// module builds the module: Envoy loads it to validate a configuration too.
func module(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rulegate.wasm")
	cmd := exec.Command("../../.ci/module", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the module does not build: %v\n%s", err, out)
	}
	return path
}

func writeYAML(t *testing.T, c Config) string {
	t.Helper()
	b, err := Build(c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := b.YAML()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEnvoy(t *testing.T) {
	bin := envoy(t)
	module := module(t)
	t.Run("validates", func(t *testing.T) { validates(t, bin, module) })
	t.Run("starts", func(t *testing.T) { starts(t, bin, module) })
}

// Envoy accepts a configuration with every kind of address and cluster.
func validates(t *testing.T, bin, module string) {
	dir := t.TempDir()
	c := Config{
		Module: module,
		Admin:  "unix:" + filepath.Join(dir, "admin.sock"),
		Env:    map[string]string{"JWT_SECRET": "0123456789abcdef0123456789abcdef"},
		Clusters: []Cluster{
			{Name: "tls", URL: "https://shop.example"},
			{Name: "tls by address", URL: "https://127.0.0.1:8443"},
			{Name: "socket", URL: "unix:/run/up.sock"},
			{Name: "name", URL: "http://shop.example:8080"},
			{Name: "rulegate-companion", URL: "http://[::1]:9000", Connect: 250 * time.Millisecond},
		},
	}
	policy := `{"project":"shop","routes":[{"name":"n","match":{"path":"/"},"rule":{"rule":"deny","error":"ä ` + "\u0085" + `"}}],"auth":{"tokens":[{"alg":"HS256","secret":"${JWT_SECRET}","primary":true}]}}`
	for i, cluster := range []string{"tls", "tls by address", "socket", "name"} {
		c.Listeners = append(c.Listeners, Listener{
			Name: fmt.Sprint("l", i), Address: fmt.Sprintf("unix:%s/%d.sock", dir, i), Policy: policy, Upstream: cluster,
		})
	}
	c.Listeners[0].Address, c.Listeners[1].Address = "127.0.0.1:0", "[::1]:0"
	c.Listeners[2].Companion = "rulegate-companion"
	out, err := exec.Command(bin, "--mode", "validate", "-c", writeYAML(t, c)).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, tail(out))
	}
}

// Listeners share a VM and have separate policies; the settings for paths, counters
// and the log take effect.
func starts(t *testing.T, bin, module string) {
	dir := t.TempDir()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.URL.EscapedPath(), r.Header.Get("x-forwarded-for"))
	}))
	defer upstream.Close()
	c := Config{
		Module:   module,
		Admin:    "unix:" + filepath.Join(dir, "admin"),
		Clusters: []Cluster{{Name: "up", URL: upstream.URL}},
	}
	for i := range 20 {
		c.Listeners = append(c.Listeners, Listener{
			Name: fmt.Sprintf("l%d", i), Address: fmt.Sprintf("unix:%s/%d", dir, i), Upstream: "up",
			Policy: fmt.Sprintf(`{"routes":[{"name":"only","match":{"methods":["GET"],"path":"/p%d"},"rule":{"rule":"allow"}}]}`, i),
		})
	}
	secured, ca := secureUpstream(t)
	for name, url := range map[string]string{"tls": secured, "wrong-name": strings.Replace(secured, "127.0.0.1", "localhost", 1)} {
		c.Clusters = append(c.Clusters, Cluster{Name: name, URL: url, CA: ca})
		c.Listeners = append(c.Listeners, Listener{
			Name: name, Address: "unix:" + filepath.Join(dir, name), Upstream: name,
			Policy: `{"routes":[{"match":{"path":"/"},"rule":{"rule":"allow"}}]}`,
		})
	}
	running := start(t, bin, writeYAML(t, c), filepath.Join(dir, "admin"))
	for i := range 20 {
		for path, want := range map[string]int{
			fmt.Sprintf("/p%d", i):      200,
			fmt.Sprintf("/p%d", i+1):    403,
			fmt.Sprintf("//p%d", i):     200,
			fmt.Sprintf("/a/../p%d", i): 200,
			fmt.Sprintf("/%%2fp%d", i):  400,
		} {
			status, body := fetch(t, filepath.Join(dir, fmt.Sprint(i)), path)
			if status != want {
				t.Errorf("listener %d, %s: want %d, found %d %s", i, path, want, status, body)
			}
			if status == 200 && !strings.HasPrefix(body, fmt.Sprintf("/p%d ", i)) {
				t.Errorf("listener %d, %s: the upstream got %s", i, path, body)
			}
		}
	}
	if status, body := fetch(t, filepath.Join(dir, "tls"), "/"); status != 200 || body != "secured" {
		t.Errorf("https upstream: found %d %s", status, body)
	}
	if status, body := fetch(t, filepath.Join(dir, "wrong-name"), "/"); status != 503 {
		t.Errorf("https upstream whose certificate is for another name: want 503, found %d %s", status, body)
	}
	// Each worker's module tells Envoy of its counters once a second.
	const want = `rulegate_decisions_total{outcome="yes",resource="only"} 60`
	stats := ""
	for end := time.Now().Add(15 * time.Second); !strings.Contains(stats, want); time.Sleep(100 * time.Millisecond) {
		if _, stats = fetch(t, filepath.Join(dir, "admin"), "/stats/prometheus"); time.Now().After(end) {
			t.Errorf("stats: want %s, found\n%s", want, grep(stats, "rulegate_decisions_total"))
			break
		}
	}
	running.stop()
	if want := `"path":"/p3"`; !strings.Contains(running.String(), want) || !strings.Contains(running.String(), `"decision":"uncovered 403`) {
		t.Errorf("the access log lacks %s or the decision:\n%s", want, tail([]byte(running.String())))
	}
}

// secureUpstream starts an https server with a certificate for 127.0.0.1, and
// returns the path of its CA certificate too.
func secureUpstream(t *testing.T) (url, ca string) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "secured") }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // one handshake fails on purpose
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return srv.URL, ca
}

// server is a running Envoy; its output can be read after stop.
type server struct {
	strings.Builder
	cmd  *exec.Cmd
	done chan struct{}
}

func start(t *testing.T, bin, config, admin string) *server {
	t.Helper()
	s := &server{done: make(chan struct{}), cmd: exec.Command(bin, "-c", config, "--concurrency", "1", "--use-dynamic-base-id", "--drain-time-s", "1")}
	s.cmd.Stdout, s.cmd.Stderr = s, s
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(s.stop)
	client, limit := client(admin), time.After(2*time.Minute)
	for {
		if answer, err := client.Get("http://envoy/ready"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return s
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
			continue
		case <-s.done:
		case <-limit:
		}
		s.stop()
		t.Fatalf("Envoy is not ready:\n%s", tail([]byte(s.String())))
	}
}

// stop ends Envoy and waits for it.
func (s *server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	<-s.done
}

func client(socket string) *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}}
}

func fetch(t *testing.T, socket, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("GET", "http://shop.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = path
	if strings.HasPrefix(path, "//") {
		r.URL.Opaque = "http://shop.example" + path
	}
	answer, err := client(socket).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func tail(out []byte) string {
	if len(out) > 3000 {
		out = out[len(out)-3000:]
	}
	return string(out)
}

func grep(text, word string) string {
	var out []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}
