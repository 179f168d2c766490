package companion

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/companion/dbtest"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/host/companion/target"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
)

var testKeys = wire.DeriveKeys("a secret")

// testTokens has a primary, which signs the tokens of webhooks.
var testTokens = func() *token.Set {
	set, faults := token.NewSet([]token.Key{{Alg: "HS256", Secret: "a secret of the tests", Kid: "k1", Primary: true}}, 0, false, gocrypto.Crypto())
	if len(faults) > 0 {
		panic(faults[0].Message)
	}
	return set
}()

// social is the database of the tests. slow takes seconds unless it is cancelled.
const social = `
CREATE TABLE users (id TEXT, public BOOLEAN, age INTEGER);
INSERT INTO users VALUES ('ann', 1, 30), ('bob', 0, 20), ('cid', 0, 40);
CREATE TABLE secrets (v TEXT);
INSERT INTO secrets VALUES ('s');
CREATE VIEW long AS SELECT replace(hex(zeroblob(20000)), '0', 'x') AS text;
CREATE VIEW slow AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100000000) SELECT max(x) AS id FROM c;
`

// rig is a companion behind a real HTTP server, with its log.
type rig struct {
	t      testing.TB
	c      *Companion
	url    string
	mu     sync.Mutex
	logged bytes.Buffer
}

func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.logged.Write(p)
}

func (r *rig) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.logged.String()
}

func newRig(t testing.TB, l Limits, hosts ...string) *rig {
	t.Helper()
	r := &rig{t: t}
	var err error
	r.c, err = New(Config{
		Project:   "shop",
		Keys:      testKeys,
		Databases: []Source{{Name: "social", Type: "embedded", Conn: dbtest.SQLite(t, social), Collections: []string{"users", "slow", "long", "nothing"}}},
		Tokens:    testTokens,
		Webhooks:  hosts,
		Limits:    l,
		Log:       slog.New(slog.NewTextHandler(r, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(r.c)
	r.url = srv.URL
	t.Cleanup(func() {
		srv.Close()
		if err := r.c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// send posts a body with its signature and returns the answer, whose seal it checks.
func (r *rig) send(body string, header ...string) (status int, reply string, seal string) {
	r.t.Helper()
	req, err := http.NewRequest("POST", r.url+wire.Path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", testKeys.Sign("shop", []byte(body), time.Now()))
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	seal = res.Header.Get(wire.SealHeader)
	if seal != "" {
		if err := testKeys.CheckSeal(req.Header.Get("Authorization"), got, seal); err != nil {
			r.t.Error(err)
		}
	}
	return res.StatusCode, string(got), seal
}

// ask posts calls and returns the replies, each as a text.
func (r *rig) ask(calls string, header ...string) []string {
	r.t.Helper()
	body := `{"calls":[` + calls + `]}`
	status, reply, seal := r.send(body, header...)
	if status != 200 || seal == "" {
		r.t.Fatalf("status %d, seal %q: %s", status, seal, reply)
	}
	v, err := value.Parse(reply, 64)
	if err != nil {
		r.t.Fatalf("%v: %s", err, reply)
	}
	var list []string
	v.Key("replies").Each(func(_ string, x value.Value) bool {
		list = append(list, ages.ReplaceAllString(errorIDs.ReplaceAllString(x.String(), "#"), "}"))
		return true
	})
	return list
}

var errorIDs = regexp.MustCompile(`\([0-9a-f]{12}\)`)

// ages are of answers that may be kept, at the end of the reply.
var ages = regexp.MustCompile(`,"age":[0-9]+\}$`)

// one is ask for a single call.
func (r *rig) one(call string, header ...string) string {
	r.t.Helper()
	list := r.ask(call, header...)
	if len(list) != 1 {
		r.t.Fatalf("%d replies: %q", len(list), list)
	}
	return list[0]
}

func hook(id, url, more string) string {
	return `{"id":` + strconv.Quote(id) + `,"kind":"webhook","url":` + strconv.Quote(url) + `,"body":{}` + more + `}`
}

func TestCallsAreAnswered(t *testing.T) {
	r := newRig(t, Limits{})
	for _, c := range []struct{ name, call, want string }{
		{"a row", `{"id":"1","kind":"query","db":"social","col":"users","find":{"id":"ann"},"limit":1}`, `{"id":"1","rows":[{"id":"ann","public":true,"age":30}]}`},
		{"no row", `{"id":"1","kind":"query","db":"social","col":"users","find":{"id":"dan"},"limit":1}`, `{"id":"1","rows":[]}`},
		{"columns", `{"id":"é\"","kind":"query","db":"social","col":"users","find":{"age":{"$gt":30}},"columns":["age"],"limit":1}`, `{"id":"é\"","rows":[{"age":40}]}`},
		{"every row", `{"id":"1","kind":"query","db":"social","col":"users","columns":["id"],"limit":9}`, `{"id":"1","rows":[{"id":"ann"},{"id":"bob"},{"id":"cid"}]}`},
		{"without a limit", `{"id":"1","kind":"query","db":"social","col":"users","columns":["id"]}`, `{"id":"1","rows":[{"id":"ann"},{"id":"bob"},{"id":"cid"}]}`},

		{"another database", `{"id":"1","kind":"query","db":"sociaL","col":"users","limit":1}`, `{"id":"1","error":"not configured #"}`},
		{"a table that is there and not named", `{"id":"1","kind":"query","db":"social","col":"secrets","limit":1}`, `{"id":"1","error":"not configured #"}`},
		{"a table that is named and not there", `{"id":"1","kind":"query","db":"social","col":"nothing","limit":1}`, `{"id":"1","error":"bad call #"}`},
		{"a column that is not there", `{"id":"1","kind":"query","db":"social","col":"users","find":{"x":1},"limit":1}`, `{"id":"1","error":"bad call #"}`},
		{"a column to bring that is not there", `{"id":"1","kind":"query","db":"social","col":"users","columns":["x","id"],"limit":1}`, `{"id":"1","rows":[{"id":"ann"}]}`},
		{"a column to bring that is not there, alone", `{"id":"1","kind":"query","db":"social","col":"users","columns":["x"],"limit":1}`, `{"id":"1","rows":[{}]}`},
		{"an unknown operator", `{"id":"1","kind":"query","db":"social","col":"users","find":{"id":{"$where":"1"}},"limit":1}`, `{"id":"1","error":"bad call #"}`},
		{"a host that is not named", hook("1", "http://127.0.0.1:1/", ""), `{"id":"1","error":"not configured #"}`},
		{"an unknown kind", `{"id":"1","kind":"exec"}`, `{"id":"1","error":"bad call #"}`},
		{"no kind", `{"id":"1"}`, `{"id":"1","error":"bad call #"}`},
		{"an unknown key", `{"id":"1","kind":"query","db":"social","col":"users","limit":1,"sql":"x"}`, `{"id":"1","error":"bad call #"}`},
		{"a key in other letters", `{"id":"1","kind":"query","db":"social","col":"users","Limit":1}`, `{"id":"1","error":"bad call #"}`},
		{"a webhook's key", `{"id":"1","kind":"query","db":"social","col":"users","limit":1,"url":"x"}`, `{"id":"1","error":"bad call #"}`},
		{"a limit of 0", `{"id":"1","kind":"query","db":"social","col":"users","limit":0}`, `{"id":"1","error":"bad call #"}`},
		{"a limit as text", `{"id":"1","kind":"query","db":"social","col":"users","limit":"1"}`, `{"id":"1","error":"bad call #"}`},
		{"a cache of nothing", `{"id":"1","kind":"query","db":"social","col":"users","cache":"0s"}`, `{"id":"1","error":"bad call #"}`},
		{"columns of other things", `{"id":"1","kind":"query","db":"social","col":"users","columns":[1]}`, `{"id":"1","error":"bad call #"}`},
		{"a find that is null", `{"id":"1","kind":"query","db":"social","col":"users","find":null}`, `{"id":"1","error":"bad call #"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			if got := r.one(c.call); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestABadCallHarmsNoOther(t *testing.T) {
	r := newRig(t, Limits{})
	got := r.ask(`{"id":"1","kind":"x"},{"id":"2","kind":"query","db":"social","col":"users","columns":[],"limit":1},{"id":"3","kind":"query","db":"no","col":"users"}`)
	want := []string{`{"id":"1","error":"bad call #"}`, `{"id":"2","rows":[{}]}`, `{"id":"3","error":"not configured #"}`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got)
	}
}

func TestMalformedRequests(t *testing.T) {
	r := newRig(t, Limits{Calls: 2, Request: 1000, Depth: 10})
	for body, want := range map[string]int{
		`{"calls":[]}`:                      200,
		`{"calls":[{"id":"1"}]}`:            200,
		``:                                  400,
		`{}`:                                400,
		`[]`:                                400,
		`{"calls":{}}`:                      400,
		`{"calls":[],"more":1}`:             400,
		`{"Calls":[]}`:                      400,
		`{"calls":[],"calls":[]}`:           400,
		`{"calls":[]}{}`:                    400,
		`{"calls":[1]}`:                     400,
		`{"calls":[{"kind":"query"}]}`:      400,
		`{"calls":[{"id":"1"},{"id":"1"}]}`: 400,
		`{"calls":[{"id":1}]}`:              400,
		`{"calls":[{"id":"1"},{"id":"2"},{"id":"3"}]}`:           400,
		`{"calls":[{"id":"1","id":"2"}]}`:                        400,
		"{\"calls\":[{\"id\":\"\xff\"}]}":                        400,
		`{"calls":[{"id":"1","find":[[[[[[[[[[]]]]]]]]]]}]}`:     400,
		`{"calls":[{"id":"` + strings.Repeat("x", 1000) + `"}]}`: 413,
	} {
		if status, reply, _ := r.send(body); status != want {
			t.Errorf("%.60s: status %d, want %d: %s", body, status, want, reply)
		}
	}
}

func TestOnlyTheModuleIsServed(t *testing.T) {
	r := newRig(t, Limits{})
	body := `{"calls":[{"id":"1","kind":"query","db":"social","col":"users","limit":1}]}`
	token := func(k wire.Keys, project, body string, at time.Time) string {
		return k.Sign(project, []byte(body), at)
	}
	now := time.Now()
	good := token(testKeys, "shop", body, now)
	for _, c := range []struct {
		name, authorization string
		want                int
	}{
		{"with its token", good, 200},
		{"made a moment ago", token(testKeys, "shop", body, now.Add(-wire.Life/2)), 200},
		{"old", token(testKeys, "shop", body, now.Add(-wire.Life)), 401},
		{"from the future", token(testKeys, "shop", body, now.Add(time.Hour)), 401},
		{"of another body", token(testKeys, "shop", body+" ", now), 401},
		{"of another project", token(testKeys, "other", body, now), 401},
		{"of another secret", token(wire.DeriveKeys("b secret"), "shop", body, now), 401},
		{"of the version before, a JWT", "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln", 401},
		{"another scheme", "Basic " + good[len("Rulegate2 "):], 401},
		{"the scheme in small letters", "rulegate2 " + good[len("Rulegate2 "):], 401},
		{"no scheme", good[len("Rulegate2 "):], 401},
		{"nothing", "", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			status, reply, seal := r.send(body, "Authorization", c.authorization)
			if status != c.want || (seal != "") != (c.want == 200) {
				t.Errorf("status %d, seal %q: %s", status, seal, reply)
			}
			if c.want != 200 && strings.TrimSpace(reply) != `{"error":"unauthorized"}` {
				t.Errorf("reply %s", reply)
			}
		})
	}
}

func TestAStrangersBodyIsNotRead(t *testing.T) {
	r := newRig(t, Limits{})
	stuck, feed := io.Pipe() // a body that never comes
	defer feed.Close()
	req, err := http.NewRequest("POST", r.url+wire.Path, stuck)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Rulegate2 "+strconv.FormatInt(time.Now().Unix(), 10)+".nonsense.nonsense")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 401 {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestDuringARotationBothSecretsServe(t *testing.T) {
	both := wire.DeriveKeys("new", "old")
	c, err := New(Config{Project: "shop", Keys: both, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	body := []byte(`{"calls":[]}`)
	for name, module := range map[string]wire.Keys{"new": wire.DeriveKeys("new"), "old": wire.DeriveKeys("old"), "both": both, "both, the other way round": wire.DeriveKeys("old", "new")} {
		req := httptest.NewRequest("POST", wire.Path, bytes.NewReader(body))
		req.Header.Set("Authorization", module.Sign("shop", body, time.Now()))
		w := httptest.NewRecorder()
		c.ServeHTTP(w, req)
		if err := module.CheckSeal(req.Header.Get("Authorization"), w.Body.Bytes(), w.Header().Get(wire.SealHeader)); w.Code != 200 || err != nil {
			t.Errorf("a module that knows %s: %d, %v", name, w.Code, err)
		}
	}
}

func TestFailuresAreToldByAnIDAlone(t *testing.T) {
	r := newRig(t, Limits{})
	body := `{"calls":[{"id":"1","kind":"query","db":"social","col":"nothing"}]}`
	_, reply, _ := r.send(body, "x-request-id", "req-7")
	m := regexp.MustCompile(`^\{"replies":\[\{"id":"1","error":"bad call \(([0-9a-f]{12})\)"\}\]\}$`).FindStringSubmatch(reply)
	if m == nil {
		t.Fatalf("reply %s", reply)
	}
	log := r.log()
	for _, want := range []string{"error_id=" + m[1], "request_id=req-7", `no table \"nothing\"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

// panicky is a database whose driver panics.
type panicky struct{ query.Database }

func (panicky) Query(context.Context, query.Query) ([]byte, error) { panic("at the disco") }
func (panicky) Ping(context.Context) error                         { panic("at the disco") }

func TestAPanicIsOneCallsError(t *testing.T) {
	r := newRig(t, Limits{})
	r.c.databases["broken"] = &database{Pool: target.NewPool("broken", 1, 1, r.c.log), db: panicky{r.c.databases["social"].db}, collections: []string{"*"}}
	defer delete(r.c.databases, "broken")
	for range 3 {
		got := r.ask(`{"id":"1","kind":"query","db":"broken","col":"users","limit":1},{"id":"2","kind":"query","db":"social","col":"users","columns":[],"limit":1}`)
		if want := `{"id":"1","error":"internal error #"} {"id":"2","rows":[{}]}`; strings.Join(got, " ") != want {
			t.Errorf("%s", got)
		}
	}
	r.c.webhooks = nil // nor does a panic outside of a coalesced call end the process
	if got := r.one(hook("1", "http://x/", "")); got != `{"id":"1","error":"internal error #"}` {
		t.Error(got)
	}
	if !strings.Contains(r.log(), "at the disco") {
		t.Error("the log does not mention it")
	}
	if status, body := r.fetch("/readyz"); status != 503 || !strings.Contains(body, `"broken":"failed"`) || !strings.Contains(body, `"social":"ready"`) {
		t.Errorf("%d %s", status, body)
	}
}

func (r *rig) fetch(path string) (int, string) {
	r.t.Helper()
	res, err := http.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

func TestHealthAndReadiness(t *testing.T) {
	r := newRig(t, Limits{})
	if status, body := r.fetch("/healthz"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if status, body := r.fetch("/readyz"); status != 200 || strings.TrimSpace(body) != `{"ready":true,"targets":{"social":"ready"}}` {
		t.Errorf("%d %s", status, body)
	}
	for path, want := range map[string]int{"/": 404, "/v1/calls": 405, "/v1/calls/": 404} {
		if status, _ := r.fetch(path); status != want {
			t.Errorf("GET %s: %d, want %d", path, status, want)
		}
	}
}

func TestADatabaseThatIsAwayIsNotReady(t *testing.T) {
	c, err := New(Config{Project: "p", Keys: testKeys, Log: slog.New(slog.DiscardHandler), Databases: []Source{
		{Name: "away", Type: "embedded", Conn: t.TempDir() + "/none.db", Collections: []string{"*"}},
		{Name: "here", Type: "embedded", Conn: dbtest.SQLite(t, social), Collections: []string{"*"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if want := `{"ready":false,"targets":{"away":"failed","here":"ready"}}`; w.Code != 503 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		good   bool
	}{
		"as it should be":           {func(*Config) {}, true},
		"no project":                {func(c *Config) { c.Project = "" }, true},
		"no keys":                   {func(c *Config) { c.Keys = wire.Keys{} }, false},
		"a type that is not built":  {func(c *Config) { c.Databases[0].Type = "oracle" }, false},
		"no type":                   {func(c *Config) { c.Databases[0].Type = "" }, false},
		"a database without a name": {func(c *Config) { c.Databases[0].Name = "" }, false},
		"one name twice":            {func(c *Config) { c.Databases = append(c.Databases, c.Databases[0]) }, false},
		"a conn with parameters":    {func(c *Config) { c.Databases[0].Conn += "?mode=rwc" }, false},
		"an empty host":             {func(c *Config) { c.Webhooks = []string{""} }, false},
		"a URL as a host":           {func(c *Config) { c.Webhooks = []string{"http://x"} }, false},
		"a path with the host":      {func(c *Config) { c.Webhooks = []string{"x/y"} }, false},
		"a pattern as a host":       {func(c *Config) { c.Webhooks = []string{"*.x"} }, false},
		"a user with the host":      {func(c *Config) { c.Webhooks = []string{"u@x"} }, false},
		"a host with a port":        {func(c *Config) { c.Webhooks = []string{"x:80", "[::1]:80", "[::1]", "X.y"} }, true},
	} {
		cfg := Config{Project: "p", Keys: testKeys, Databases: []Source{{Name: "a", Type: "embedded", Conn: "x.db"}}}
		c.change(&cfg)
		got, err := New(cfg)
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		if got != nil {
			got.Close(context.Background())
		}
	}
}

func TestLimits(t *testing.T) {
	r := newRig(t, Limits{Rows: 2, Bytes: 30, Reply: 60})
	users := func(id, more string) string {
		return fmt.Sprintf(`{"id":%q,"kind":"query","db":"social","col":"users","columns":["id"]%s}`, id, more)
	}
	two := `[{"id":"ann"},{"id":"bob"}]` // 27 bytes
	if got, want := r.one(users("1", `,"limit":50`)), `{"id":"1","rows":`+two+`}`; got != want {
		t.Errorf("more rows than are allowed: %s", got)
	}
	if got := r.one(`{"id":"1","kind":"query","db":"social","col":"users","limit":2}`); got != `{"id":"1","error":"too large #"}` {
		t.Errorf("more bytes than are allowed: %s", got)
	}
	got := strings.Join(r.ask(users("1", "")+","+users("2", "")+","+users("3", "")), " ")
	if want := `{"id":"1","rows":` + two + `} {"id":"2","rows":` + two + `} {"id":"3","error":"too large"}`; got != want {
		t.Errorf("more of all than is allowed: %s", got)
	}
}

func TestConnectionStringsThatAreRefused(t *testing.T) {
	for _, c := range []Source{
		{Type: "sql-postgres"}, {Type: "sql-postgres", Conn: "postgres://u:p%zz@h/d"}, {Type: "sql-mysql"}, {Type: "sql-mysql", Conn: "root@tcp(h:1)/"}, {Type: "sql-mysql", Conn: "secret"},
		{Type: "mongo", Conn: "mongodb://h"}, {Type: "mongo"}, {Type: "mongo", Conn: "secret"}, {Type: "mongo", Conn: "mongodb://u:p%zz@h/d"}, {Type: "mongo", Conn: "mongodb://u:secret@h/d?tls=maybe"},
		{Type: "oracle", Conn: "secret"},
	} {
		db, err := open(c, 2)
		if err == nil {
			db.Close()
			t.Errorf("%v was accepted", c)
		} else if strings.Contains(err.Error(), "p%zz") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
}
