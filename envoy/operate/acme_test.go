package operate

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"golang.org/x/crypto/acme"
)

// acmeClient gets certificates from Pebble. Its answers to challenges are at a server of
// its own, which Envoy leads to.
type acmeClient struct {
	acme.Client
	answers *httptest.Server
	paths   sync.Map     // path → answer
	asked   atomic.Int32 // challenges that were answered
	root    []byte       // signs what Pebble issues, in PEM
}

func newACMEClient(t *testing.T) *acmeClient {
	c := &acmeClient{}
	c.answers = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := c.paths.Load(r.URL.Path)
		if !ok {
			http.NotFound(w, r)
			return
		}
		c.asked.Add(1)
		w.Write([]byte(answer.(string)))
	}))
	t.Cleanup(c.answers.Close)
	return c
}

// register starts Pebble, which looks for answers at an address, and makes an account.
func (c *acmeClient) register(t *testing.T, answers string) {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "pebble")
	build := exec.Command("go", "build", "-C", harness.Repository(".ci/pebble"), "-o", bin, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(bin, "-listen", "127.0.0.1:0", "-http", answers, "-dir", dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	_, url, ok := strings.Cut(strings.TrimSpace(line), "ready: ")
	if !ok {
		t.Fatalf("pebble: %q, %v", line, err)
	}
	trusted, err := os.ReadFile(filepath.Join(dir, "server.pem"))
	if err == nil {
		c.root, err = os.ReadFile(filepath.Join(dir, "root.pem"))
	}
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(trusted)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.Client = acme.Client{
		Key: key, DirectoryURL: url,
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}},
	}
	if _, err := c.Register(t.Context(), &acme.Account{}, acme.AcceptTOS); err != nil {
		t.Fatal(err)
	}
}

// issue gets a certificate for a name, and returns it with its chain and its key.
func (c *acmeClient) issue(t *testing.T, name string) (chain, key string, leaf *x509.Certificate) {
	t.Helper()
	fail := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	order, err := c.AuthorizeOrder(t.Context(), acme.DomainIDs(name))
	fail(err)
	for _, url := range order.AuthzURLs {
		c.authorize(t, url)
	}
	order, err = c.WaitOrder(t.Context(), order.URI)
	fail(err)
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fail(err)
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, own)
	fail(err)
	all, _, err := c.CreateCertFromOrder(t.Context(), order, request, true)
	fail(err)
	leaf, err = x509.ParseCertificate(all[0])
	fail(err)
	for _, der := range all {
		chain += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	der, err := x509.MarshalPKCS8PrivateKey(own)
	fail(err)
	return chain, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), leaf
}

// authorize answers the HTTP-01 challenge of an authorization, unless an earlier one
// still counts.
func (c *acmeClient) authorize(t *testing.T, url string) {
	t.Helper()
	z, err := c.GetAuthorization(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if z.Status == acme.StatusValid {
		return
	}
	for _, challenge := range z.Challenges {
		if challenge.Type != "http-01" {
			continue
		}
		answer, err := c.HTTP01ChallengeResponse(challenge.Token)
		if err != nil {
			t.Fatal(err)
		}
		c.paths.Store(c.HTTP01ChallengePath(challenge.Token), answer)
		if _, err := c.Accept(t.Context(), challenge); err != nil {
			t.Fatal(err)
		}
		if _, err := c.WaitAuthorization(t.Context(), z.URI); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("no HTTP-01 challenge: %+v", z)
}
