package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/wire"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is a server that collects spans sent by OTLP over HTTP.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	spans   map[string]*otlp.Span // by name
	service string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{spans: map[string]*otlp.Span{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var body io.Reader = q.Body
		if q.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(q.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		text, err := io.ReadAll(body)
		var export collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(text, &export)
		}
		if err != nil || q.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", q.URL, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, res := range export.ResourceSpans {
			for _, a := range res.Resource.Attributes {
				if a.Key == "service.name" {
					r.service = a.Value.GetStringValue()
				}
			}
			for _, s := range res.ScopeSpans {
				for _, span := range s.Spans {
					r.spans[span.Name] = span
				}
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent  = "00f067aa0ba902b7"
)

// Spans join the trace of the request, and webhooks get it as traceparent. Without
// an endpoint there are no spans, and webhooks get the request's traceparent.
func TestTraces(t *testing.T) {
	heard := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.Header.Get("traceparent") }))
	defer hook.Close()
	path := filepath.Join(t.TempDir(), "s.db")
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.Exec("CREATE TABLE users (id TEXT)")
		db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	ask := func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		tracer, stop, err := tracing(context.Background(), "rulegate-companion", log)
		if err != nil {
			t.Fatal(err)
		}
		keys := wire.DeriveKeys("a secret")
		signing, faults := token.NewSet([]token.Key{{Alg: "HS256", Secret: "another secret", Primary: true}}, 0, false, gocrypto.Crypto())
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		c, err := companion.New(companion.Config{
			Keys: keys, Tokens: signing, Log: log, Tracer: tracer, Webhooks: []string{"127.0.0.1"},
			Databases: []companion.Source{{Name: "social", Type: "embedded", Conn: path, Collections: []string{"users"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(context.Background())
		body := []byte(`{"calls":[{"id":"1","kind":"query","db":"social","col":"users"},{"id":"2","kind":"query","db":"social","col":"users","find":{"x":"hidden"}},` +
			`{"id":"3","kind":"webhook","url":"` + hook.URL + `/hidden","body":{}}]}`)
		req := httptest.NewRequest("POST", wire.Path, bytes.NewReader(body))
		req.Header.Set("Authorization", keys.Sign("", body, time.Now()))
		req.Header.Set("traceparent", "00-"+traceID+"-"+parent+"-01")
		w := httptest.NewRecorder()
		if c.ServeHTTP(w, req); w.Code != 200 || strings.Count(w.Body.String(), "error") != 1 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if err := stop(context.Background()); err != nil {
			t.Error(err)
		}
	}
	t.Run("sent", func(t *testing.T) {
		r := newReceiver(t)
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL)
		ask(t)
		r.mu.Lock()
		defer r.mu.Unlock()
		root := r.spans["rulegate calls"]
		if root == nil || hex.EncodeToString(root.TraceId) != traceID || hex.EncodeToString(root.ParentSpanId) != parent || root.Kind != otlp.Span_SPAN_KIND_SERVER {
			t.Fatalf("%v", r.spans)
		}
		host := strings.TrimPrefix(hook.URL, "http://")
		for _, name := range []string{"query social.users", "webhook " + host} {
			s := r.spans[name]
			if s == nil || !bytes.Equal(s.ParentSpanId, root.SpanId) || !bytes.Equal(s.TraceId, root.TraceId) || s.Kind != otlp.Span_SPAN_KIND_CLIENT {
				t.Fatalf("%s: %v", name, s)
			}
			if strings.Contains(s.String(), "hidden") {
				t.Errorf("%s shows more than its target: %v", name, s)
			}
		}
		if r.service != "rulegate-companion" {
			t.Errorf("service %q", r.service)
		}
		if got, want := <-heard, "00-"+traceID+"-"+hex.EncodeToString(r.spans["webhook "+host].SpanId)+"-01"; got != want {
			t.Errorf("the webhook gets %s, want %s", got, want)
		}
	})
	t.Run("not sent", func(t *testing.T) {
		ask(t)
		if got, want := <-heard, "00-"+traceID+"-"+parent+"-01"; got != want {
			t.Errorf("the webhook gets %s, want %s", got, want)
		}
	})
	t.Run("another protocol", func(t *testing.T) {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
		t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
		if _, _, err := tracing(context.Background(), "", slog.Default()); err == nil || !strings.Contains(err.Error(), "want http/protobuf") {
			t.Error(err)
		}
		t.Setenv("OTEL_SDK_DISABLED", "true")
		if _, _, err := tracing(context.Background(), "", slog.Default()); err != nil {
			t.Error(err)
		}
	})
}
