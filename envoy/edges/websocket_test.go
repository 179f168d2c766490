package edges

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// TestWebSocketOrigin tests cross-site WebSocket hijacking: a browser lets every
// page open a WebSocket and sends the user's cookies along, so a token in a cookie
// counts only with an allowed Origin.
func TestWebSocketOrigin(t *testing.T) {
	upgraded := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("upgrade") != "websocket" {
			fmt.Fprintln(w, "no upgrade")
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello")
	}))
	t.Cleanup(upgraded.Close)
	b := harness.NewBootstrap(t, upgraded.URL)
	b.AddPolicy(t, "ws", `
project: shop
auth:
  tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]
  from: [{header: authorization, prefix: "Bearer "}, {cookie: session, origins: ["https://app.example"]}]
routes:
  - {match: {methods: [GET], path: "/ws"}, rule: {rule: authenticated}}
`, "")
	whole, listeners := b.Build(t, b.Conf)
	manager := harness.ConnectionManager(listeners[0])
	manager["upgrade_configs"] = []any{map[string]any{"upgrade_type": "websocket"}}
	manager["http2_protocol_options"].(map[string]any)["allow_connect"] = true
	p := harness.Start(t, []byte(harness.JSON(whole)), nil, 1)
	p.Ready(t)
	at := p.Listeners(t)["ws"]

	token := strings.TrimPrefix(harness.Bearer(t, `{"id":"u1"}`)[1], "Bearer ")
	cookie := "cookie: session=" + token
	const websocket = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="
	for name, c := range map[string]struct {
		headers []string
		want    string
	}{
		"the page":                 {[]string{websocket, cookie, "origin: https://app.example"}, "101"},
		"another page":             {[]string{websocket, cookie, "origin: https://evil.example"}, "403"},
		"no page":                  {[]string{websocket, cookie}, "403"},
		"another page, in capital": {[]string{strings.Replace(websocket, "websocket", "WebSocket", 1), cookie, "origin: https://evil.example"}, "403"},
		"another page, a header":   {[]string{websocket, "authorization: Bearer " + token, "origin: https://evil.example"}, "101"},
		"another page reads":       {[]string{cookie, "origin: https://evil.example"}, "200"},
		"no token":                 {[]string{websocket, "origin: https://app.example"}, "401"},
	} {
		if got := status(t, at, c.headers); got != c.want {
			t.Errorf("%s: want %s, found %s", name, c.want, got)
		}
	}
}

// status sends a GET with these headers and returns the response's status. Go's
// client would remove the upgrade.
func status(t *testing.T, at string, headers []string) string {
	t.Helper()
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(harness.RequestTimeout)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nhost: shop.example\r\n%s\r\n\r\n", strings.Join(headers, "\r\n"))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if words := strings.Fields(line); len(words) > 1 {
		return words[1]
	}
	return line
}
