package companion

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/wire"
)

const opaqueToken = "an-opaque-token-that-no-log-may-hold"

func newIssuerRig(t *testing.T, l Limits, issuers ...Issuer) *rig {
	t.Helper()
	r := &rig{t: t}
	var err error
	r.c, err = New(Config{Project: "shop", Keys: testKeys, Issuers: issuers, Limits: l, Log: slog.New(slog.NewTextHandler(r, nil))})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(r.c)
	r.url = srv.URL
	t.Cleanup(func() {
		srv.Close()
		r.c.Close(context.Background())
	})
	return r
}

func question(url, client string) string {
	return fmt.Sprintf(`{"id":"i","kind":"introspect","url":%q,"clientId":%q,"token":%q}`, url, client, opaqueToken)
}

// A question that the module encodes arrives at the issuer as RFC 7662 wants it, with
// the client's name and secret encoded (RFC 6749, section 2.3.1).
func TestAnIssuerFromEndToEnd(t *testing.T) {
	var got *http.Request
	var body []byte
	at := server(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		fmt.Fprint(w, `{"active":true}`)
	})
	r := newIssuerRig(t, Limits{}, Issuer{URL: at + "/introspect?tenant=1", ClientID: "gate way:1", Secret: "s%+ ä"})
	calls := []rules.Call{{ID: "i", Kind: rules.Introspect, URL: at + "/introspect?tenant=1", ClientID: "gate way:1", UserToken: "a+b/c=&d"}}
	text, err := wire.Encode(calls, "gw")
	if err != nil {
		t.Fatal(err)
	}
	_, reply, _ := r.send(string(text))
	replies, err := wire.DecodeReplies(reply, calls, 64)
	if err != nil || replies[0].Err != "" || replies[0].Status != 200 || replies[0].Body != `{"active":true}` {
		t.Fatalf("%+v %v", replies, err)
	}
	if got.Method != "POST" || got.RequestURI != "/introspect?tenant=1" || string(body) != "token=a%2Bb%2Fc%3D%26d&token_type_hint=access_token" {
		t.Errorf("%s %s %s", got.Method, got.RequestURI, body)
	}
	id, secret, _ := got.BasicAuth()
	if id != "gate+way%3A1" || secret != "s%25%2B+%C3%A4" || got.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || got.Header.Get("Accept") != "application/json" {
		t.Errorf("%q %q %v", id, secret, got.Header)
	}
}

func TestIssuersThatGoWrong(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/no", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) })
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusTemporaryRedirect) })
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"active":true}`) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 5000)) })
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte{0xff}) })
	at := server(t, mux.ServeHTTP)
	var issuers []Issuer
	for _, path := range []string{"/no", "/redirect", "/ok", "/slow", "/large", "/bytes"} {
		issuers = append(issuers, Issuer{URL: at + path, ClientID: "gw", Secret: "the-secret-of-the-client"})
	}
	issuers = append(issuers, Issuer{URL: "http://127.0.0.1:1/gone", ClientID: "gw", Secret: "s"})
	r := newIssuerRig(t, Limits{Bytes: 4000}, issuers...)
	for want, call := range map[string]string{
		`"status":200,"body":"{\"active\":true}"`:          question(at+"/ok", "gw"),
		`"error":"not configured (other client)"`:          question(at+"/ok", "other"),
		`"error":"not configured (other path)"`:            question(at+"/else", "gw"),
		`"error":"issuer error (no)"`:                      question(at+"/no", "gw"),
		`"error":"issuer error (redirect)"`:                question(at+"/redirect", "gw"),
		`"error":"timeout (slow)"`:                         question(at+"/slow", "gw"),
		`"error":"too large (large)"`:                      question(at+"/large", "gw"),
		`"error":"issuer error (bytes)"`:                   question(at+"/bytes", "gw"),
		`"error":"refused (gone)"`:                         question("http://127.0.0.1:1/gone", "gw"),
		`"error":"bad call (no token)"`:                    `{"id":"i","kind":"introspect","url":"` + at + `/ok","clientId":"gw"}`,
		`"error":"bad call (unknown key)"`:                 strings.Replace(question(at+"/ok", "gw"), `"clientId"`, `"secret":"x","clientId"`, 1),
		`"error":"not configured (a webhook to the host)"`: `{"id":"i","kind":"webhook","url":"` + at + `/ok","body":{}}`,
	} {
		reply := r.ask(call, wire.TimeoutHeader, "300")[0]
		kind, _, _ := strings.Cut(want, " (")
		if !strings.Contains(reply, kind) {
			t.Errorf("%s: %s", want, reply)
		}
	}
	sum := sha256.Sum256([]byte(opaqueToken))
	for _, secret := range []string{opaqueToken, "the-secret-of-the-client", hex.EncodeToString(sum[:])} {
		if strings.Contains(r.log(), secret) {
			t.Errorf("%s is in the log:\n%s", secret, r.log())
		}
	}
	if !strings.Contains(r.log(), "the issuer answered 401") {
		t.Errorf("no reason in the log:\n%s", r.log())
	}
}

// Questions about one token that come at a time reach the issuer once; answers are not
// kept.
func TestQuestionsThatAreShared(t *testing.T) {
	var asked atomic.Int64
	release := make(chan struct{})
	at := server(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-release
		fmt.Fprint(w, `{"active":true}`)
	})
	r := newIssuerRig(t, Limits{}, Issuer{URL: at, ClientID: "gw", Secret: "s"}, Issuer{URL: at, ClientID: "other", Secret: "s"})
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			if reply := r.ask(question(at, "gw"))[0]; !strings.Contains(reply, `"status":200`) {
				t.Error(reply)
			}
		})
	}
	for r.c.coalescer.Running() == 0 || asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // let the others come
	close(release)
	wait.Wait()
	if n := asked.Load(); n >= 10 {
		t.Errorf("%d questions for 10 that came at a time", n)
	}
	before := asked.Load()
	r.ask(question(at, "gw"))
	r.ask(question(at, "other"))
	r.ask(strings.Replace(question(at, "gw"), opaqueToken, "another", 1))
	if n := asked.Load() - before; n != 3 {
		t.Errorf("%d questions, want 3: answers are kept", n)
	}
	if entries, _ := r.c.cache.size(); entries != 0 {
		t.Errorf("%d answers are kept", entries)
	}
}

// The pool of an issuer has a name of its own, also if webhooks go to its host.
func TestMetricsOfIssuers(t *testing.T) {
	at := server(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"active":true}`) })
	host := strings.TrimPrefix(at, "http://")
	m := NewMetrics()
	c, err := New(Config{Project: "shop", Keys: testKeys, Webhooks: []string{host}, Issuers: []Issuer{{URL: at, ClientID: "gw", Secret: "s"}}, Metrics: m})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	m.current.Store(c)
	srv := httptest.NewServer(c)
	defer srv.Close()
	r := &rig{t: t, c: c, url: srv.URL}
	r.ask(question(at, "gw"))
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	text := rec.Body.String()
	for _, want := range []string{
		fmt.Sprintf(`rulegate_companion_calls_total{kind="introspect",outcome="ok",target="issuer %s"} 1`, host),
		fmt.Sprintf(`rulegate_companion_running{target="issuer %s"} 0`, host), fmt.Sprintf(`rulegate_companion_running{target="%s"} 0`, host),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%.2000s", want, text)
		}
	}
	if strings.Contains(text, opaqueToken) {
		t.Error("a token is in the metrics")
	}
}

func TestIssuersThatCannotBeAsked(t *testing.T) {
	for _, i := range []Issuer{{}, {URL: "/x", ClientID: "a", Secret: "b"}, {URL: "https://id.example", Secret: "b"}, {URL: "https://id.example", ClientID: "a"}} {
		if c, err := New(Config{Keys: testKeys, Issuers: []Issuer{i}}); err == nil {
			c.Close(context.Background())
			t.Errorf("%+v is accepted", i)
		}
	}
}
