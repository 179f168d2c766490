package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The lines are those that the module, rulegate run, Envoy and collectors write.
func TestParseLine(t *testing.T) {
	routes := []string{"todos", "own orders", "own", "routes[2]"}
	refused := &Record{Of: "request", Route: "todos", Outcome: "no", Status: 403, Clause: "routes[0].rule.clauses[1]", Name: "owner (of it)",
		Reason: `args.auth.id == "x" does not hold`, RequestID: "r-1"}
	const module = `rulegate: refused: status=403 outcome=no id="r-1" route="todos" clause="routes[0].rule.clauses[1] (owner (of it))" reason="args.auth.id == \"x\" does not hold" left_out=3`
	logged := &Record{Of: "request", Route: "own orders", Outcome: "no", Status: 403, Clause: "routes[1].rule", Name: "a b", RequestID: "r-2"}
	for line, want := range map[string]*Record{
		module: refused,
		`[2026-03-01 12:00:00.000][12][info][wasm] [source/extensions/common/wasm/context.cc:1150] wasm log rulegate: ` + module:                                                                                                                             refused,
		`time=2026-03-01T12:00:00.000Z level=INFO msg="rulegate: refused: status=403 outcome=no id=\"r-1\" route=\"todos\" clause=\"routes[0].rule.clauses[1] (owner (of it))\" reason=\"args.auth.id == \\\"x\\\" does not hold\"" from=module`:             refused,
		`{"time":"2026-03-01T12:00:00Z","level":"INFO","msg":"rulegate: refused: status=403 outcome=no id=\"r-1\" route=\"todos\" clause=\"routes[0].rule.clauses[1] (owner (of it))\" reason=\"args.auth.id == \\\"x\\\" does not hold\"","from":"module"}`: refused,
		`{"log":"[info] wasm log: rulegate: refused: status=401 outcome=token id=\"\" route=\"todos\" clause=\"\" reason=\"no token\"\n","stream":"stderr"}`:                                                                                                 {Of: "request", Route: "todos", Outcome: "token", Status: 401, Reason: "no token"},
		`rulegate: refused: status=502 outcome=blocked id="" route="todos" clause="" reason="response: status 206"`:                                                                                                                                          {Of: "response", Route: "todos", Outcome: "blocked", Status: 502, Reason: "status 206"},
		`rulegate: refused: status=403 outcome=no id="" route="todos" clause="[\"more (1).yaml\"].routes[0].rule (x)" reason="deny"`:                                                                                                                         {Of: "request", Route: "todos", Outcome: "no", Status: 403, Clause: `["more (1).yaml"].routes[0].rule`, Name: "x", Reason: "deny"},
		`{"v":1,"time":"2026-03-01T12:00:00Z","of":"request","route":"todos","outcome":"no","status":403,"clause":"routes[0].rule","name":"x","reason":"deny","requestId":"r"}`:                                                                              {Of: "request", Route: "todos", Outcome: "no", Status: 403, Clause: "routes[0].rule", Name: "x", Reason: "deny", RequestID: "r"},
		`time=2026-03-01T12:00:00.000Z level=INFO msg=request id=r-2 method=GET host=h path=/ status=403 decision="no 403 own orders routes[1].rule (a b)" flags="" ms=1`:                                                                                    logged,
		`{"msg":"request","id":"r-2","decision":"no 403 own orders routes[1].rule (a b)"}`:                                                                                                                                                                   logged,
		`no 403 own orders routes[1].rule (a b)`: {Of: "request", Route: "own orders", Outcome: "no", Status: 403, Clause: "routes[1].rule", Name: "a b"},
		`uncovered 403 - -`:                      {Of: "request", Outcome: "uncovered", Status: 403},
		`token 401 routes[2] -`:                  {Of: "request", Route: "routes[2]", Outcome: "token", Status: 401},
		`no 403 nobody's route -`:                nil, `[info] something else`: nil, ``: nil, `{}`: nil, `{"msg":7}`: nil, `no words at all`: nil,
		`rulegate: refused: status=x`: nil, `{"msg":"{\"msg\":\"{\\\"msg\\\":\\\"{}\\\"}\"}"}`: nil,
	} {
		got, err := ParseLine(line, routes)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) {
			t.Errorf("%s\n%v\n%s", line, err, diff)
		}
	}
}

// FuzzParseLine: no line makes ParseLine panic or loop.
func FuzzParseLine(f *testing.F) {
	f.Add(`time=x msg="rulegate: refused: status=403 outcome=no id=\"r-1\"" from=module`)
	f.Add(`{"log":"{\"msg\":\"rulegate: refused: status=403\"}"}`)
	f.Add(`no 403 todos routes[0].rule (x)`)
	f.Fuzz(func(t *testing.T, line string) {
		if r, err := ParseLine(line, []string{"todos"}); (r == nil) == (err == nil) {
			t.Errorf("%v %v", r, err)
		}
	})
}
