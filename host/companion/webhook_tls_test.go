package companion

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/testcert"
)

// secure runs a TLS server that answers with the protocol of the request.
func secure(t testing.TB, cfg *tls.Config, http2 bool) (url string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s, %d client certificates", r.Proto, len(r.TLS.PeerCertificates))
	}))
	s.TLS, s.EnableHTTP2 = cfg, http2
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestWebhooksOverTLS(t *testing.T) {
	ours, theirs := testcert.New(t), testcert.New(t)
	good := ours.TLS(nil)
	withClient := func(by *testcert.Authority) WebhookTLS {
		cert, key := by.Pair(nil)
		return WebhookTLS{CA: ours.PEM(), Cert: cert, Key: key}
	}
	serving := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	asking := &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ours.Pool()}
	known := WebhookTLS{CA: ours.PEM()}
	const failed = `"error":"webhook error #"`
	for _, c := range []struct {
		name   string
		server *tls.Config
		http2  bool
		client WebhookTLS
		want   string
	}{
		{"HTTP/2 where it is offered", serving(good), true, known, `"body":"HTTP/2.0, 0 client certificates"`},
		{"HTTP/1.1 where it is not", serving(good), false, known, `"body":"HTTP/1.1, 0 client certificates"`},
		{"one of several CAs", serving(good), true, WebhookTLS{CA: theirs.PEM() + ours.PEM()}, `"body":"HTTP/2.0`},
		{"another CA", serving(good), true, WebhookTLS{CA: theirs.PEM()}, failed},
		{"the system's CAs", serving(good), true, WebhookTLS{}, failed},
		{"another name", serving(ours.TLS(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"hooks.example"} })), true, known, failed},
		{"another address", serving(ours.TLS(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} })), true, known, failed},
		{"expired", serving(ours.TLS(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })), true, known, failed},
		{"not valid yet", serving(ours.TLS(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })), true, known, failed},
		{"not a server's", serving(ours.TLS(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })), true, known, failed},
		{"TLS 1.1", &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, true, known, failed},
		{"TLS 1.2", &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12}, true, known, `"body":"HTTP/2.0`},
		{"a client certificate is asked for and shown", asking, true, withClient(ours), `"body":"HTTP/2.0, 1 client certificates"`},
		{"a client certificate is asked for and there is none", asking, true, known, failed},
		{"a client certificate of another CA", asking, true, withClient(theirs), failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := secure(t, c.server, c.http2)
			cfg := serviceConfig(t, dbtest.SQLite(t, social))
			cfg.WebhookTLS = c.client
			_, r := newServiceRig(t, cfg)
			for range 2 { // the second call reuses the connection
				if got := r.one(hook("1", url, ""), "x-rulegate-timeout-ms", "20000"); !strings.Contains(got, c.want) {
					t.Errorf("%s, want %s", got, c.want)
				}
			}
		})
	}
}

func TestConnectionsToHostsAreKept(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		ours := testcert.New(t)
		conns := make(chan net.Conn, 100)
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "here") }))
		s.TLS, s.EnableHTTP2 = &tls.Config{Certificates: []tls.Certificate{ours.TLS(nil)}}, http2
		s.Config.ConnState = func(c net.Conn, state http.ConnState) {
			if state == http.StateNew {
				conns <- c
			}
		}
		s.StartTLS()
		t.Cleanup(s.Close)
		cfg := serviceConfig(t, dbtest.SQLite(t, social))
		cfg.WebhookTLS = WebhookTLS{CA: ours.PEM()}
		_, r := newServiceRig(t, cfg)
		for range 20 {
			if got := r.one(hook("1", s.URL, ""), "x-rulegate-timeout-ms", "20000"); !strings.Contains(got, "here") {
				t.Fatal(got)
			}
		}
		if len(conns) != 1 {
			t.Errorf("HTTP/2 %v: %d connections for 20 calls, one after the other", http2, len(conns))
		}
	}
}

func TestCertificatesThatAreRefused(t *testing.T) {
	a := testcert.New(t)
	cert, key := a.Pair(nil)
	_, other := a.Pair(nil)
	for name, c := range map[string]struct {
		tls  WebhookTLS
		want string // "" for a valid configuration
	}{
		"none":                  {WebhookTLS{}, ""},
		"all of them":           {WebhookTLS{CA: a.PEM(), Cert: cert, Key: key}, ""},
		"a CA that is no PEM":   {WebhookTLS{CA: "secret"}, "webhooks.ca: want certificates in PEM, found none"},
		"a key as a CA":         {WebhookTLS{CA: a.PEM() + key}, "webhooks.ca: PEM block 2 is not a certificate"},
		"no key":                {WebhookTLS{Cert: cert}, "webhooks.cert, webhooks.key: want"},
		"another one's key":     {WebhookTLS{Cert: cert, Key: other}, "webhooks.cert, webhooks.key: want"},
		"a key that is no PEM":  {WebhookTLS{Cert: cert, Key: "secret"}, "webhooks.cert, webhooks.key: want"},
		"a cert that is no PEM": {WebhookTLS{Cert: "secret", Key: key}, "webhooks.cert, webhooks.key: want"},
	} {
		got, err := New(Config{Keys: testKeys, WebhookTLS: c.tls, Log: slog.New(slog.DiscardHandler)})
		said := ""
		if err != nil {
			said = err.Error()
		} else {
			got.Close(context.Background())
		}
		if (said == "") != (c.want == "") || !strings.HasPrefix(said, c.want) || strings.Contains(said, "secret") {
			t.Errorf("%s: %q, want %q", name, said, c.want)
		}
	}
}
