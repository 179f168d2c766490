package lsp

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sourcegraph/jsonrpc2"
	protocol "github.com/tliron/glsp/protocol_3_16"
)

// editor is the other end of a session.
type editor struct {
	t        *testing.T
	conn     *jsonrpc2.Conn
	shown    chan protocol.PublishDiagnosticsParams
	messages chan string
	ended    chan error
}

func startEditor(t *testing.T) *editor {
	t.Helper()
	toServer, fromEditor := io.Pipe()
	toEditor, fromServer := io.Pipe()
	e := &editor{t: t, shown: make(chan protocol.PublishDiagnosticsParams, 1000), messages: make(chan string, 100), ended: make(chan error, 1)}
	go func() { e.ended <- Serve(t.Context(), toServer, fromServer, "v1") }()
	e.conn = jsonrpc2.NewConn(t.Context(), jsonrpc2.NewBufferedStream(pipe{toEditor, fromEditor}, jsonrpc2.VSCodeObjectCodec{}),
		jsonrpc2.HandlerWithError(func(_ context.Context, _ *jsonrpc2.Conn, r *jsonrpc2.Request) (any, error) {
			switch r.Method {
			case protocol.ServerTextDocumentPublishDiagnostics:
				var p protocol.PublishDiagnosticsParams
				if err := json.Unmarshal(*r.Params, &p); err != nil {
					t.Error(err)
				}
				e.shown <- p
			case protocol.ServerWindowShowMessage:
				var p protocol.ShowMessageParams
				if err := json.Unmarshal(*r.Params, &p); err != nil {
					t.Error(err)
				}
				e.messages <- p.Message
			}
			return nil, nil
		}))
	var result protocol.InitializeResult
	e.call("initialize", map[string]any{"processId": nil, "rootUri": nil, "capabilities": map[string]any{}}, &result)
	if result.ServerInfo == nil || result.ServerInfo.Name != "rulegate" {
		t.Errorf("initialized as %+v", result.ServerInfo)
	}
	e.say("initialized", map[string]any{})
	return e
}

func (e *editor) call(method string, params, result any) {
	e.t.Helper()
	if err := e.conn.Call(e.t.Context(), method, params, result); err != nil {
		e.t.Fatalf("%s: %v", method, err)
	}
}

func (e *editor) say(method string, params any) {
	e.t.Helper()
	if err := e.conn.Notify(e.t.Context(), method, params); err != nil {
		e.t.Fatal(err)
	}
}

func (e *editor) open(path, text string) {
	e.say("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": uriOf(path), "languageId": "yaml", "version": 1, "text": text}})
}

func (e *editor) change(path string, version int, text string) {
	e.say("textDocument/didChange", map[string]any{
		"textDocument":   map[string]any{"uri": uriOf(path), "version": version},
		"contentChanges": []any{map[string]any{"text": text}},
	})
}

// diagnostics waits for those of a file that satisfy the condition.
func (e *editor) diagnostics(path string, satisfy func([]protocol.Diagnostic) bool) []protocol.Diagnostic {
	e.t.Helper()
	var last []protocol.Diagnostic
	for {
		select {
		case p := <-e.shown:
			if p.URI == uriOf(path) {
				if last = p.Diagnostics; satisfy(last) {
					return last
				}
			}
		case <-time.After(30 * time.Second):
			e.t.Fatalf("%s: the diagnostics stay %+v", path, last)
		}
	}
}

func none(d []protocol.Diagnostic) bool { return len(d) == 0 }
func some(d []protocol.Diagnostic) bool { return len(d) > 0 }

// at are the parameters of a request about the place behind a text.
func (e *editor) at(path, text, behind string) map[string]any {
	e.t.Helper()
	i := strings.Index(text, behind)
	if i < 0 {
		e.t.Fatalf("no %q", behind)
	}
	before := text[:i+len(behind)]
	lines := strings.Split(before, "\n")
	return map[string]any{
		"textDocument": map[string]any{"uri": uriOf(path)},
		"position":     map[string]any{"line": len(lines) - 1, "character": len([]rune(lines[len(lines)-1]))},
		"context":      map[string]any{"includeDeclaration": true},
	}
}

const goodPolicy = `define:
  owner: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.user}
auth:
  tokens:
    - {name: own, alg: HS256, secret: "${JWT_SECRET}"}
routes:
  - name: user
    match: {methods: [GET], path: "/v1/users/{user}"}
    rule: {rule: use, of: owner}
  - name: hello
    match: {methods: [GET], path: /v1/hello}
    rule: {rule: authenticated}
`

const goodTests = `env: {JWT_SECRET: 0123456789abcdef0123456789abcdef}
who: {ana: {id: ana}, eve: {id: eve}}
tests:
  - {name: her own, as: ana, request: GET /v1/users/ana, want: {status: allow}}
  - {name: not others, as: eve, request: GET /v1/users/ana, want: {status: 403}}
  - {name: hello, as: eve, request: GET /v1/hello, want: {status: allow}}
`

// TestSession is a whole session of an editor.
func TestSession(t *testing.T) {
	dir := t.TempDir()
	policy, tests := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "policy_test.yaml")
	for path, text := range map[string]string{policy: goodPolicy, tests: goodTests} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := startEditor(t)
	e.open(policy, goodPolicy)
	e.diagnostics(policy, none)

	faulty := strings.Replace(goodPolicy, "of: owner", "of: ownr", 1)
	e.change(policy, 2, faulty)
	found := e.diagnostics(policy, some)
	if len(found) != 1 || !strings.Contains(found[0].Message, `no rule "ownr" in define`) || found[0].Range.Start != (protocol.Position{Line: 8, Character: 26}) {
		t.Errorf("diagnostics %+v", found)
	}

	var actions []protocol.CodeAction
	e.call("textDocument/codeAction", map[string]any{
		"textDocument": map[string]any{"uri": uriOf(policy)}, "range": found[0].Range, "context": map[string]any{"diagnostics": []any{}},
	}, &actions)
	if len(actions) != 1 || actions[0].Title != "Change to owner" || len(actions[0].Edit.Changes[uriOf(policy)]) != 1 {
		t.Fatalf("actions %+v", actions)
	}
	if edit := actions[0].Edit.Changes[uriOf(policy)][0]; edit.NewText != "owner" || edit.Range != found[0].Range {
		t.Errorf("edit %+v", edit)
	}
	e.change(policy, 3, goodPolicy)
	e.diagnostics(policy, none)

	var items []protocol.CompletionItem
	typed := strings.Replace(goodPolicy, "{rule: authenticated}", "{rule: match, type: bool, eval: }", 1)
	e.change(policy, 4, typed)
	e.call("textDocument/completion", e.at(policy, typed, "type: bool, eval: "), &items)
	if len(items) != 2 || items[0].Label != "==" || items[1].Label != "!=" {
		t.Errorf("completions %+v", items)
	}

	var hover protocol.Hover
	e.change(policy, 5, goodPolicy)
	e.call("textDocument/hover", e.at(policy, goodPolicy, "{rule: authent"), &hover)
	if m, ok := hover.Contents.(protocol.MarkupContent); !ok || !strings.Contains(m.Value, "the token was verified") {
		t.Errorf("hover %+v", hover)
	}

	var places []protocol.Location
	e.call("textDocument/definition", e.at(policy, goodPolicy, "of: own"), &places)
	if len(places) != 1 || places[0].Range.Start != (protocol.Position{Line: 1, Character: 2}) {
		t.Errorf("definition %+v", places)
	}
	e.call("textDocument/references", e.at(policy, goodPolicy, "  own"), &places)
	if len(places) != 2 {
		t.Errorf("references %+v", places)
	}

	var edits []protocol.TextEdit
	e.call("textDocument/formatting", map[string]any{"textDocument": map[string]any{"uri": uriOf(policy)}, "options": map[string]any{"tabSize": 2, "insertSpaces": true}}, &edits)
	if len(edits) != 0 {
		t.Errorf("edits of a formatted text: %+v", edits)
	}

	var lenses []protocol.CodeLens
	e.call("textDocument/codeLens", map[string]any{"textDocument": map[string]any{"uri": uriOf(policy)}}, &lenses)
	if len(lenses) != 3 {
		t.Fatalf("lenses %+v", lenses)
	}
	run := func(l protocol.CodeLens) (summary string) {
		e.call("workspace/executeCommand", map[string]any{"command": l.Command.Command, "arguments": l.Command.Arguments}, &summary)
		if said := <-e.messages; said != summary {
			t.Errorf("shown %q, answered %q", said, summary)
		}
		return summary
	}
	for i, want := range []string{"3 of 3 tests passed", "2 of 2 tests passed", "1 of 1 tests passed"} {
		if got := run(lenses[i]); got != want {
			t.Errorf("lens %d: %s, want %s", i, got, want)
		}
	}

	// The text that is open is tested, not the one on the disk.
	e.change(policy, 6, strings.Replace(goodPolicy, "rule: authenticated", "rule: deny", 1))
	if got := run(lenses[0]); got != "1 of 3 tests failed" {
		t.Errorf("with a deny: %s", got)
	}
	failed := e.diagnostics(tests, some)
	if len(failed) != 1 || failed[0].Range.Start.Line != 5 || !strings.Contains(failed[0].Message, "want allow") {
		t.Errorf("a failed test is shown as %+v", failed)
	}

	if err := e.conn.Call(t.Context(), "textDocument/rename", map[string]any{}, nil); err == nil || !strings.Contains(err.Error(), "no method") {
		t.Errorf("an unknown method: %v", err)
	}
	e.call("shutdown", nil, nil)
	e.say("exit", nil)
	if err := <-e.ended; err != nil {
		t.Error(err)
	}
}

// A file that a policy includes has the faults of its part, and the names of the main
// file.
func TestIncludedFile(t *testing.T) {
	dir := t.TempDir()
	main, team := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "teams", "a.yaml")
	part := "routes:\n  - {match: {path: /a}, rule: {rule: use, of: staf}}\n"
	if err := os.Mkdir(filepath.Dir(team), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		main: "include: [teams/*.yaml]\ndefine:\n  staff: {rule: authenticated}\nauth:\n  tokens:\n    - {name: own, alg: HS256, secret: \"${JWT_SECRET}\"}\n", team: part,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := startEditor(t)
	e.open(team, part)
	found := e.diagnostics(team, some)
	if !strings.Contains(found[0].Message, `no rule "staf" in define`) {
		t.Errorf("diagnostics %+v", found)
	}
	var places []protocol.Location
	fixed := strings.Replace(part, "staf}", "staff}", 1)
	e.change(team, 2, fixed)
	e.diagnostics(team, none)
	e.call("textDocument/definition", e.at(team, fixed, "of: sta"), &places)
	if len(places) != 1 || places[0].URI != uriOf(main) {
		t.Errorf("definition %+v", places)
	}
	var items []protocol.CompletionItem
	e.call("textDocument/completion", e.at(team, fixed, "of: sta"), &items)
	if len(items) != 1 || items[0].Label != "staff" {
		t.Errorf("completions %+v", items)
	}
}

// An editor that goes away ends the server, and so does one that sends rubbish.
func TestTheEditorGoesAway(t *testing.T) {
	for _, sent := range []string{"", "Content-Length: 5\r\n\r\n{}{}{", "rubbish\r\n\r\n", "Content-Length: 99999999999\r\n\r\n{}"} {
		if err := Serve(t.Context(), io.NopCloser(strings.NewReader(sent)), io.Discard, "v1"); err == nil {
			t.Errorf("%q: no error", sent)
		}
	}
}
