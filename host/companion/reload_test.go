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

	"github.com/rulegate/rulegate/host/companion/dbtest"
)

// serviceConfig is like the configuration of newRig, with a webhook host.
func serviceConfig(t testing.TB, db string) Config {
	return Config{
		Project:   "shop",
		Keys:      testKeys,
		Databases: []Source{{Name: "social", Type: "embedded", Conn: db, Collections: []string{"users"}}},
		Tokens:    testTokens,
		Webhooks:  []string{"127.0.0.1"},
		Log:       slog.New(slog.DiscardHandler),
	}
}

func newServiceRig(t testing.TB, cfg Config) (*Service, *rig) {
	t.Helper()
	s, err := NewService(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(func() {
		srv.Close()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, &rig{t: t, url: srv.URL, c: s.current.Load()}
}

func TestReplacingDropsNoCall(t *testing.T) {
	url := server(t, func(http.ResponseWriter, *http.Request) { time.Sleep(5 * time.Millisecond) })
	db := dbtest.SQLite(t, social)
	s, r := newServiceRig(t, serviceConfig(t, db))
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				got := strings.Join(r.ask(ageOf("1", "ann")+","+hook("2", url, ""), "x-rulegate-timeout-ms", "20000"), " ")
				if got != `{"id":"1","rows":[{"age":30}]} {"id":"2","status":200,"body":""}` {
					t.Errorf("call %d: %s", n, got)
					return
				}
			}
		})
	}
	first := s.current.Load()
	for range 20 {
		if err := s.Replace(serviceConfig(t, db)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	close(stop)
	wait.Wait()
	s.old.Wait()
	if err := first.databases["social"].db.Ping(context.Background()); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("the first one's database: %v", err)
	}
	if err := s.current.Load().databases["social"].db.Ping(context.Background()); err != nil {
		t.Errorf("the last one's: %v", err)
	}
}

func TestRunningCallsEndByTheOldConfiguration(t *testing.T) {
	s, r := newServiceRig(t, serviceConfig(t, dbtest.SQLite(t, social)))
	old := s.current.Load()
	end := r.holding()
	empty := serviceConfig(t, "")
	empty.Databases = nil
	if err := s.Replace(empty); err != nil {
		t.Fatal(err)
	}
	if got := r.one(ageOf("1", "ann")); got != `{"id":"1","error":"not configured #"}` {
		t.Errorf("by the new one: %s", got)
	}
	if err := old.databases["social"].db.Ping(context.Background()); err != nil {
		t.Errorf("closed while a call runs: %v", err)
	}
	end() // the held query is answered by the old configuration
	s.old.Wait()
	if err := old.databases["social"].db.Ping(context.Background()); err == nil {
		t.Error("not closed")
	}
}

func TestAFaultyReplacementChangesNothing(t *testing.T) {
	s, r := newServiceRig(t, serviceConfig(t, dbtest.SQLite(t, social)))
	for name, change := range map[string]func(*Config){
		"no keys":        func(c *Config) { c.Keys = testKeys; c.Databases[0].Conn = ":memory:" },
		"a bad host":     func(c *Config) { c.Webhooks = []string{"*"} },
		"a bad database": func(c *Config) { c.Databases[0].Type = "none" },
	} {
		before, cfg := s.current.Load(), serviceConfig(t, "x.db")
		change(&cfg)
		if err := s.Replace(cfg); err == nil || s.current.Load() != before {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := r.one(ageOf("1", "ann")); got != `{"id":"1","rows":[{"age":30}]}` {
		t.Error(got)
	}
}

func TestMetrics(t *testing.T) {
	url, status, _ := faulty(t)
	status.Store(200)
	s, r := newServiceRig(t, serviceConfig(t, dbtest.SQLite(t, social)))
	r.one(ageOf("1", "ann"))
	r.one(strings.Replace(ageOf("1", "ann"), `"limit"`, `"cache":"1m","limit"`, 1))
	r.one(strings.Replace(ageOf("1", "ann"), `"limit"`, `"cache":"1m","limit"`, 1))
	r.one(hook("1", url, ""))
	r.one(hook("1", "http://unknown.example/", ""))
	r.one(`{"id":"1","kind":"made up"}`)
	r.one(strings.Replace(ageOf("1", "ann"), "users", "nothing", 1))
	r.send("{}")
	if err := s.Replace(serviceConfig(t, dbtest.SQLite(t, social))); err != nil { // counters continue
		t.Fatal(err)
	}
	s.Reloaded(nil)
	w := httptest.NewRecorder()
	s.Admin().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`rulegate_companion_calls_total{kind="query",outcome="ok",target="social"} 3`,
		`rulegate_companion_calls_total{kind="webhook",outcome="ok",target="127.0.0.1"} 1`,
		`rulegate_companion_calls_total{kind="webhook",outcome="not configured",target=""} 1`,
		`rulegate_companion_calls_total{kind="query",outcome="not configured",target=""} 1`,
		`rulegate_companion_calls_total{kind="",outcome="bad call",target=""} 1`,
		`rulegate_companion_call_duration_seconds_count{kind="query",target="social"} 3`,
		`rulegate_companion_cache_lookups_total{result="hit"} 1`,
		`rulegate_companion_cache_lookups_total{result="miss"} 1`,
		`rulegate_companion_cache_entries 0`, // of the new companion
		`rulegate_companion_requests_total{code="200"} 7`,
		`rulegate_companion_requests_total{code="400"} 1`,
		`rulegate_companion_reloads_total{outcome="ok"} 1`,
		`rulegate_companion_requests_in_flight 0`,
		`rulegate_companion_bytes_in_flight 0`,
		`rulegate_companion_running{target="social"} 0`,
		`rulegate_companion_queued{target="127.0.0.1"} 0`,
		`rulegate_companion_breaker_state{target="127.0.0.1"} 0`,
		`rulegate_companion_pool_connections{state="used",target="social"} 0`,
		`go_goroutines `,
		`process_open_fds `,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no line %s", want)
		}
	}
	if w.Code != 200 || strings.Contains(w.Body.String(), "made up") {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
}
