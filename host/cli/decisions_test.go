package cli

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/decisionlog"
	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"
)

// TestDecisionsByOTLP: a decision is a log record of OpenTelemetry, in the trace of its
// request.
func TestDecisionsByOTLP(t *testing.T) {
	var got collector.ExportLogsServiceRequest
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = proto.Unmarshal(body, &got)
		}
		if err != nil || r.URL.Path != "/v1/logs" {
			t.Errorf("%s: %v", r.URL, err)
		}
	}))
	defer receiver.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	exporter, err := decisionExporter(context.Background(), "rulegate", slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	w, err := decisionlog.Open("", decisionlog.Options{Exporter: exporter})
	if err != nil {
		t.Fatal(err)
	}
	const line = `{"v":1,"time":"2026-03-01T12:00:00Z","policy":"3f2a","traceId":"0af7651916cd43dd8448eb211c80319c","of":"request","route":"orders","outcome":"error","status":503}`
	if take := decisionLines(w); !take(slog.LevelInfo, decisionlog.Prefix+line) || take(slog.LevelInfo, "another line") {
		t.Error("the hook takes decisions, and no other lines")
	}
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(got.ResourceLogs) != 1 || len(got.ResourceLogs[0].ScopeLogs) != 1 || len(got.ResourceLogs[0].ScopeLogs[0].LogRecords) != 1 {
		t.Fatalf("got %v", &got)
	}
	r := got.ResourceLogs[0].ScopeLogs[0].LogRecords[0]
	text := r.String() + got.ResourceLogs[0].Resource.String()
	for _, want := range []string{"rulegate.outcome", "rulegate.policy", "http.response.status_code", "service.name", "rulegate.decision"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if r.Body.GetStringValue() != line || r.TimeUnixNano != 1772366400e9 || r.SeverityText != "WARN" {
		t.Errorf("got %v", r)
	}
	if len(r.TraceId) != 16 || r.TraceId[0] != 0x0a {
		t.Errorf("trace %x", r.TraceId)
	}
}
