package edges

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/gateway"
)

// socketPolicy has WebSockets that a claim, a variable of the path and a cookie decide,
// and rules that a WebSocket cannot obey. limits.idle is longer than the idle timeout
// of the proxies in these tests.
const socketPolicy = `
project: shop
auth:
  tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]
  from: [{header: authorization, prefix: "Bearer "}, {cookie: session, origins: ["https://app.example"]}]
  claimsToHeaders: {x-user-id: id}
limits: {idle: 1m}
routes:
  - {name: room, match: {methods: [GET], path: "/rooms/{id}"}, rule: {rule: match, type: string, eval: "==", f1: args.auth.room, f2: args.request.vars.id}}
  - {name: short, match: {methods: [GET], path: "/short"}, idle: 1s, rule: {rule: authenticated}}
  - {name: body, match: {methods: [GET, POST], path: "/body"}, rule: {rule: match, type: bool, eval: "==", f1: args.params.ok, f2: true}}
  - {name: mask, match: {methods: [GET], path: "/mask"}, rule: {rule: remove, fields: [res.x]}}
  - {name: plain, match: {methods: [GET], path: "/plain"}, rule: {rule: authenticated}}
`

// echoSockets is an upstream that accepts WebSockets, sends the user's id first, and
// then each message back. At /plain it accepts none.
func echoSockets(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/plain" {
			fmt.Fprint(w, "no WebSocket here")
			return
		}
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: []string{"chat"}})
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(4 << 20)
		ctx := r.Context()
		if c.Write(ctx, websocket.MessageText, []byte(r.Header.Get("x-user-id"))) != nil {
			return
		}
		for {
			kind, data, err := c.Read(ctx)
			if err != nil {
				return
			}
			if string(data) == "bye" {
				c.Close(4000, "as you wish")
				return
			}
			if c.Write(ctx, kind, data) != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestWebSockets opens real WebSockets through Envoy, with the generated configuration,
// and through the embedded gateway.
func TestWebSockets(t *testing.T) {
	up := echoSockets(t)
	b := harness.NewBootstrap(t, up)
	b.Conf.Idle = time.Second
	b.AddPolicy(t, "sockets", socketPolicy, "")
	p := b.Start(t)
	p.Ready(t)
	embedded := harness.Gateway{Case: &harness.Case{Name: "sockets", Policy: socketPolicy}, Module: harness.LoadModule(t), Upstream: harness.NewUpstream(t), Alter: func(cfg *gateway.Config) {
		cfg.StreamIdleTimeout = time.Second
		cfg.Upstream.URL, _ = url.Parse(up)
	}}.Start(t)
	for host, at := range map[string]string{"Envoy": p.Listeners(t)["sockets"], "gateway": embedded} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			t.Run("answers", func(t *testing.T) { socketAnswers(t, at) })
			t.Run("messages", func(t *testing.T) { socketMessages(t, at) })
			t.Run("origins", func(t *testing.T) { socketOrigins(t, at) })
			t.Run("silence", func(t *testing.T) { socketSilence(t, at) })
			t.Run("many", func(t *testing.T) { manySockets(t, at) })
			t.Run("requests that open none", func(t *testing.T) { noSockets(t, at) })
		})
	}
}

// socket opens a WebSocket as a user. status is that of a response that is no 101.
func socket(t *testing.T, at, path, claims string, more ...[2]string) (c *websocket.Conn, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.RequestTimeout)
	t.Cleanup(cancel)
	h := http.Header{}
	if claims != "" {
		token := harness.Bearer(t, claims)
		h.Set(token[0], token[1])
	}
	for _, f := range more {
		h.Set(f[0], f[1])
	}
	c, resp, err := websocket.Dial(ctx, "ws://"+at+path, &websocket.DialOptions{HTTPHeader: h, Subprotocols: []string{"chat"}})
	if err != nil {
		if resp == nil {
			t.Fatal(err)
		}
		return nil, resp.StatusCode
	}
	t.Cleanup(func() { c.CloseNow() })
	c.SetReadLimit(4 << 20)
	if c.Subprotocol() != "chat" {
		t.Errorf("want the protocol chat, found %q", c.Subprotocol())
	}
	return c, http.StatusSwitchingProtocols
}

// say sends a message, unless it is "", and returns the next one that comes.
func say(t *testing.T, c *websocket.Conn, kind websocket.MessageType, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.RequestTimeout)
	defer cancel()
	if text != "" {
		if err := c.Write(ctx, kind, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	got, data, err := c.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if text != "" && got != kind {
		t.Errorf("want a message of kind %v, found %v", kind, got)
	}
	return string(data)
}

func socketAnswers(t *testing.T, at string) {
	for name, c := range map[string]struct {
		path, claims string
		more         [2]string
		want         int
	}{
		"the rule says yes":      {"/rooms/7", `{"id":"u1","room":"7"}`, [2]string{"x-user-id", "admin"}, 101},
		"the rule says no":       {"/rooms/8", `{"id":"u1","room":"7"}`, [2]string{}, 403},
		"no token":               {"/rooms/7", "", [2]string{}, 401},
		"no route":               {"/other", `{"id":"u1"}`, [2]string{}, 403},
		"a rule on the body":     {"/body", `{"id":"u1"}`, [2]string{}, 415},
		"a rule on the response": {"/mask", `{"id":"u1"}`, [2]string{}, 502},
		"an upstream without":    {"/plain", `{"id":"u1"}`, [2]string{}, 200},
		"a second method":        {"/rooms/7", `{"id":"u1","room":"7"}`, [2]string{"x-http-method-override", "POST"}, 400},
		"a header of a proxy":    {"/rooms/7", `{"id":"u1","room":"7"}`, [2]string{"x-forwarded-host", "a"}, 101},
	} {
		t.Run(name, func(t *testing.T) {
			more := [][2]string{}
			if c.more[0] != "" {
				more = append(more, c.more)
			}
			conn, got := socket(t, at, c.path, c.claims, more...)
			if got != c.want {
				t.Fatalf("want %d, found %d", c.want, got)
			}
			if conn != nil && say(t, conn, 0, "") != "u1" {
				t.Error("the upstream did not get the claim's header")
			}
		})
	}
}

func socketMessages(t *testing.T, at string) {
	c, status := socket(t, at, "/rooms/7", `{"id":"u1","room":"7"}`)
	if c == nil {
		t.Fatalf("found %d", status)
	}
	say(t, c, 0, "")
	large := strings.Repeat("x", 3<<20)
	for _, text := range []string{"hello", `{"not":"a body"`, "\xff\x00", large} {
		kind := websocket.MessageText
		if text[0] == '\xff' {
			kind = websocket.MessageBinary
		}
		if got := say(t, c, kind, text); got != text {
			t.Errorf("want %.20q back, found %.20q, %d bytes", text, got, len(got))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), harness.RequestTimeout)
	defer cancel()
	c.Write(ctx, websocket.MessageText, []byte("bye"))
	if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != 4000 {
		t.Errorf("want the upstream's close, found %v", err)
	}
	// The client's own close reaches the upstream, which answers it.
	c, _ = socket(t, at, "/rooms/7", `{"id":"u1","room":"7"}`)
	say(t, c, 0, "")
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("the close is not answered: %v", err)
	}
}

// socketOrigins tests cross-site WebSocket hijacking: a browser lets every page open a
// WebSocket and sends the user's cookies along, so a token in a cookie counts only with
// an allowed Origin.
func socketOrigins(t *testing.T, at string) {
	const claims = `{"id":"u1","room":"7"}`
	cookie := [2]string{"cookie", "session=" + strings.TrimPrefix(harness.Bearer(t, claims)[1], "Bearer ")}
	for name, c := range map[string]struct {
		origin, claims string
		more           [2]string
		want           int
	}{
		"the page":               {"https://app.example", "", cookie, 101},
		"another page":           {"https://evil.example", "", cookie, 403},
		"no page":                {"", "", cookie, 403},
		"another page, a header": {"https://evil.example", claims, [2]string{"x-none", "1"}, 101},
	} {
		t.Run(name, func(t *testing.T) {
			more := [][2]string{c.more}
			if c.origin != "" {
				more = append(more, [2]string{"origin", c.origin})
			}
			if _, got := socket(t, at, "/rooms/7", c.claims, more...); got != c.want {
				t.Errorf("want %d, found %d", c.want, got)
			}
		})
	}
}

// socketSilence tests that a WebSocket may be silent up to limits.idle, or up to the
// route's idle.
func socketSilence(t *testing.T, at string) {
	c, status := socket(t, at, "/rooms/7", `{"id":"u1","room":"7"}`)
	short, _ := socket(t, at, "/short", `{"id":"u1"}`)
	if c == nil || short == nil {
		t.Fatalf("found %d", status)
	}
	say(t, c, 0, "")
	say(t, short, 0, "")
	ctx, cancel := context.WithTimeout(context.Background(), harness.RequestTimeout)
	defer cancel()
	if _, data, err := short.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("a route with idle: 1s: want its end, found %q, %v", data, err)
	}
	time.Sleep(3 * time.Second) // the proxy's own idle timeout is a second
	if got := say(t, c, websocket.MessageText, "still there"); got != "still there" {
		t.Errorf("found %q", got)
	}
}

func manySockets(t *testing.T, at string) {
	var all sync.WaitGroup
	for i := range 40 {
		claims := fmt.Sprintf(`{"id":"user-%d","room":"7"}`, i)
		all.Go(func() {
			c, status := socket(t, at, "/rooms/7", claims)
			if c == nil {
				t.Errorf("found %d", status)
				return
			}
			ctx, cancel := context.WithTimeout(context.Background(), harness.RequestTimeout)
			defer cancel()
			for n := range 20 {
				want := fmt.Sprintf("user-%d", i)
				if n > 0 {
					want += fmt.Sprint(" message ", n)
					if err := c.Write(ctx, websocket.MessageText, []byte(want)); err != nil {
						t.Error(err)
						return
					}
				}
				if _, got, err := c.Read(ctx); err != nil || string(got) != want {
					t.Errorf("want %q, found %q, %v", want, got, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// noSockets sends bytes behind requests that open no WebSocket: they are no second
// request.
func noSockets(t *testing.T, at string) {
	const key = "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	token := harness.Bearer(t, `{"id":"u1","room":"7"}`)
	for name, c := range map[string]struct {
		method, path, headers string
		want                  string
	}{
		"another protocol":            {"GET", "/rooms/7", "connection: upgrade\r\nupgrade: tcp\r\n", "403"},
		"two protocols":               {"GET", "/rooms/7", "connection: upgrade\r\nupgrade: websocket, tcp\r\n", "403"},
		"a header of the policy":      {"GET", "/rooms/7", "connection: upgrade, x-user-id\r\nupgrade: websocket\r\n" + key, "400"},
		"its twin":                    {"GET", "/rooms/7", "connection: X_User_Id, upgrade\r\nupgrade: websocket\r\n" + key, "400"},
		"the token":                   {"GET", "/rooms/7", "connection: upgrade\r\nconnection: authorization\r\nupgrade: websocket\r\n" + key, "40"}, // the gateway drops what it names first: 401
		"another option":              {"GET", "/rooms/7", "connection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n" + key, "101"},
		"a body":                      {"GET", "/rooms/7", "connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 5\r\n" + key, "40"},
		"refused by the rule":         {"GET", "/rooms/8", "connection: upgrade\r\nupgrade: websocket\r\n" + key, "403"},
		"an upstream that has none":   {"GET", "/plain", "connection: upgrade\r\nupgrade: websocket\r\n" + key, "200"},
		"a key that the upstream has": {"GET", "/rooms/7", "connection: upgrade\r\nupgrade: websocket\r\n", "4"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", at)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(harness.RequestTimeout))
			fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nhost: shop.example\r\n%s: %s\r\n%s\r\n", c.method, c.path, token[0], token[1], c.headers)
			fmt.Fprintf(conn, "GET /plain HTTP/1.1\r\nhost: shop.example\r\n%s: %s\r\n\r\n", token[0], token[1])
			in := bufio.NewReader(conn)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := resp.Status; !strings.HasPrefix(got, c.want) {
				t.Errorf("want %s, found %s", c.want, got)
			}
			if c.want == "101" {
				return
			}
			io.Copy(io.Discard, resp.Body)
			if second, err := http.ReadResponse(in, nil); err == nil {
				t.Errorf("the bytes behind it got an answer, %s", second.Status)
			}
		})
	}
}
