package identity

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/envoyconf"
	"github.com/rulegate/rulegate/host/testcert"
)

// showPeer copies the members of args.peer into headers.
const showPeer = `
routes:
  - match: {path: "/peer"}
    auth: none
    rule:
      rule: and
      clauses:
        - {rule: force, field: args.request.headers.x-uri, value: args.peer.uriSan}
        - {rule: force, field: args.request.headers.x-dns, value: args.peer.dnsSan}
        - {rule: force, field: args.request.headers.x-subject, value: args.peer.subject}
  - match: {path: "/any"}
    auth: none
    rule: {rule: match, type: bool, eval: "==", f1: utils.exists(args.peer), f2: true}
`

// secureUpstream starts an upstream that wants Envoy's certificate and responds
// with its URI in the header x-shown.
func secureUpstream(t *testing.T, up *harness.Upstream, ca *authority, shown tls.Certificate) *httptest.Server {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-shown", r.TLS.PeerCertificates[0].URIs[0].String())
		up.ServeHTTP(w, r)
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{shown}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

const (
	web      = "spiffe://shop.example/web"
	shipping = "spiffe://shop.example/shipping"
)

const handshakeFails = 0 // no response

var peerTests = []struct {
	name, listener, client, path string
	status                       int
	text                         string
}{
	{"a service that is listed", "mtls", "web", "/orders/1", 200, ""},
	{"another service that is listed", "mtls", "billing", "/orders/1", 200, ""},
	{"a service that is not listed", "mtls", "shipping", "/orders/1", 403, "this service does not talk to orders"},
	{"a service listed for another route", "mtls", "web", "/invoices/1", 403, "this service does not talk to invoices"},
	{"the service listed for that route", "mtls", "billing", "/invoices/1", 200, ""},
	{"anybody with a certificate", "mtls", "shipping", "/status", 200, ""},
	{"no certificate", "mtls", "none", "/status", handshakeFails, ""},
	{"self-signed", "mtls", "self-made", "/status", handshakeFails, ""},
	{"signed by another authority", "mtls", "stranger", "/status", handshakeFails, ""},
	{"expired", "mtls", "expired", "/status", handshakeFails, ""},
	{"for servers only", "mtls", "server-only", "/status", handshakeFails, ""},
	{"two URIs: the first counts", "mtls", "two", "/orders/1", 403, "does not talk"},
	{"two URIs swapped: the first counts", "mtls", "two-swapped", "/orders/1", 200, ""},
	{"no URI", "mtls", "nameless", "/orders/1", 403, ""},
	{"a URI with a listed one as prefix", "mtls", "longer", "/orders/1", 403, "does not talk"},
	{"a URI in upper case", "mtls", "upper", "/orders/1", 403, "does not talk"},
	{"optional: no certificate", "optional", "none", "/status", 200, ""},
	{"optional: no certificate, and the rule needs one", "optional", "none", "/orders/1", 403, ""},
	{"optional: a good certificate", "optional", "web", "/orders/1", 200, ""},
	{"optional: self-signed", "optional", "self-made", "/orders/1", handshakeFails, ""},
	{"TLS without client certificates: the rule needs one", "tls", "web", "/orders/1", 403, ""},
	{"TLS without client certificates: no rule on it", "tls", "none", "/status", 200, ""},
	{"no TLS: the rule needs a certificate", "plain", "none", "/orders/1", 403, ""},
	{"no TLS: no rule on it", "plain", "none", "/status", 200, ""},
	{"an upstream with another URI", "upstream-is-another", "web", "/orders/1", 503, ""},
	{"an upstream without Envoy's certificate", "upstream-refuses", "web", "/orders/1", 503, ""},
	{"args.peer absent", "show", "none", "/any", 403, ""},
	{"args.peer without a URI", "show", "nameless", "/any", 200, ""},
}

// peerClients returns the clients' certificates by name.
func peerClients(t *testing.T, ca, stranger *authority) map[string]tls.Certificate {
	expired := &x509.Certificate{
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
		URIs: []*url.URL{must(url.Parse(web))}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	serverOnly := &x509.Certificate{URIs: []*url.URL{must(url.Parse(web))}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	return map[string]tls.Certificate{
		"web":         ca.service(t, "web", web),
		"billing":     ca.service(t, "billing", "spiffe://shop.example/billing"),
		"shipping":    ca.service(t, "shipping", shipping),
		"two":         ca.service(t, "two", shipping, web),
		"two-swapped": ca.service(t, "two-swapped", web, shipping),
		"nameless":    ca.service(t, "nameless"),
		"longer":      ca.service(t, "longer", web+"/x"),
		"upper":       ca.service(t, "upper", "spiffe://shop.example/WEB"),
		"expired":     ca.show(t, expired, "expired"),
		"server-only": ca.show(t, serverOnly, "server-only"),
		"stranger":    stranger.service(t, "stranger", web),
		"self-made":   (&authority{testcert.SelfSigned(t), ca.dir}).service(t, "self-made", web),
	}
}

// addPeerListeners adds listeners with mutual TLS, with an optional certificate,
// with TLS alone and with none, and clusters to which Envoy speaks mutual TLS.
func addPeerListeners(t *testing.T, b *harness.Bootstrap, ca *authority, upstream string) {
	t.Helper()
	cluster := envoyconf.Cluster{
		Name: "orders", URL: upstream, CA: ca.file("ca.pem"),
		Cert: ca.file("gateway.pem"), Key: ca.file("gateway.key"), ID: "spiffe://shop.example/orders",
	}
	other, bare := cluster, cluster
	other.Name, other.ID = "not-orders", "spiffe://shop.example/invoices"
	bare.Name, bare.Cert, bare.Key = "without-certificate", "", ""
	b.Conf.Clusters = append(b.Conf.Clusters, cluster, other, bare)

	policy, err := os.ReadFile(harness.Repository("envoy/mtls/policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	server := envoyconf.ServerTLS{Cert: ca.file("gateway.pem"), Key: ca.file("gateway.key"), ClientCA: ca.file("ca.pem")}
	optional, alone := server, server
	optional.ClientOptional = true
	alone.ClientCA = ""
	listen := func(name, policy, upstream string, tls *envoyconf.ServerTLS) {
		l := b.AddPolicy(t, name, policy, "")
		l.Upstream, l.TLS = upstream, tls
	}
	listen("mtls", string(policy), "orders", &server)
	listen("optional", string(policy), "orders", &optional)
	listen("tls", string(policy), "orders", &alone)
	listen("plain", string(policy), "orders", nil)
	listen("show", showPeer, "upstream", &optional)
	listen("upstream-is-another", string(policy), "not-orders", &server)
	listen("upstream-refuses", string(policy), "without-certificate", &server)
}

// TestPeers tests mutual TLS on both sides of Envoy, and rules on args.peer that
// say which service may talk to which.
func TestPeers(t *testing.T) {
	dir := t.TempDir()
	ca, stranger := newAuthority(t, dir, "ca"), newAuthority(t, dir, "strangers-ca")
	ca.service(t, "gateway", "spiffe://shop.example/gateway")
	orders := ca.service(t, "orders", "spiffe://shop.example/orders")

	up := harness.NewUpstream(t)
	b := harness.NewBootstrap(t, up.URL)
	addPeerListeners(t, b, ca, secureUpstream(t, up, ca, orders).URL)
	clients := peerClients(t, ca, stranger)
	p := b.Start(t)
	p.Ready(t)
	at := p.Listeners(t)
	ask := func(t *testing.T, listener, client, path string, headers ...[2]string) (*http.Response, string, error) {
		t.Helper()
		config := &tls.Config{RootCAs: ca.Pool()}
		if shown, ok := clients[client]; ok {
			// Show it even if the server does not name its authority.
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil }
		}
		scheme := "https://"
		if listener == "plain" {
			scheme = "http://"
		}
		req, err := http.NewRequest("GET", scheme+at[listener]+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range headers {
			req.Header.Set(h[0], h[1])
		}
		req.Header.Set(harness.RequestID, t.Name())
		c := &http.Client{Timeout: harness.RequestTimeout, Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, ForceAttemptHTTP2: true}}
		resp, err := c.Do(req)
		if err != nil {
			return nil, "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp, string(body), err
	}

	for _, tt := range peerTests {
		t.Run(tt.name, func(t *testing.T) {
			// The module must overwrite the client's x-service.
			resp, body, err := ask(t, tt.listener, tt.client, tt.path, [2]string{"x-service", "spiffe://shop.example/admin"})
			if tt.status == handshakeFails {
				if err == nil {
					t.Fatalf("want the handshake to fail, found %d %s", resp.StatusCode, body)
				}
			} else if err != nil {
				t.Fatal(err)
			} else if resp.StatusCode != tt.status || !strings.Contains(body, tt.text) {
				t.Fatalf("want %d with %q, found %d %s", tt.status, tt.text, resp.StatusCode, body)
			}
			got, err := up.Take(t.Name())
			if err != nil || (len(got) == 1) != (tt.status == 200) {
				t.Fatalf("the upstream got %d requests, %v", len(got), err)
			}
			if tt.status == 200 && tt.listener == "mtls" {
				if shown := resp.Header.Get("x-shown"); shown != "spiffe://shop.example/gateway" {
					t.Errorf("the upstream got the certificate of %q", shown)
				}
				if name := got[0].Headers["x-service"]; strings.HasPrefix(tt.path, "/orders") &&
					(len(name) != 1 || name[0] != clients[tt.client].Leaf.URIs[0].String()) {
					t.Errorf("the upstream got x-service %q", name)
				}
			}
		})
	}
	t.Run("members of args.peer", func(t *testing.T) {
		resp, _, err := ask(t, "show", "two", "/peer")
		if err != nil || resp.StatusCode != 200 || resp.ProtoMajor != 2 {
			t.Fatalf("%v, %v", err, resp)
		}
		got, err := up.Take(t.Name())
		if err != nil || len(got) != 1 {
			t.Fatalf("%d requests, %v", len(got), err)
		}
		for name, want := range map[string]string{"x-uri": shipping, "x-dns": "two.shop.example", "x-subject": "CN=two,O=Shop"} {
			if found := got[0].Headers[name]; len(found) != 1 || found[0] != want {
				t.Errorf("%s: want %q, found %q", name, want, found)
			}
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
