package gateway

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rulegate/rulegate/host/testcert"
)

func TestTheModuleSeesOnlyTheConfiguredEnvironment(t *testing.T) {
	t.Setenv("GATEWAY_TEST", "of the process")
	b := start(t, "request_headers: env GIVEN; env GATEWAY_TEST; time", func(c *Config) { c.Env = map[string]string{"GIVEN": "yes"} })
	b.do("GET", "/", "")
	b.want("request_headers end=true", `env GIVEN="yes"`, `env GATEWAY_TEST=""`, "time true", "...")
}

func TestLogLevels(t *testing.T) {
	b := start(t, "request_headers: log hello")
	b.do("GET", "/", "")
	b.want("request_headers end=true", "DEBUG-4 hello", "DEBUG hello", "INFO hello", "WARN hello", "ERROR hello", "ERROR+4 hello", "...")
}

func TestMetrics(t *testing.T) {
	b := start(t, "request_headers: count c; gauge g; histogram h", func(c *Config) { c.VMs = 2 })
	b.do("GET", "/", "")
	b.do("GET", "/", "")
	want := []Metric{{Name: "c", Value: 4}, {Name: "g", Kind: Gauge, Value: 6}, {Name: "h", Kind: Histogram, Count: 2, Sum: 14}}
	if got := b.Metrics(); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAMetricsNameHasOneKind(t *testing.T) {
	b := start(t, "request_headers: count m; gauge m")
	if r := b.do("GET", "/", ""); r.code != 503 { // the SDK panics
		t.Errorf("got %d, want 503", r.code)
	}
}

func TestSharedData(t *testing.T) {
	b := start(t, "request_headers: get k; put k v; putstale k w\nresponse_headers: get k; get other", func(c *Config) { c.VMs = 2 })
	b.do("GET", "/", "")
	b.want("request_headers end=true", `get "" error status returned by host: not found`,
		"request_headers: putstale: error status returned by host: cas mismatch",
		"response_headers end=false", `get "other" <nil>`, `get "" error status returned by host: not found`, "...")
	b.notes.reset()
	b.do("GET", "/", "") // the other VM
	b.want("request_headers end=true", `get "other" <nil>`, "...")
}

func TestSharedQueues(t *testing.T) {
	b := start(t, "configure: register q\nrequest_headers: enqueue one")
	b.do("GET", "/", "")
	b.notes.wait(t, "queue one <nil>")
}

func TestFilterStateIsInTheRecord(t *testing.T) {
	b := start(t, "request_headers: setproperty test.decision yes; reply 403 no")
	b.do("GET", "/p", "")
	until(t, func() bool { return len(b.accessed()) == 1 }, func() string { return "no record" })
	r := b.accessed()[0]
	if r.State["test.decision"] != "yes" || r.Status != 403 || r.Path != "/p" || r.Method != "GET" || r.ID == "" {
		t.Errorf("got %+v", r)
	}
}

func TestHandlersAsClusters(t *testing.T) {
	var handler atomic.Pointer[http.HandlerFunc] // one that was too slow may still be running
	b := start(t, "request_headers: pause; call peer 2000 /x?y=1\ncall: resume request", func(c *Config) {
		c.Clusters = map[string]Cluster{"peer": {Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*handler.Load())(w, r) })}}
	})
	for _, c := range []struct {
		name, want string
		handler    http.HandlerFunc
	}{
		{"with a body", `called none=false size=true status=200 body="POST /x?y=1 peer asked" <nil>`, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, r.Method+" "+r.RequestURI+" "+r.Host+" "+string(body))
		}},
		{"without a body", `called none=false size=false status=204 body="" <nil>`, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }},
		{"too slow", `called none=false size=true status=504 body="upstream request timeout" <nil>`, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{"panics before its headers", `called none=true size=false status= body="" error status returned by host: not found`, func(http.ResponseWriter, *http.Request) { panic("as told") }},
		{"panics after its headers", `called none=true size=false status= body="" error status returned by host: not found`, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic("as told")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			handler.Store(&c.handler)
			b.t = t
			b.notes.reset()
			if r := b.do("GET", "/", ""); r.code != 200 {
				t.Errorf("got %d %v", r.code, r.err)
			}
			b.want("request_headers end=true", c.want, "...")
		})
	}
}

func TestAHandlerAsUpstream(t *testing.T) {
	b := start(t, "request_headers: pause\nrequest_body: pause\nrequest_body end: body other; remove content-length", func(c *Config) {
		c.Upstream = Cluster{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Seen", r.Method+" "+r.RequestURI+" "+string(body))
			_, _ = io.WriteString(w, strings.Repeat("z", 100_000))
		})}
	})
	if r := b.do("POST", "/a?b", "body"); r.code != 200 || len(r.body) != 100_000 || r.header.Get("X-Seen") != "POST /a?b other" {
		t.Errorf("got %d, %d bytes, %v %v", r.code, len(r.body), r.header, r.err)
	}
}

func TestParsePairsRefusesWrongLengths(t *testing.T) {
	good := []byte{1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 'a', 0, 'b', 'c', 0}
	if got, ok := parsePairs(good); !ok || len(got) != 1 || got[0] != [2]string{"a", "bc"} {
		t.Fatalf("got %q %t", got, ok)
	}
	for n := 1; n < len(good); n++ {
		if _, ok := parsePairs(good[:n]); ok {
			t.Errorf("%d bytes of it pass", n)
		}
	}
	for at := range []int{0, 4, 8} {
		bad := slices.Clone(good)
		binary.LittleEndian.PutUint32(bad[at*4:], 1<<31)
		if _, ok := parsePairs(bad); ok {
			t.Errorf("a count of 2^31 at %d passes", at*4)
		}
	}
}

func FuzzParsePairs(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 'a', 0, 'b', 'c', 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := parsePairs(b)
		if ok && len(got) > len(b) {
			t.Errorf("%d pairs from %d bytes", len(got), len(b))
		}
	})
}

func TestClientCertificates(t *testing.T) {
	show := "request_headers: property connection.mtls; property connection.tls_version; property connection.uri_san_peer_certificate; " +
		"property connection.dns_san_peer_certificate; property connection.subject_peer_certificate; property connection.sha256_peer_certificate_digest; property request.scheme"
	ca := testcert.New(t)
	client := ca.TLS(func(c *x509.Certificate) {
		c.Subject.CommonName = "client"
		c.URIs = []*url.URL{{Scheme: "spiffe", Host: "test", Path: "/client"}}
		c.DNSNames = []string{"client.test"}
	})
	sum := sha256.Sum256(client.Leaf.Raw)
	for _, c := range []struct {
		name string
		auth tls.ClientAuthType
		want []string
	}{
		{"verified", tls.RequireAndVerifyClientCert, []string{`property connection.mtls = "\x01" <nil>`, `property connection.tls_version = "TLSv1.3" <nil>`,
			`property connection.uri_san_peer_certificate = "spiffe://test/client" <nil>`, `property connection.dns_san_peer_certificate = "client.test" <nil>`,
			`property connection.subject_peer_certificate = "CN=client" <nil>`,
			fmt.Sprintf(`property connection.sha256_peer_certificate_digest = "%x" <nil>`, sum), `property request.scheme = "https" <nil>`, "..."}},
		{"not verified", tls.RequireAnyClientCert, []string{`property connection.mtls = "\x00" <nil>`, `property connection.tls_version = "TLSv1.3" <nil>`,
			`property connection.uri_san_peer_certificate = "" error status returned by host: not found`, "..."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, show)
			srv := httptest.NewUnstartedServer(b.Gateway)
			srv.TLS = &tls.Config{ClientAuth: c.auth, ClientCAs: ca.Pool()}
			srv.StartTLS()
			defer srv.Close()
			hc := srv.Client()
			hc.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{client}
			resp, err := hc.Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			b.want(append([]string{"request_headers end=true"}, c.want...)...)
		})
	}
}

func TestLevelsAreBeyondSlogs(t *testing.T) {
	if LevelTrace >= slog.LevelDebug || LevelCritical <= slog.LevelError {
		t.Error("trace and critical are not beyond slog's levels")
	}
}
