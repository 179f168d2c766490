package decisionlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/rules/record"
)

func whole() *Entry {
	return &Entry{
		Version: record.Version,
		Time:    time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Policy: "3f2a", RequestID: "r-1", TraceID: "t-1", Of: "request",
		Route: "todos", Mode: "shadow", Outcome: "no", Status: 403, Clause: "routes[0].rule", Name: "owner", Reason: "args.auth.id == args.params.owner does not hold",
		Latency: 0.2, Calls: []record.Call{{Kind: "query", Target: "d.c", Latency: 1.5, Error: "timeout"}}, Masked: []string{"res.salary"},
		Request: &record.Request{Method: "GET", Path: "/v1/todos/7", Host: "shop.example", IP: "10.0.0.1"}, Verified: true,
		Claims: record.Values{{Path: "id", JSON: `"eve"`}}, Body: record.Values{{Path: "args.params.n", JSON: `1`}},
		Differs: []string{"outcome"}, Upstream: []string{"x-user-id"}, Candidate: &Entry{
			Policy: "9c01", Outcome: "unknown", Status: 403, Clause: "routes[1].rule", Name: "owners", Reason: "args.params.owner is missing", Masked: []string{"res.id"},
		},
	}
}

func TestEntry(t *testing.T) {
	e := whole()
	line := e.Append(nil)
	want := `{"v":1,"time":"2026-03-01T12:00:00Z","policy":"3f2a","requestId":"r-1","traceId":"t-1","of":"request","route":"todos","mode":"shadow","outcome":"no","status":403,` +
		`"clause":"routes[0].rule","name":"owner","reason":"args.auth.id == args.params.owner does not hold","latencyMs":0.2,` +
		`"calls":[{"kind":"query","target":"d.c","latencyMs":1.5,"error":"timeout"}],"masked":["res.salary"],` +
		`"request":{"method":"GET","path":"/v1/todos/7","host":"shop.example","ip":"10.0.0.1"},"verified":true,"claims":{"id":"eve"},"body":{"args.params.n":1},` +
		`"differs":["outcome"],"upstream":["x-user-id"],"candidate":{"policy":"9c01","outcome":"unknown","status":403,"clause":"routes[1].rule","name":"owners",` +
		`"reason":"args.params.owner is missing","masked":["res.id"]}}`
	if diff := cmp.Diff(want, string(line)); diff != "" {
		t.Error(diff)
	}
	got, err := Parse(line)
	if diff := cmp.Diff(e, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestEntryInJSON: encoding/json writes what Parse reads, for programs that pass an entry on.
func TestEntryInJSON(t *testing.T) {
	text, err := json.Marshal(whole())
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if diff := cmp.Diff(whole(), got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestEntryHasAllMembers: what Append writes by hand has each member of the struct.
func TestEntryHasAllMembers(t *testing.T) {
	d := json.NewDecoder(bytes.NewReader(whole().Append(nil)))
	d.DisallowUnknownFields()
	var e Entry
	if err := d.Decode(&e); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(&e)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(again, &members); err != nil {
		t.Fatal(err)
	}
	for name, text := range members {
		if string(text) == "null" || string(text) == `""` {
			t.Errorf("%s is not in the line", name)
		}
	}
	if n := reflect.TypeFor[Entry]().NumField(); len(members) != n {
		t.Errorf("the struct has %d members, the line %d: add the new one to whole, and to Append", n, len(members))
	}
}

// TestEntryIsBounded: whatever a client sends is one bounded line of printable ASCII.
func TestEntryIsBounded(t *testing.T) {
	hostile := strings.Repeat("\x00\n\x1b[31m\u0085\u2028\U0001F600\xff\"\\", 5000)
	huge, _ := json.Marshal(strings.Repeat("é\n", 5000))
	near, _ := json.Marshal(strings.Repeat("é", 500))
	e := &Entry{Outcome: "no", Route: hostile, Reason: hostile, RequestID: hostile, Request: &record.Request{Method: hostile, Path: hostile, Host: hostile}}
	for i := range 100 {
		path := fmt.Sprint(i)
		e.Claims = append(e.Claims, record.Value{Path: path, JSON: string(huge)}, record.Value{Path: path + hostile, JSON: string(near)})
		e.Masked = append(e.Masked, hostile, hostile)
		e.Calls = append(e.Calls, record.Call{Target: hostile, Error: hostile}, record.Call{})
	}
	line := e.Append(nil)
	if len(line) > 2<<20 {
		t.Errorf("%d bytes", len(line))
	}
	for i, b := range line {
		if b < ' ' || b > '~' {
			t.Fatalf("byte %d is %#x", i, b)
		}
	}
	got, err := Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{got.Route, got.Reason, got.RequestID, got.Request.Path} {
		if !strings.HasPrefix(text, "\x00\n\x1b[31m\u0085\u2028\U0001F600\ufffd\"\\") || !strings.HasSuffix(text, "…") {
			t.Errorf("%q", text)
		}
	}
	if v := got.Claims[0].JSON; v != `"[cut]"` {
		t.Error(v)
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

func TestUnwrap(t *testing.T) {
	const entry = `{"v":1,"of":"request","outcome":"no","reason":"a \"quoted\" one"}`
	quoted, _ := json.Marshal(entry)
	message, _ := json.Marshal(Prefix + entry)
	for line, want := range map[string]string{
		entry: entry,
		`[2026-03-01 12:00:00.000][7][info][wasm] [source/wasm.cc:1] wasm log rulegate rulegate: ` + Prefix + entry:      entry,
		`time=2026-03-01T12:00:00Z level=INFO msg=` + string(message) + ` from=module`:                                   entry,
		`{"time":"x","msg":` + string(message) + `}`:                                                                     entry,
		`{"status":403,"entry":` + string(quoted) + `,"decision":"no 403 - -"}`:                                          entry,
		`{"log":"{\"status\":403,\"entry\":\"{\\\"v\\\":1,\\\"of\\\":\\\"request\\\",\\\"outcome\\\":\\\"no\\\"}\"}\n"}`: `{"v":1,"of":"request","outcome":"no"}`,
		`another line`: `another line`,
		`rulegate: refused: status=403 outcome=no id="" route="" clause="" reason=""`: `rulegate: refused: status=403 outcome=no id="" route="" clause="" reason=""`,
		`{"status":403}`: `{"status":403}`,
	} {
		if got := Unwrap(line); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", line, got, want)
		}
	}
}
