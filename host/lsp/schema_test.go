package lsp

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/host/report/reporttest"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/sourcegraph/jsonrpc2"
	protocol "github.com/tliron/glsp/protocol_3_16"
)

// The language server of YAML finds nothing in the examples, with the schemas of
// `rulegate schema`, and finds what is wrong in a policy.
func TestSchemasInAnEditor(t *testing.T) {
	dir := t.TempDir()
	schemas := map[string][]string{}
	var files []string
	examples := func(name string) []string {
		return []string{"../../envoy/*/" + name, "../../envoy/recipes/*/" + name, "../console/page/examples/*/" + name}
	}
	for name, of := range map[string]struct {
		schema   value.Value
		patterns []string
	}{
		"policy": {schema.JSON(), examples("policy.yaml")}, "tests": {policytest.Schema(), examples("*_test.yaml")},
		"claims": {compare.ClaimsSchema(), []string{"testdata/claims.yaml"}},
	} {
		path := filepath.Join(dir, name+".json")
		if err := os.WriteFile(path, []byte(of.schema.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, pattern := range of.patterns {
			found, err := filepath.Glob(pattern)
			if err != nil || len(found) == 0 {
				t.Fatalf("no %s: %v", pattern, err)
			}
			for _, file := range found {
				absolute, err := filepath.Abs(file)
				if err != nil {
					t.Fatal(err)
				}
				schemas[uriOf(path)] = append(schemas[uriOf(path)], absolute)
				files = append(files, absolute)
			}
		}
	}
	bad := filepath.Join(dir, "bad.yaml")
	schemas[uriOf(filepath.Join(dir, "policy.json"))] = append(schemas[uriOf(filepath.Join(dir, "policy.json"))], bad)

	y := startYAMLServer(t, schemas)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range y.check(file, string(text)) {
			t.Errorf("%s:%d: %s", file, d.Range.Start.Line+1, d.Message)
		}
	}
	if found := y.check(bad, "routes:\n  - match: {path: /a}\n    rule: {rule: match, type: bool, eval: \"<\", f1: args.auth.a, f2: true}\n"); len(found) == 0 {
		t.Error("nothing is wrong with < of two booleans")
	}
}

// yamlServer is a session with the language server of YAML.
type yamlServer struct {
	t     *testing.T
	conn  *jsonrpc2.Conn
	shown chan protocol.PublishDiagnosticsParams
}

func startYAMLServer(t *testing.T, schemas map[string][]string) *yamlServer {
	t.Helper()
	cmd := reporttest.YAMLLanguageServer(t, "../..")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	y := &yamlServer{t: t, shown: make(chan protocol.PublishDiagnosticsParams, 100)}
	settings := map[string]any{"validate": true, "schemas": schemas, "schemaStore": map[string]any{"enable": false}}
	y.conn = jsonrpc2.NewConn(t.Context(), jsonrpc2.NewBufferedStream(pipe{out, in}, jsonrpc2.VSCodeObjectCodec{}),
		jsonrpc2.HandlerWithError(func(_ context.Context, _ *jsonrpc2.Conn, r *jsonrpc2.Request) (any, error) {
			switch r.Method {
			case protocol.ServerTextDocumentPublishDiagnostics:
				var p protocol.PublishDiagnosticsParams
				if err := json.Unmarshal(*r.Params, &p); err != nil {
					t.Error(err)
				}
				y.shown <- p
			case protocol.ServerWorkspaceConfiguration: // yaml, and four others
				return []any{settings, nil, nil, nil, nil}, nil
			}
			return nil, nil
		}).SuppressErrClosed())
	t.Cleanup(func() {
		_ = y.conn.Close()
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	capabilities := map[string]any{"workspace": map[string]any{"configuration": true, "didChangeConfiguration": map[string]any{"dynamicRegistration": true}}}
	if err := y.conn.Call(t.Context(), "initialize", map[string]any{"processId": os.Getpid(), "rootUri": nil, "capabilities": capabilities}, nil); err != nil {
		t.Fatal(err)
	}
	y.say("initialized", map[string]any{})
	y.say("workspace/didChangeConfiguration", map[string]any{"settings": map[string]any{"yaml": settings}})
	return y
}

func (y *yamlServer) say(method string, params any) {
	y.t.Helper()
	if err := y.conn.Notify(y.t.Context(), method, params); err != nil {
		y.t.Fatal(err)
	}
}

// check returns the server's diagnostics of a text.
func (y *yamlServer) check(path, text string) []protocol.Diagnostic {
	y.t.Helper()
	uri := uriOf(path)
	y.say("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": uri, "languageId": "yaml", "version": 1, "text": text}})
	for {
		select {
		case p := <-y.shown:
			if p.URI == uri {
				return p.Diagnostics
			}
		case <-time.After(60 * time.Second):
			y.t.Fatalf("%s: no diagnostics", path)
		}
	}
}
