package issuer_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/host/issuer"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
)

// clock is a time that tests set.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func start(t *testing.T, c issuer.Config) (*issuer.Issuer, *clock) {
	t.Helper()
	at := &clock{time.Unix(1_700_000_000, 0)}
	c.Now = at.now
	s, err := issuer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s, at
}

// keys returns the issuer's set as rulegate reads it.
func keys(t *testing.T, s *issuer.Issuer) *token.Set {
	t.Helper()
	text, err := s.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	set, faults := token.NewSet([]token.Key{{Name: "dev", JWKS: string(text)}}, 0, false, gocrypto.Crypto())
	if len(faults) > 0 {
		t.Fatalf("the set is refused: %+v\n%s", faults, text)
	}
	return set
}

func mint(t *testing.T, s *issuer.Issuer, claims, alg string) string {
	t.Helper()
	raw, err := s.Mint(claims, alg)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A token of each algorithm verifies with the set.
func TestMint(t *testing.T) {
	s, at := start(t, issuer.Config{Algs: issuer.Algorithms(), Name: "https://id.example", TTL: time.Minute})
	set := keys(t, s)
	for _, alg := range append(issuer.Algorithms(), "") {
		c, err := set.Verify(mint(t, s, `{"id":"u1","n":1.0}`, alg), at.now())
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		const want = `{"id":"u1","n":1.0,"iss":"https://id.example","iat":1700000000,"exp":1700000060}`
		if c.JSON != want {
			t.Errorf("%s: claims %s", alg, c.JSON)
		}
	}
	for _, tt := range []struct{ claims, alg, want string }{
		{`[]`, "", "want a JSON object"},
		{`{"a":1,"a":2}`, "", "repeated key"},
		{`{}`, "HS256", `algorithm "HS256": want one of ES256`},
		{`{}`, "none", `algorithm "none": want one of`},
	} {
		if raw, err := s.Mint(tt.claims, tt.alg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s by %q: got %q, %v; want %s", tt.claims, tt.alg, raw, err, tt.want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, algs := range [][]string{{"HS256"}, {"none"}, {"ES256", "ES256"}, {""}} {
		if _, err := issuer.New(issuer.Config{Algs: algs}); err == nil {
			t.Errorf("%q is accepted", algs)
		}
	}
}

// A replaced key verifies during the overlap, and then is removed.
func TestRotate(t *testing.T) {
	s, at := start(t, issuer.Config{Overlap: time.Minute})
	before, old := s.Kids()[0], mint(t, s, `{}`, "")
	if err := s.Rotate(); err != nil {
		t.Fatal(err)
	}
	fresh := mint(t, s, `{}`, "")
	if kids := s.Kids(); len(kids) != 2 || kids[0] == before || kids[1] != before {
		t.Errorf("kids %q, want a new one and %s", kids, before)
	}
	for _, raw := range []string{old, fresh} {
		if _, err := keys(t, s).Verify(raw, at.now()); err != nil {
			t.Error(err)
		}
	}
	at.Time = at.Add(time.Minute)
	if _, err := keys(t, s).Verify(fresh, at.now()); err != nil {
		t.Error(err)
	}
	if _, err := keys(t, s).Verify(old, at.now()); err == nil || len(s.Kids()) != 1 {
		t.Errorf("the old key is still there: %v", err)
	}
}

// After any number of rotations rulegate still accepts the set.
func TestRotateOften(t *testing.T) {
	s, at := start(t, issuer.Config{Overlap: time.Hour})
	for range 150 {
		if err := s.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.Kids()); n > 100 {
		t.Errorf("%d keys", n)
	}
	if _, err := keys(t, s).Verify(mint(t, s, `{}`, ""), at.now()); err != nil {
		t.Error(err)
	}
}

func ask(t *testing.T, h http.Handler, method, target, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, _ := io.ReadAll(w.Result().Body)
	return w.Result(), string(text)
}

func TestHTTP(t *testing.T) {
	s, at := start(t, issuer.Config{Algs: []string{"ES256", "RS256"}, MaxAge: 90 * time.Second})
	set, text := ask(t, s, "GET", issuer.Path, "")
	if got := set.Header.Get("Cache-Control"); got != "public, max-age=90" {
		t.Errorf("Cache-Control %q", got)
	}
	var parsed struct{ Keys []map[string]string }
	if err := json.Unmarshal([]byte(text), &parsed); err != nil || len(parsed.Keys) != 2 {
		t.Fatalf("%v: %s", err, text)
	}
	for _, k := range parsed.Keys {
		if k["d"] != "" || k["p"] != "" || k["kid"] == "" || k["use"] != "sig" {
			t.Errorf("key %v", k)
		}
	}
	for _, tt := range []struct {
		method, target, body string
		header               []string
		status               int
		want                 string
	}{
		{"POST", "/token?alg=RS256", `{"id":1}`, nil, 200, "."},
		{"POST", "/token", `{"id":1}`, []string{"Origin", "https://evil.example"}, 403, "browser"},
		{"POST", "/rotate", "", []string{"Origin", "null"}, 403, "browser"},
		{"POST", "/rotate", "", []string{"Sec-Fetch-Site", "same-origin"}, 403, "browser"},
		{"POST", "/token", `[]`, nil, 400, "object"},
		{"POST", "/token", strings.Repeat(" ", 17<<10), nil, 413, "large"},
		{"POST", "/token?alg=HS256", `{}`, nil, 400, "algorithm"},
		{"GET", "/token", "", nil, 405, ""},
		{"GET", "/rotate", "", nil, 405, ""},
		{"GET", "/healthz", "", nil, 200, "ok"},
		{"POST", "/rotate", "", nil, 200, `{"kids":["`},
	} {
		r, text := ask(t, s, tt.method, tt.target, tt.body, tt.header...)
		if r.StatusCode != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("%s %s %v: %d %s", tt.method, tt.target, tt.header, r.StatusCode, text)
		}
	}
	_, raw := ask(t, s, "POST", "/token", `{"id":1}`)
	if _, err := keys(t, s).Verify(raw, at.now()); err != nil {
		t.Errorf("%v: %s", err, raw)
	}
}
