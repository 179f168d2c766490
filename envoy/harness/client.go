package harness

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Answer is what a client got.
type Answer struct {
	Status  int
	Headers map[string][]string
	Body    string
}

// AnswerWithin ends a request that hangs: no runner may wait longer.
const AnswerWithin = 20 * time.Second

// Send writes a request on a connection of its own, byte for byte as the case
// says: no client library gets to correct it.
func Send(addr string, r *Request, id string) (*Answer, error) {
	conn, err := net.DialTimeout("tcp", addr, AnswerWithin)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(AnswerWithin))
	if _, err := io.WriteString(conn, r.Wire(id)); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.Method})
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("answer's body: %w", err)
	}
	return &Answer{Status: resp.StatusCode, Headers: lowerKeys(resp.Header), Body: string(body)}, nil
}

// Wire is the request as HTTP/1.1 with an id to know it by.
func (r *Request) Wire(id string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, r.Target)
	for _, h := range r.Pairs(id) {
		switch {
		case h[0] == ":authority":
			fmt.Fprintf(&b, "host: %s\r\n", h[1])
		case h[0][0] != ':':
			fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
		}
	}
	b.WriteString("connection: close\r\n\r\n")
	if _, chunked := r.header("transfer-encoding"); chunked {
		half := len(r.Body) / 2
		for _, part := range []string{r.Body[:half], r.Body[half:]} {
			if part != "" {
				fmt.Fprintf(&b, "%x\r\n%s\r\n", len(part), part)
			}
		}
		b.WriteString("0\r\n\r\n")
	} else {
		b.WriteString(r.Body)
	}
	return b.String()
}

// Pairs are the headers as a proxy sees them, pseudo-headers first, completed
// by those that a case leaves out.
func (r *Request) Pairs(id string) [][2]string {
	host, named := r.header("host")
	if !named {
		host = "shop.example"
	}
	ps := [][2]string{{":method", r.Method}, {":path", r.Target}, {":authority", host}, {":scheme", "http"}}
	for _, h := range r.Headers {
		if h[0] != "host" {
			ps = append(ps, h)
		}
	}
	_, sized := r.header("content-length")
	_, chunked := r.header("transfer-encoding")
	if r.Body != "" && !sized && !chunked {
		ps = append(ps, [2]string{"content-length", fmt.Sprint(len(r.Body))})
	}
	return append(ps, [2]string{RequestID, id})
}

func (r *Request) header(name string) (string, bool) {
	for _, h := range r.Headers {
		if h[0] == name {
			return h[1], true
		}
	}
	return "", false
}

// Bearer is the header with a token of the cases' own secret.
func Bearer(t testing.TB, claims string) [2]string {
	t.Helper()
	jwt, err := SignToken("own", claims, "", false)
	if err != nil {
		t.Fatal(err)
	}
	return [2]string{"authorization", "Bearer " + jwt}
}

// AskWithToken sends a token and gives the answer's status, 0 for none.
func AskWithToken(c *http.Client, addr, token string) (int, string) {
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/", nil)
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("authorization", "Bearer "+token)
	resp, err := c.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}
