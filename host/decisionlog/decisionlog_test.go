package decisionlog

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEntry(t *testing.T) {
	e := &Entry{
		Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Policy: "3f2a", RequestID: "r-1", TraceID: "t-1", Of: "request",
		Route: "todos", Outcome: "no", Status: 403, Clause: "routes[0].rule", Name: "owner", Reason: "args.auth.id == args.params.owner does not hold",
		Latency: 0.2, Calls: []Call{{Kind: "query", Target: "d.c", Latency: 1.5, Error: "timeout"}}, Masked: []string{"res.salary"},
		Request: &Request{Method: "GET", Path: "/v1/todos/7", Host: "shop.example", IP: "10.0.0.1"},
		Claims:  map[string]json.RawMessage{"id": json.RawMessage(`"eve"`)}, Body: map[string]json.RawMessage{"args.params.n": json.RawMessage(`1`)},
	}
	line, err := e.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"v":1,"time":"2026-03-01T12:00:00Z","policy":"3f2a","requestId":"r-1","traceId":"t-1","of":"request","route":"todos","outcome":"no","status":403,` +
		`"clause":"routes[0].rule","name":"owner","reason":"args.auth.id == args.params.owner does not hold","latencyMs":0.2,` +
		`"calls":[{"kind":"query","target":"d.c","latencyMs":1.5,"error":"timeout"}],"masked":["res.salary"],` +
		`"request":{"method":"GET","path":"/v1/todos/7","host":"shop.example","ip":"10.0.0.1"},"claims":{"id":"eve"},"body":{"args.params.n":1}}` + "\n"
	if diff := cmp.Diff(want, string(line)); diff != "" {
		t.Error(diff)
	}
	got, err := Parse(line)
	if diff := cmp.Diff(e, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for line, want := range map[string]string{
		``:                         "not a line of the decision log: unexpected end",
		`{"outcome":"no"}`:         "want the members v and outcome",
		`{"v":1}`:                  "want the members v and outcome",
		`{"v":2,"outcome":"no"}`:   "a line of version 2 of the decision log; this program reads up to 1",
		`{"v":1,"outcome":"no"} x`: "not a line of the decision log: invalid character",
	} {
		if _, err := Parse([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}
