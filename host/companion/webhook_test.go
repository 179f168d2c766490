package companion

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/rulegate/rulegate/rules/wire"
)

// A call that the module encodes arrives at the webhook, and the answer comes back.
func TestAWebhookFromEndToEnd(t *testing.T) {
	var got *http.Request
	var body []byte
	at := server(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(201)
		fmt.Fprint(w, "{\"a\":\"\\u00e9\\n\"}\x00é")
	})
	r := newRig(t, Limits{}, "127.0.0.1")
	sent, err := value.Parse(`{"params": {"x":12345678901234567890}}`, 8)
	if err != nil {
		t.Fatal(err)
	}
	calls := []rules.Call{
		{ID: "w", Kind: rules.Webhook, URL: at + "/hook?x=1", Body: sent, UserToken: "user.token", Headers: [][2]string{{"X-Rule", "1"}}},
		{ID: "q", Kind: rules.Query, DB: "social", Col: "users", Find: value.Obj(value.Member{Key: "id", Value: value.Str("ann")}), Limit: 1, Columns: []string{"public"}},
	}
	text, err := wire.Encode(calls, "gw-1")
	if err != nil {
		t.Fatal(err)
	}
	_, reply, _ := r.send(string(text))
	replies, err := wire.DecodeReplies(reply, calls, 64)
	if err != nil {
		t.Fatal(err)
	}
	if w := replies[0]; w.Status != 201 || w.Body != "{\"a\":\"\\u00e9\\n\"}\x00é" || w.Err != "" {
		t.Errorf("webhook: %+v", w)
	}
	if q := replies[1]; q.Rows.String() != `[{"public":true}]` || q.Err != "" {
		t.Errorf("query: %+v", q)
	}
	if got.Method != "POST" || got.RequestURI != "/hook?x=1" || string(body) != sent.String() || got.ContentLength != int64(len(body)) {
		t.Errorf("%s %s %s", got.Method, got.RequestURI, body)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "Authorization": "Bearer user.token", "X-Rule": "1", "Accept-Encoding": ""} {
		if v := got.Header.Get(name); v != want {
			t.Errorf("%s: %q", name, v)
		}
	}
	if header, claims := decoded(t, got.Header.Get("X-Sc-Token")); header.Key("typ").String() != `"sc-service+jwt"` || header.Key("kid").String() != `"k1"` ||
		claims.Key("id").String() != `"gw-1"` || claims.Key("aud").String() != `"`+at+`"` || claims.Key("role").String() != `"SpaceCloud"` {
		t.Errorf("service token: %s %s", header, claims)
	}
}

// decoded returns the header and the claims of a bearer token.
func decoded(t *testing.T, field string) (header, claims value.Value) {
	t.Helper()
	parts := strings.Split(strings.TrimPrefix(field, "Bearer "), ".")
	if len(parts) != 3 {
		t.Fatalf("no token: %q", field)
	}
	var out [2]value.Value
	for i := range out {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			out[i], err = value.Parse(string(text), 8)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return out[0], out[1]
}

// A companion whose policy has no primary calls no webhook.
func TestWebhooksNeedAPrimary(t *testing.T) {
	hits := 0
	at := server(t, func(http.ResponseWriter, *http.Request) { hits++ })
	c, err := New(Config{Keys: testKeys, Webhooks: []string{"127.0.0.1"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := c.webhook(context.Background(), &call{kind: rules.Webhook, url: at}); err == nil || !strings.Contains(err.Error(), "primary") || hits != 0 {
		t.Errorf("%v, %d hits", err, hits)
	}
}

func TestWebhooksThatGoWrong(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "fine") })
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusTemporaryRedirect) })
	mux.HandleFunc("/nothing", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/slow-body", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "a")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := fmt.Fprint(w, strings.Repeat("x", 1000)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/at-limit", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.Repeat("x", 5000)) })
	mux.HandleFunc("/over-limit", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.Repeat("x", 5001)) })
	mux.HandleFunc("/binary", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "\xff\xfe") })
	mux.HandleFunc("/reset", func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(buf, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		buf.Flush()
		conn.Close()
	})
	mux.HandleFunc("/garbage", func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(buf, "no HTTP at all\r\n\r\n")
		buf.Flush()
		conn.Close()
	})
	mux.HandleFunc("/switch", func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { conn.Close() }) // hold it open
		fmt.Fprint(buf, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		buf.Flush()
	})
	at := server(t, mux.ServeHTTP)
	mute, err := net.Listen("tcp", "127.0.0.1:0") // the backlog accepts, and no one answers
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	tls := httptest.NewUnstartedServer(mux) // with a self-signed certificate
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	defer tls.Close()
	r := newRig(t, Limits{Bytes: 5000}, "127.0.0.1")
	port := strings.TrimPrefix(at, "http://127.0.0.1")
	for _, c := range []struct{ name, url, more, want string }{
		{"fine", at + "/ok", "", `"status":200,"body":"fine"`},
		{"scheme and host in capitals", "HTTP://127.0.0.1" + port + "/ok", "", `"status":200,"body":"fine"`},
		{"not found", at + "/none", "", `"status":404,"body":"404 page not found\n"`},
		{"a redirect is not followed", at + "/redirect", "", `"status":307,"body":""`},
		{"without a body", at + "/nothing", "", `"status":204,"body":""`},
		{"slow", at + "/slow", "", `"error":"timeout #"`},
		{"slow in its body", at + "/slow-body", "", `"error":"timeout #"`},
		{"accepts and is mute", "http://" + mute.Addr().String(), "", `"error":"timeout #"`},
		{"endless", at + "/endless", "", `"error":"too large #"`},
		{"at the limit", at + "/at-limit", "", `"status":200,"body":"` + strings.Repeat("x", 5000) + `"`},
		{"over the limit", at + "/over-limit", "", `"error":"too large #"`},
		{"no UTF-8", at + "/binary", "", `"error":"webhook error #"`},
		{"resets", at + "/reset", "", `"error":"webhook error #"`},
		{"breaks off", at + "/cut", "", `"error":"webhook error #"`},
		{"switches protocols", at + "/switch", "", `"error":"webhook error #"`},
		{"talks nonsense", at + "/garbage", "", `"error":"webhook error #"`},
		{"refuses", closed.URL, "", `"error":"refused #"`},
		{"a certificate that nobody signed", tls.URL + "/ok", "", `"error":"webhook error #"`},

		{"another host", "http://127.0.0.2" + port + "/ok", "", `"error":"not configured #"`},
		{"a name of the same host", "http://localhost" + port + "/ok", "", `"error":"not configured #"`},
		{"a host that begins alike", "http://127.0.0.1.example" + port + "/ok", "", `"error":"not configured #"`},
		{"a user before the host", "http://127.0.0.1" + port + "@example/ok", "", `"error":"bad call #"`},
		{"a host after a user", "http://example@127.0.0.1" + port + "/ok", "", `"error":"bad call #"`},
		{"a backslash", `http://127.0.0.1\\@example/ok`, "", `"error":"bad call #"`},
		{"another scheme", "file:///etc/passwd", "", `"error":"bad call #"`},
		{"gopher", "gopher://127.0.0.1/", "", `"error":"bad call #"`},
		{"no scheme", "127.0.0.1" + port, "", `"error":"bad call #"`},
		{"no host", "http:///ok", "", `"error":"bad call #"`},
		{"a header that it may set", at + "/ok", `,"headers":{"X-A":"x"}`, `"status":200,"body":"fine"`},
		{"a header that it may not set", at + "/ok", `,"headers":{"Host":"x"}`, `"error":"bad call #"`},
		{"a header that the companion sets", at + "/ok", `,"headers":{"AUTHORIZATION":"Bearer x"}`, `"error":"bad call #"`},
		{"a service token of its own", at + "/ok", `,"headers":{"x-sc-token":"Bearer x"}`, `"error":"bad call #"`},
		{"a line end in a header", at + "/ok", `,"headers":{"X-A":"x\r\nHost: y"}`, `"error":"webhook error #"`},
		{"a token", at + "/ok", `,"token":"a.b.c"`, `"status":200,"body":"fine"`},
		{"a line end in a token", at + "/ok", `,"token":"x\r\nHost: y"`, `"error":"bad call #"`},
		{"claims", at + "/ok", `,"claims":{"id":"u1"}`, `"status":200,"body":"fine"`},
		{"claims beside a token", at + "/ok", `,"claims":{"id":"u1"},"token":"a.b.c"`, `"error":"bad call #"`},
		{"claims that are no object", at + "/ok", `,"claims":["u1"]`, `"error":"bad call #"`},
		{"claims of which no token can be made", at + "/ok", `,"claims":{"id":"` + strings.Repeat("x", 16<<10) + `"}`, `"error":"bad call #"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			patience := "20000"
			if strings.Contains(c.want, "timeout") {
				patience = "400"
			}
			call := `{"id":"1","kind":"webhook","url":"` + c.url + `","body":{}` + c.more + `}`
			if got := r.one(call, wire.TimeoutHeader, patience); got != `{"id":"1",`+c.want+`}` {
				t.Errorf("%.200s, want %.200s", got, c.want)
			}
		})
	}
}

// An allowed name that resolves to the loopback address is not called, because the
// address is checked when the connection is made.
func TestANameThatResolvesToLoopback(t *testing.T) {
	hits := 0
	at := server(t, func(http.ResponseWriter, *http.Request) { hits++ })
	dns := nameServer(t)
	kept := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", dns)
	}}
	defer func() { net.DefaultResolver = kept }()
	r := newRig(t, Limits{}, "rebound.example", "127.0.0.1")
	port := strings.TrimPrefix(at, "http://127.0.0.1")
	if got := r.one(hook("1", "http://rebound.example"+port, "")); got != `{"id":"1","error":"not configured #"}` || hits != 0 {
		t.Errorf("%s, %d hits", got, hits)
	}
	if !strings.Contains(r.log(), "rebound.example is 127.0.0.1") {
		t.Errorf("another reason:\n%s", r.log())
	}
	if got := r.one(hook("1", at, "")); !strings.Contains(got, `"status":200`) || hits != 1 {
		t.Errorf("the address itself, which is named: %s, %d hits", got, hits)
	}
}

// nameServer resolves every name to 127.0.0.1 (RFC 1035, section 4.1).
func nameServer(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			end := 12 // the question follows the header: a name, then type and class
			for end < n && buf[end] != 0 {
				end += int(buf[end]) + 1
			}
			if end += 5; end > n {
				continue
			}
			reply := append([]byte{}, buf[:end]...)
			reply[2], reply[3] = 0x81, 0x80
			copy(reply[6:12], make([]byte, 6))
			if binary.BigEndian.Uint16(buf[end-4:]) == 1 { // A
				reply[7] = 1
				reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
			}
			conn.WriteTo(reply, from)
		}
	}()
	return conn.LocalAddr().String()
}
