package edges

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// streams tests gRPC and WebSockets: a rule on the headers decides and the stream
// flows unbuffered; a rule that reads the body refuses it.
func streams(t *testing.T, b *harness.Bootstrap, _ *harness.Upstream) func(*testing.T, *harness.Process) {
	echo := httptest.NewUnstartedServer(http.HandlerFunc(echoMessages))
	echo.Config.Protocols = harness.HTTP2()
	echo.Start()
	t.Cleanup(echo.Close)
	b.AddCluster("echo", echo.URL)
	b.HTTP2 = append(b.HTTP2, "echo")
	b.AddPolicy(t, "grpc", edgesPolicy, "").Upstream = "echo"

	sockets := newSwitching(t)
	b.AddCluster("sockets", "http://"+sockets.addr)
	for _, name := range []string{"upgrades", "no upgrades"} {
		b.AddPolicy(t, name, edgesPolicy, "").Upstream = "sockets"
	}
	b.Alter["no upgrades"] = func(manager map[string]any) { delete(manager, "upgrade_configs") }
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		t.Run("gRPC", func(t *testing.T) { runGRPC(t, at["grpc"]) })
		t.Run("upgrades", func(t *testing.T) { runUpgrades(t, at, sockets) })
	}
}

// echoMessages sends back each piece of the body as it comes, and ends with the
// trailer grpc-status.
func echoMessages(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("content-type", r.Header.Get("content-type"))
	w.Header().Set("trailer", "grpc-status")
	flush := http.NewResponseController(w).Flush
	piece := make([]byte, 1024)
	for err := flush(); err == nil; {
		var n int
		if n, err = r.Body.Read(piece); n > 0 {
			w.Write(piece[:n])
			flush()
		}
	}
	w.Header().Set("grpc-status", "0")
}

// message returns a gRPC message: a byte for "not compressed", the length, the text.
func message(text string) string { return "\x00\x00\x00\x00" + string(rune(len(text))) + text }

func runGRPC(t *testing.T, at string) {
	client := &http.Client{Transport: &http.Transport{Protocols: harness.HTTP2()}, Timeout: harness.RequestTimeout}
	for name, c := range map[string]struct {
		path, id, kind string
		status         string // the wanted grpc-status
		message        string // and grpc-message
	}{
		"a rule on the metadata":         {"/claims", "u1", "application/grpc", "0", ""},
		"a rule on the metadata, with +": {"/claims", "u1", "application/grpc+proto", "0", ""},
		"a rule on the metadata says no": {"/claims", "u2", "application/grpc", "7", "not allowed"},                  // permission denied
		"no token":                       {"/claims", "", "application/grpc", "16", "a valid token is needed"},       // unauthenticated
		"a rule on the body":             {"/body", "u1", "application/grpc", "2", "the body's type cannot be read"}, // 415 is unknown to gRPC
		"a rule on the body, +json":      {"/body", "u1", "application/grpc+json", "2", "the body's type cannot be read"},
		"an action on the response":      {"/mask", "u1", "application/grpc", "14", "the response cannot be given"}, // 502 is unavailable
		"a path that no route covers":    {"/nowhere", "u1", "application/grpc", "7", "not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			body, say := io.Pipe()
			defer say.Close()
			req, err := http.NewRequest("POST", "http://"+at+c.path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("content-type", c.kind)
			req.Header.Set("te", "trailers")
			if c.id != "" {
				token := harness.Bearer(t, fmt.Sprintf(`{"id":%q}`, c.id))
				req.Header.Set(token[0], token[1])
			}
			go func() {
				io.WriteString(say, message("one"))
				if c.status != "0" {
					say.Close()
				}
			}()
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if c.status == "0" {
				// The reply to one message comes before the next is sent.
				for _, m := range []string{"one", "two"} {
					got := make([]byte, len(message(m)))
					if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != message(m) {
						t.Fatalf("want %q, found %q, %v", message(m), got, err)
					}
					if m == "one" {
						io.WriteString(say, message("two"))
					}
				}
				say.Close()
			}
			rest, err := io.ReadAll(resp.Body)
			if err != nil || c.status != "0" && len(rest) > 0 {
				t.Errorf("found %q, %v", rest, err)
			}
			status := resp.Trailer.Get("grpc-status") + resp.Header.Get("grpc-status")
			if message := resp.Trailer.Get("grpc-message") + resp.Header.Get("grpc-message"); message != c.message {
				t.Errorf("want grpc-message %q, found %q", c.message, message)
			}
			if status != c.status {
				t.Errorf("want grpc-status %s, found %s: %d %v", c.status, status, resp.StatusCode, resp.Header)
			}
		})
	}
}

// switching is an upstream that switches protocols and then echoes all bytes.
type switching struct {
	addr string
	got  chan string // request lines
}

func newSwitching(t *testing.T) *switching {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &switching{addr: l.Addr().String(), got: make(chan string, 100)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

func (s *switching) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	s.got <- r.Method + " " + r.URL.Path
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-note: SECRET\r\n\r\n")
	if r.URL.Path == "/mask" {
		io.WriteString(conn, "SECRET")
	}
	io.Copy(conn, in)
}

func runUpgrades(t *testing.T, at map[string]string, s *switching) {
	for name, c := range map[string]struct {
		listener, path, id string
		want               int
		reached            bool
	}{
		"a rule on the metadata":         {"upgrades", "/claims", "u1", 101, true},
		"a rule on the metadata says no": {"upgrades", "/claims", "u2", 403, false},
		"a rule on the body":             {"upgrades", "/body", "u1", 415, false},
		"an action on the response":      {"upgrades", "/mask", "u1", 502, true},
		"a listener without upgrades":    {"no upgrades", "/claims", "u1", 403, false},
	} {
		t.Run(name, func(t *testing.T) {
			token := harness.Bearer(t, fmt.Sprintf(`{"id":%q}`, c.id))
			conn := dial(t, at[c.listener])
			heard := &strings.Builder{}
			conn.in = bufio.NewReader(io.TeeReader(conn.Conn, heard))
			conn.say(t, fmt.Sprintf("GET %s HTTP/1.1\r\nhost: shop.example\r\n%s: %s\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
				c.path, token[0], token[1]))
			resp, err := http.ReadResponse(conn.in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.want {
				t.Errorf("want %d, found %d", c.want, resp.StatusCode)
			}
			if c.want == 101 {
				conn.say(t, "ping")
				got := make([]byte, 4)
				if _, err := io.ReadFull(conn.in, got); err != nil || string(got) != "ping" {
					t.Errorf("found %q, %v", got, err)
				}
			} else if strings.Contains(heard.String(), "SECRET") {
				t.Errorf("the client got %s", heard)
			}
			reached := false
			select {
			case <-s.got:
				reached = true
			default:
			}
			if reached != c.reached {
				t.Errorf("the upstream was reached: %v", reached)
			}
		})
	}
}
