package operate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/cli"
	"github.com/rulegate/rulegate/host/metrics"
	"github.com/rulegate/rulegate/host/testcert"
)

// edge is an Envoy with the policy of envoy/letsencrypt, whose certificate comes by SDS
// and is issued by an ACME server.
type edge struct {
	*harness.Process
	client      *acmeClient
	file        string         // the certificate and its key, as Envoy reads them
	roots       *x509.CertPool // those that clients trust
	plain, tls  string         // the addresses of the listeners
	token       string
	diagnostics bytes.Buffer
}

// name is the name in the certificate. Pebble resolves each name to 127.0.0.1.
const name = "shop.example"

func startEdge(t *testing.T) *edge {
	t.Helper()
	e := &edge{client: newACMEClient(t), file: filepath.Join(t.TempDir(), "shop.pem"), roots: x509.NewCertPool()}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "orders") }))
	t.Cleanup(upstream.Close)
	// Envoy needs some certificate before the first one is issued.
	first := testcert.New(t)
	cert, key := first.Pair(func(c *x509.Certificate) { c.DNSNames = []string{name} })
	e.roots.AppendCertsFromPEM([]byte(first.PEM()))
	if err := os.WriteFile(e.file, []byte(key+cert), 0o600); err != nil {
		t.Fatal(err)
	}
	const secret = "the-own-secret-of-the-test-cases"
	var out bytes.Buffer
	if code := cli.Run([]string{
		"envoy", harness.Repository("envoy/letsencrypt/policy.yaml"), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
		"--tls-cert", e.file, "--tls-key", e.file, "--sds", t.TempDir(),
		"--acme-listen", "127.0.0.1:0", "--acme-upstream", e.client.answers.URL,
		"--upstream", upstream.URL, "--module", harness.ModuleFile(t), "--format", "json",
	}, nil, &out, &e.diagnostics); code != 0 {
		t.Fatalf("rulegate envoy: exit code %d\n%s", code, &e.diagnostics)
	}
	e.Process = harness.Start(t, out.Bytes(), []string{"JWT_SECRET=" + secret}, 2)
	e.Ready(t)
	at := e.Listeners(t)
	e.tls, e.plain = at["rulegate"], at["rulegate-acme"]
	e.token = harness.Bearer(t, `{"role":"clerk"}`)[1]
	return e
}

// get asks for a path on the listener with TLS, and returns the answer and the certificate that Envoy showed.
func (e *edge) get(client *http.Client, path string) (string, *x509.Certificate, error) {
	r, err := http.NewRequest(http.MethodGet, "https://"+e.tls+path, nil)
	if err != nil {
		return "", nil, err
	}
	r.Header.Set("Authorization", e.token)
	answer, err := client.Do(r)
	if err != nil {
		return "", nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.Status + " " + string(body), answer.TLS.PeerCertificates[0], err
}

func (e *edge) newClient(keepAlive, http2 bool) *http.Client {
	return &http.Client{Timeout: harness.RequestTimeout, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: e.roots, ServerName: name}, DisableKeepAlives: !keepAlive, ForceAttemptHTTP2: http2,
	}}
}

// serves waits until Envoy shows a certificate.
func (e *edge) serves(t *testing.T, want *x509.Certificate) {
	t.Helper()
	client := e.newClient(false, false)
	harness.Eventually(t, "Envoy shows the new certificate", func() bool {
		_, shown, err := e.get(client, "/v1/orders")
		return err == nil && shown.Equal(want)
	})
}

// deploy runs the deploy hook of certbot for a certificate, and returns what it said.
func (e *edge) deploy(t *testing.T, chain, key string) (string, error) {
	t.Helper()
	lineage := t.TempDir()
	for file, text := range map[string]string{"fullchain.pem": chain, "privkey.pem": key} {
		if err := os.WriteFile(filepath.Join(lineage, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hook := exec.Command(harness.Repository("envoy/letsencrypt/deploy"))
	hook.Env = append(os.Environ(), "TLS_FILE="+e.file, "RENEWED_LINEAGE="+lineage)
	out, err := hook.CombinedOutput()
	return string(out), err
}

// TestLetsEncrypt: Pebble, the test server of Let's Encrypt, issues a certificate for an
// Envoy with rulegate and renews it while clients ask: Envoy shows each new one, and no
// request is lost. Files that Envoy cannot use leave the old one in force.
func TestLetsEncrypt(t *testing.T) {
	e := startEdge(t)
	e.client.register(t, e.plain)
	e.roots.AppendCertsFromPEM(e.client.root)
	e.onlyChallenges(t)

	end := e.load(t)
	var last *x509.Certificate
	for range 2 { // the first one, and its renewal
		chain, key, leaf := e.client.issue(t, name)
		if said, err := e.deploy(t, chain, key); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		e.serves(t, leaf)
		last = leaf
	}
	e.countsDown(t, last)
	e.keepsOld(t, last)
	end(last)
	if e.client.asked.Load() < 2 {
		t.Errorf("%d challenges", e.client.asked.Load())
	}
}

// countsDown tests Envoy's gauge of the certificate's end. After a file that Envoy refuses
// it may show the end of that one.
func (e *edge) countsDown(t *testing.T, last *x509.Certificate) {
	const metric = metrics.EnvoyCertificateEnd
	page, err := e.AdminGet("/stats/prometheus")
	m := regexp.MustCompile(metric + `\{[^}]*\} (\d+)\n`).FindStringSubmatch(page)
	if err != nil || m == nil || m[1] != itoa(last.NotAfter.Unix()) {
		t.Errorf("want %s %d, found %q, %v", metric, last.NotAfter.Unix(), m, err)
	}
	if want := metrics.EnvoyCertificateRefused + `{envoy_xds_resource_name="rulegate"} 0`; !strings.Contains(page, want) {
		t.Errorf("no %s", want)
	}
}

// onlyChallenges tests the plain listener: a challenge gets to the ACME client without a
// token, and nothing else gets anywhere.
func (e *edge) onlyChallenges(t *testing.T) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, c := range []struct{ method, path, token, want string }{
		{"GET", "/.well-known/acme-challenge/unknown", "", "404"},
		{"HEAD", "/.well-known/acme-challenge/unknown", "", "404"},
		{"POST", "/.well-known/acme-challenge/unknown", "", "403"},
		{"GET", "/.well-known/acme-challenge/", "", "403"},
		{"GET", "/.well-known/acme-challenge/a/b", "", "403"},
		{"GET", "/.well-known/acme-challenge/%2e%2e/orders", "", "403"},
		{"GET", "/.well-known/acme-challenge/..%2f..%2fv1%2forders", "", "400"},
		{"GET", "/.well-known/acme-challenge/../../v1/orders", "", "401"},
		{"GET", "/.well-known/security.txt", "", "403"},
		{"GET", "/v1/orders", "", "401"},
		{"GET", "/v1/orders?a=b", e.token, "308 https://" + e.plain[:strings.LastIndexByte(e.plain, ':')]},
	} {
		r, err := http.NewRequest(c.method, "http://"+e.plain+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.token != "" {
			r.Header.Set("Authorization", c.token)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
			continue
		}
		answer.Body.Close()
		if found := answer.Status[:3] + " " + answer.Header.Get("Location"); !strings.HasPrefix(found, c.want) {
			t.Errorf("%s %s: want %s, found %s", c.method, c.path, c.want, found)
		}
	}
}

// load asks without a pause: on connections that stay, over HTTP/1.1 and HTTP/2, and on
// new ones. end checks that each request was answered, and that the connections that
// stayed since before the first renewal still do.
func (e *edge) load(t *testing.T) (end func(*x509.Certificate)) {
	var clients sync.WaitGroup
	stop := make(chan struct{})
	var mu sync.Mutex
	seen, shown := map[string]int{}, map[string]bool{}
	connections := map[string]int{}
	for kind, client := range map[string]*http.Client{
		"kept": e.newClient(true, false), "kept, HTTP/2": e.newClient(true, true), "new": e.newClient(false, false),
	} {
		clients.Go(func() {
			certificates := map[string]bool{}
			for {
				select {
				case <-stop:
					mu.Lock()
					connections[kind] = len(certificates)
					mu.Unlock()
					return
				default:
				}
				answer, cert, err := e.get(client, "/v1/orders")
				if err != nil {
					answer = err.Error()
				} else {
					certificates[cert.SerialNumber.String()] = true
				}
				mu.Lock()
				seen[answer]++
				for serial := range certificates {
					shown[serial] = true
				}
				mu.Unlock()
			}
		})
	}
	return func(last *x509.Certificate) {
		close(stop)
		clients.Wait()
		if len(seen) != 1 || seen["200 OK orders"] < 50 {
			t.Errorf("answers under load: %v", seen)
		}
		if connections["kept"] != 1 || connections["kept, HTTP/2"] != 1 || connections["new"] != 3 || !shown[last.SerialNumber.String()] {
			t.Errorf("certificates seen by connections that stay, and by new ones: %v", connections)
		}
		t.Logf("%d requests", seen["200 OK orders"])
	}
}

// keepsOld replaces the file by ones that Envoy cannot use, and runs the hook with what it
// must refuse.
func (e *edge) keepsOld(t *testing.T, last *x509.Certificate) {
	good, err := os.ReadFile(e.file)
	if err != nil {
		t.Fatal(err)
	}
	other := testcert.New(t)
	e.roots.AppendCertsFromPEM([]byte(other.PEM()))
	cert, key := other.Pair(func(c *x509.Certificate) { c.DNSNames = []string{name} })
	_, wrongKey := other.Pair(nil)
	failures := 0
	for _, c := range []struct{ name, text, log string }{
		{"half written", string(good[:len(good)/4]), "Failed to load"},
		{"a key of another certificate", wrongKey + cert, "KEY_VALUES_MISMATCH"},
		{"no certificate", key, "Failed to load"},
		{"empty", "", "Failed to load"},
	} {
		replace(t, e.file, c.text)
		failures++
		want := "sds.rulegate.key_rotation_failed: " + itoa(int64(failures)) + "\n"
		if stats := e.AwaitAdmin(t, "/stats?filter=sds", want); !strings.Contains(stats, want) {
			t.Errorf("%s: want %s, found %s", c.name, want, stats)
		}
		if !strings.Contains(e.Log(), c.log) {
			t.Errorf("%s: no %q in the log", c.name, c.log)
		}
		e.serves(t, last)
	}
	replace(t, e.file, string(good))

	old, oldKey := other.Pair(func(c *x509.Certificate) {
		c.DNSNames = []string{name}
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour)
	})
	for _, c := range []struct{ name, chain, key, want string }{
		{"half written", cert[:len(cert)/2], key, "has no certificate"},
		{"no key", cert, "", "has no private key"},
		{"a key of another certificate", cert, wrongKey, "is not the key of"},
		{"expired", old, oldKey, "has expired"},
	} {
		said, err := e.deploy(t, c.chain, c.key)
		if now, _ := os.ReadFile(e.file); err == nil || !strings.Contains(said, c.want) || !bytes.Equal(now, good) {
			t.Errorf("the hook, %s: %v, %s", c.name, err, said)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(e.file), ".deploy.*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	e.serves(t, last)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// replace replaces a file by a rename.
func replace(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}
