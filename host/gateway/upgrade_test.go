package gateway

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// echo is an upstream that sends back each message of a WebSocket.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, data, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, data) != nil {
			return
		}
	}
}

func (b *testbed) socket(ctx context.Context) *websocket.Conn {
	b.t.Helper()
	c, _, err := websocket.Dial(ctx, "ws://"+b.addr+"/socket", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.CloseNow() })
	return c
}

// Messages go both ways at once, and each side may close the WebSocket.
func TestAWebSocketIsPassedOn(t *testing.T) {
	b := start(t, "")
	b.respond = echo
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for range 8 {
		c := b.socket(ctx)
		all.Go(func() {
			const messages = 200
			go func() {
				for range messages {
					_ = c.Write(ctx, websocket.MessageText, []byte(strings.Repeat("x", 5000)))
				}
			}()
			for range messages {
				if _, data, err := c.Read(ctx); err != nil || len(data) != 5000 {
					t.Errorf("a message of %d bytes, %v", len(data), err)
					return
				}
			}
			if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	until(t, func() bool { return len(b.accessed()) == 8 }, func() string { return "a closed WebSocket is not logged" })
	if r := b.accessed()[0]; r.Status != 101 || r.Flags != "" {
		t.Errorf("%+v", r)
	}
}

// An open WebSocket does not keep the gateway from ending, and ends with it.
func TestCloseEndsWebSockets(t *testing.T) {
	b := start(t, "")
	b.respond = echo
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := b.socket(ctx)
	if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := c.Read(ctx); string(data) != "hello" {
		t.Fatalf("%q %v", data, err)
	}
	short, stop := context.WithTimeout(ctx, 100*time.Millisecond)
	defer stop()
	if err := b.Close(short); err == nil {
		t.Error("Close does not say that a WebSocket was open")
	}
	if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the WebSocket is still open: %v", err)
	}
}
