package cli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"
)

// TestDecisionsOfServeByOTLP: the companion's part of the decision log goes by OTLP too,
// if the policy has a log.
func TestDecisionsOfServeByOTLP(t *testing.T) {
	got := make(chan *collector.ExportLogsServiceRequest, 4)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		logs := &collector.ExportLogsServiceRequest{}
		if err == nil {
			err = proto.Unmarshal(body, logs)
		}
		if err != nil {
			t.Error(err)
		}
		got <- logs
	}))
	defer receiver.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", receiver.URL+"/v1/logs")
	t.Setenv("COMPANION_SECRET", "0123456789abcdef0123456789abcdef")
	dir := t.TempDir()
	file := filepath.Join(dir, "policy.yaml")
	text := "companion: {secret: \"${COMPANION_SECRET}\"}\nlog: {sample: 0, always: [token]}\nroutes: [{match: {path: /}, auth: none, rule: {rule: allow}}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out, in := io.Pipe()
	ended := make(chan struct{})
	cmd := newServeCommand()
	cmd.SetArgs([]string{file, "--listen", "127.0.0.1:0"})
	cmd.SetOut(in)
	cmd.SetErr(io.Discard)
	go func() {
		defer close(ended)
		defer in.Close()
		if err := cmd.ExecuteContext(ctx); err != nil {
			t.Error(err)
		}
	}()
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	_, url, _ := strings.Cut(string(line[:n]), "ready on ")
	url, _, _ = strings.Cut(url, " ")
	resp, err := http.Post(url+"/v1/calls", "application/json", bytes.NewReader([]byte(`{"calls":[]}`)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	stop()
	<-ended
	logs := (<-got).String()
	for _, want := range []string{"rulegate-companion", "rulegate.decision", `\"of\":\"calls\"`, `\"outcome\":\"token\"`} {
		if !strings.Contains(logs, want) {
			t.Errorf("no %s in %s", want, logs)
		}
	}
}
