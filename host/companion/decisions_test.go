package companion

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/decisionlog"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
)

// TestDecisions: each request for calls has a line, with its calls, and without a token,
// a body, or the path of a webhook.
func TestDecisions(t *testing.T) {
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			panic(http.ErrAbortHandler)
		}
		w.Write([]byte(`{}`))
	}))
	defer hook.Close()
	var mu sync.Mutex
	var lines []string
	take := func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	}
	keys := wire.DeriveKeys("a-secret-of-thirty-two-bytes-or-so")
	host := strings.TrimPrefix(hook.URL, "http://")
	c, err := New(Config{Project: "shop", Version: "3f2a", Keys: keys, Tokens: testTokens, Log: slog.New(slog.DiscardHandler), Webhooks: []string{host}, Decisions: NewDecisions(nil, take)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	const token = "eyJ-the-token-of-a-user"
	send := func(body []byte, authorization string) {
		r := httptest.NewRequest("POST", wire.Path, strings.NewReader(string(body)))
		r.Header.Set("authorization", authorization)
		r.Header.Set("x-request-id", "r-1")
		r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		c.ServeHTTP(httptest.NewRecorder(), r)
	}
	call := func(paths ...string) []byte {
		var calls []rules.Call
		for i, path := range paths {
			calls = append(calls, rules.Call{ID: string(rune('1' + i)), Kind: rules.Webhook, URL: hook.URL + path, UserToken: token, Body: value.Obj()})
		}
		body, err := wire.Encode(calls, "")
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	for _, body := range [][]byte{call("/secret-path"), call("/secret-path", "/broken"), []byte(`{"calls":1}`)} {
		send(body, keys.Sign("shop", body, time.Now()))
	}
	send(call("/secret-path"), "nonsense")
	if len(lines) != 4 {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	for i, want := range []struct {
		outcome string
		status  int
		reason  string
		calls   int
	}{{"yes", 0, "", 1}, {"error", 0, "webhook", 2}, {"invalid", 400, "malformed calls", 0}, {"token", 401, "not signed", 0}} {
		e, err := decisionlog.Parse([]byte(lines[i]))
		if err != nil {
			t.Fatal(err)
		}
		if string(e.Outcome) != want.outcome || e.Status != want.status || len(e.Calls) != want.calls || !strings.Contains(e.Reason, want.reason) {
			t.Errorf("got %s, want %+v", lines[i], want)
		}
		if e.Of != "calls" || e.Policy != "3f2a" || e.RequestID != "r-1" || e.TraceID != "0af7651916cd43dd8448eb211c80319c" || e.Latency <= 0 {
			t.Errorf("got %s", lines[i])
		}
		for _, x := range e.Calls {
			if x.Kind != "webhook" || x.Target != host || x.Latency <= 0 {
				t.Errorf("got %s", lines[i])
			}
		}
		for _, hidden := range []string{token, "secret-path", "nonsense"} {
			if strings.Contains(lines[i], hidden) {
				t.Errorf("%s is in the line %s", hidden, lines[i])
			}
		}
	}
}

// TestDecisionsThatAreLogged: the policy's log says which.
func TestDecisionsThatAreLogged(t *testing.T) {
	d := NewDecisions(&policy.Log{Sample: 0.25, Always: []string{"error"}}, nil)
	yes, failed := 0, 0
	for range 100 {
		if d.wants("yes") {
			yes++
		}
	}
	for range 4 {
		if d.wants("error") {
			failed++
		}
	}
	if yes != 25 || failed != 4 {
		t.Errorf("%d of 100 that were answered, want 25; %d of 4 that failed, want 4", yes, failed)
	}
}
