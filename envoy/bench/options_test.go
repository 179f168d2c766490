package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"-works warm,nothing", `there is no "nothing"`, 2},
		{"-without envoy", "-without: want some of opa, coraza", 2},
		{"-rounds 0", "-rounds: want at least 1", 2},
		{"-turn 1h", "-turn: want a time", 2},
		{"now", `want flags only, found "now"`, 2},
		{"-nothing", "flag provided but not defined", 2},
		{"-help", "Works: warm, cold", 0},
		{"-generator ab", `-generator: want auto, wrk or own, found "ab"`, 1},
		{"-envoy /nowhere/envoy", "set ENVOY=$(make -s envoy)", 1},
		{"-rulegate /nowhere/rulegate", "run make build first", 1},
	} {
		var out, errors bytes.Buffer
		if code := run(t.Context(), strings.Fields(c.args), &out, &errors); code != c.code || !strings.Contains(errors.String(), c.want) {
			t.Errorf("%s: code %d, %s", c.args, code, &errors)
		}
	}
	var out, errors bytes.Buffer
	if code := run(t.Context(), []string{"-list"}, &out, &errors); code != 0 || out.String() != strings.Join(all, "\n")+"\n" {
		t.Errorf("-list: %d, %s%s", code, &out, &errors)
	}
}

// TestGenerators: both generators send the request as it is set, and count all answers.
func TestGenerators(t *testing.T) {
	var seen, wrong atomic.Int64
	tokens := [3]atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := seen.Add(1)
		body, _ := readAll(r.Body)
		token := strings.TrimPrefix(r.Header.Get("authorization"), "Bearer t")
		if r.Method != "POST" || r.URL.Path != "/p" || body != `{"a":1}` || r.Header.Get("content-type") != "application/json" || !strings.Contains("012", token) || token == "" {
			wrong.Add(1)
		} else {
			tokens[token[0]-'0'].Add(1)
		}
		if n%10 == 0 {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()
	l := load{
		address: strings.TrimPrefix(server.URL, "http://"), clients: 3, threads: 1, turn: time.Second,
		request: request{method: "POST", path: "/p", body: `{"a":1}`, tokens: []string{"t0", "t1", "t2"}},
	}
	for _, name := range []string{"own", "wrk"} {
		if _, err := exec.LookPath(name); name == "wrk" && err != nil && os.Getenv("CI") == "" {
			t.Skip("wrk is not installed")
		}
		_, g, err := pick(name)
		if err != nil {
			t.Fatal(err)
		}
		seen.Store(0)
		got, err := g(t.Context(), t.TempDir(), l)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n := int(seen.Load())
		// Requests that are under way when the turn ends are not counted.
		if got.Requests < 10 || got.Requests > n || n-got.Requests > 10 || got.Refused < got.Requests/20 || got.Refused > got.Requests/5 || got.P50 <= 0 || got.P99 < got.P50 || got.Rate <= 0 {
			t.Errorf("%s: %+v, the server saw %d", name, got, n)
		}
		if wrong.Load() > 0 {
			t.Errorf("%s: %d wrong requests", name, wrong.Load())
		}
		for i := range tokens {
			if tokens[i].Swap(0) == 0 {
				t.Errorf("%s: token %d was not sent", name, i)
			}
		}
	}
	l.most = 7
	seen.Store(0)
	if got, err := generate(t.Context(), "", l); err != nil || got.Requests != 7 || seen.Load() != 7 {
		t.Errorf("at most 7 requests: %+v, the server saw %d, %v", got, seen.Load(), err)
	}
}

// A run that is stopped ends, and leaves no process.
func TestStop(t *testing.T) {
	p, err := start(t.TempDir(), "sleep", nil, "sleep", "1000")
	if err != nil {
		t.Fatal(err)
	}
	if used, err := p.processorTime(); err != nil || used < 0 {
		t.Errorf("%v, %v", used, err)
	}
	if mb, err := p.resident(); err != nil || mb <= 0 {
		t.Errorf("%v MB, %v", mb, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.await(ctx, func() bool { return false }); err == nil {
		t.Error("no error after the end of the context")
	}
	p.stop()
	if err := p.await(t.Context(), func() bool { return false }); err == nil || !strings.Contains(err.Error(), "sleep ended") {
		t.Errorf("%v", err)
	}
	if _, err := p.processorTime(); err == nil {
		t.Error("CPU time of a process that has ended")
	}
}
