package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/host/console/engine"
	"github.com/rulegate/rulegate/host/console/evaltest"
)

const policy = `auth: {tokens: [{name: own, alg: HS256, secret: "${SECRET}", primary: true}]}
databases: {d: {type: embedded, conn: ./d.db}}
webhooks: {allow: [h.internal]}
routes:
  - name: todo
    match: {methods: [GET], path: "/todos/{id}"}
    rule:
      rule: and
      clauses:
        - {rule: match, name: owner, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.id}
        - {rule: remove, fields: [res.secret]}
  - name: follow
    match: {path: "/follow"}
    rule: {rule: query, db: d, col: c, find: {id: args.auth.id}}
  - name: hook
    match: {path: "/hook"}
    rule: {rule: webhook, url: "https://h.internal/x"}
`

const tests = `who: {ana: {id: ana}}
tests:
  - {request: GET /todos/ana, as: ana, want: allow}
  - {request: GET /todos/eve, as: ana, want: {status: 403, clause: owner}}
  - {name: wrong, request: GET /todos/eve, as: ana, want: allow}
`

// TestOperations asks each operation in wasm, and natively.
func TestOperations(t *testing.T) {
	wasm := evaltest.Start(t)
	files := map[string]string{"policy.yaml": policy, "policy_test.yaml": tests, "broken.yaml": "routes: [{match: {path: /a}, rule: {rule: alow}}]"}
	question := func(op string, more map[string]any) map[string]any {
		q := map[string]any{"op": op, "files": files, "policy": "policy.yaml"}
		for name, v := range more {
			q[name] = v
		}
		return q
	}
	request := func(text string) map[string]any { return map[string]any{"request": json.RawMessage(text)} }
	for name, c := range map[string]struct {
		question map[string]any
		want     []string // parts of the answer
	}{
		"yes": {
			question("decide", request(`{"who":{"user":{"id":"ana"}},"tests":[{"as":"user","request":"GET /todos/ana","response":{"json":{"a":1,"secret":2}}}]}`)),
			[]string{`"outcome":"yes"`, `"missing":["SECRET"]`, `"tables":["d.c"],"webhooks":["https://h.internal/x"]`, `"name":"todo","file":"policy.yaml","line":5`, `"client":{"status":200,`, `"before":{"json":2}`},
		},
		"no": {
			question("decide", request(`{"who":{"user":{"id":"eve"}},"tests":[{"as":"user","request":"GET /todos/ana"}]}`)),
			[]string{`"outcome":"no","status":403,"place":"routes[0].rule.clauses[0]","name":"owner","file":"policy.yaml","line":10`, `"answer":{"status":403,`},
		},
		"rows": {
			question("decide", request(`{"who":{"user":{"id":"eve"}},"data":{"d.c":[{"id":"eve"}]},"tests":[{"as":"user","request":"GET /follow"}]}`)),
			[]string{`"outcome":"yes"`, `"rows":{"json":[`},
		},
		"a webhook that fails": {
			question("decide", request(`{"webhooks":{"https://h.internal/x":{"fails":"timeout"}},"who":{"user":{}},"tests":[{"as":"user","request":"GET /hook"}]}`)),
			[]string{`"status":503`},
		},
		"a fault of the request": {
			question("decide", request(`{"tests":[{"request":"GET"}]}`)),
			[]string{`"faults":[{"place":"tests[0].request"`},
		},
		"a fault of the policy": {
			question("decide", map[string]any{"policy": "broken.yaml", "request": json.RawMessage(`{}`)}),
			[]string{
				`"path":"broken.yaml","range":{"start":{"line":1,"column":43},"end":{"line":1,"column":47}},"severity":"error"`,
				`"fixes":[{"title":"Change to allow","edits":[{"range":{"start":{"line":1,"column":43},"end":{"line":1,"column":47}},"text":"allow"}]}]`,
			},
		},
		"completion": {
			question("complete", map[string]any{"file": "policy.yaml", "line": 10, "column": 72}),
			[]string{`"label":"args.auth"`},
		},
		"hover": {
			question("hover", map[string]any{"file": "policy.yaml", "line": 11, "column": 20}),
			[]string{"remove", `"range":{"start":{"line":11,`},
		},
		"tests": {
			question("test", map[string]any{"tests": "policy_test.yaml", "env": map[string]string{"SECRET": "a-secret"}}),
			[]string{`"passed":2,"failed":1`, `"name":"wrong","result":"fail"`, `"kind":"match","yes":1,"no":2`, `"kind":"query","yes":0,"no":0,"unknown":0,"missing":"never asked"`},
		},
		"tests without a variable": {question("test", map[string]any{"tests": "policy_test.yaml"}), []string{`the environment has no SECRET`}},
		"a new test": {
			question("record", map[string]any{"tests": "policy_test.yaml", "name": "new", "env": map[string]string{"SECRET": "a-secret"}, "request": json.RawMessage(`{"tests":[{"request":"GET /todos/ana"}]}`)}),
			[]string{`  - name: new\n    request: GET /todos/ana\n    want: {status: 401,`},
		},
		"a difference": {
			question("diff", map[string]any{"old": "old.yaml", "files": map[string]string{"old.yaml": strings.ReplaceAll(policy, "args.auth.id, f2", "args.auth.sub, f2"), "policy.yaml": policy}}),
			[]string{`"kind":"allow","summary":"refused before, allowed now","method":"GET"`, `"file":"old.yaml","line":10`, "pairs of resources"},
		},
		"a line of the decision log": {
			question("log", map[string]any{"text": `{"v":1,"of":"request","route":"todo","outcome":"no","status":403,"clause":"routes[0].rule.clauses[0]","name":"owner","request":{"method":"GET","path":"/todos/7"}}`}),
			[]string{`"line":10`, `"way":[{"place":"routes[0].rule","kind":"and"`, `"entry":{"v":1`},
		},
		"no line of a log":  {question("log", map[string]any{"text": "<b>x"}), []string{`{"error":"the line tells of no decision`}},
		"no such operation": {question("x", nil), []string{`{"error":"no operation \"x\""}`}},
		"no such file":      {question("decide", map[string]any{"policy": "/etc/passwd"}), []string{`{"error":"/etc/passwd: file does not exist"}`}},
		"rows of the disk": {
			question("decide", request(`{"data":{"d.c":"/etc/passwd.json"},"tests":[{"request":"GET /follow"}]}`)),
			[]string{`"place":"data[\"d.c\"]"`, `no such regular file`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(c.question)
			if err != nil {
				t.Fatal(err)
			}
			native := string(engine.Answer(text))
			for _, want := range c.want {
				if !strings.Contains(native, want) {
					t.Errorf("no %s in\n%s", want, native)
				}
			}
			var a, b any
			if err := json.Unmarshal([]byte(native), &a); err != nil {
				t.Fatal(err)
			}
			wasm.Ask(c.question, &b)
			if diff := cmp.Diff(steady(a), steady(b)); diff != "" {
				t.Errorf("in wasm:\n%s", diff)
			}
		})
	}
}

// steady removes times from an answer.
func steady(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "seconds")
		for key, x := range v {
			v[key] = steady(x)
		}
	case []any:
		for i, x := range v {
			v[i] = steady(x)
		}
	}
	return v
}

// TestAnswerRefuses has questions that no page asks.
func TestAnswerRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                             `the question cannot be read`,
		`[]`:                           `the question cannot be read`,
		`{"op":"decide","policy":"p"}`: `p: file does not exist`,
		strings.Repeat(" ", 16<<20+1):  `the question has more than 16 MiB`,
		strings.Repeat("[", 1<<20):     `the question cannot be read`,
		`{"op":"test","env":{"":"x"}}`: `the variable`,
		`{"op":"decide","files":{"p":"{}"},"policy":"p","request":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`: `"failed":`,
	} {
		if got := string(engine.Answer([]byte(text))); !strings.Contains(got, want) {
			t.Errorf("%.60s: %.300s, want %s", text, got, want)
		}
	}
}
