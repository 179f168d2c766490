package cli

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/host/listen"
	"github.com/rulegate/rulegate/host/testcert"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
)

// TestSpanOfRun: a request through rulegate run has a span, a child of the client's, and
// what is behind the gateway gets that span as its parent.
func TestSpanOfRun(t *testing.T) {
	r := newReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL)
	tracer, stop, err := tracing(context.Background(), "rulegate", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	passed := ""
	h := traced(tracer, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		passed = r.Header.Get("traceparent")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	req := httptest.NewRequest("GET", "/v1/orders?token=hidden", nil)
	req.Header.Set("traceparent", "00-"+traceID+"-"+parent+"-01")
	h.ServeHTTP(httptest.NewRecorder(), req)
	if err := stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	span := r.spans["rulegate request"]
	if span == nil || hex.EncodeToString(span.TraceId) != traceID || hex.EncodeToString(span.ParentSpanId) != parent || span.Kind != otlp.Span_SPAN_KIND_SERVER {
		t.Fatalf("%v", r.spans)
	}
	if want := "00-" + traceID + "-" + hex.EncodeToString(span.SpanId) + "-01"; passed != want {
		t.Errorf("behind the gateway the parent is %s, want %s", passed, want)
	}
	text := span.String()
	for _, want := range []string{"http.request.method", "/v1/orders", "503", "STATUS_CODE_ERROR"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(text, "hidden") || r.service != "rulegate" {
		t.Errorf("service %q, span %s", r.service, text)
	}
}

// TestCertificateMetric: the metric is the end of the certificate that is served, and
// follows a reload. Without a certificate there is none.
func TestCertificateMetric(t *testing.T) {
	dir := t.TempDir()
	files := listen.TLSFiles{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	authority := testcert.New(t)
	load := func(end time.Time) *listen.TLS {
		cert, key := authority.Pair(func(c *x509.Certificate) { c.NotAfter = end })
		for name, text := range map[string]string{files.Cert: cert, files.Key: key} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		tls, err := files.Load()
		if err != nil {
			t.Fatal(err)
		}
		return tls
	}
	scrape := func(tls *listen.TLS) string {
		m := companion.NewMetrics()
		m.Register(certificateMetrics{tls})
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		for line := range strings.Lines(w.Body.String()) {
			if value, ok := strings.CutPrefix(line, "rulegate_certificate_expiry_timestamp_seconds "); ok {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	first, second := time.Now().Add(time.Hour).Truncate(time.Second), time.Now().Add(48*time.Hour).Truncate(time.Second)
	want := func(at time.Time) string { return fmt.Sprint(float64(at.Unix())) }
	served := load(first)
	if got := scrape(served); got != want(first) {
		t.Errorf("got %s, want %s", got, want(first))
	}
	served.Replace(load(second))
	if got := scrape(served); got != want(second) {
		t.Errorf("after a reload: got %s, want %s", got, want(second))
	}
	plain, err := (&listen.TLSFiles{}).Load()
	if err != nil {
		t.Fatal(err)
	}
	if got := scrape(plain); got != "" {
		t.Errorf("without a certificate: got %s", got)
	}
}
