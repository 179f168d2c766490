package harness

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Response is a response as the client got it.
type Response struct {
	Status  int
	Headers map[string][]string
	Body    string
}

// RequestTimeout is how long a client waits for a response.
const RequestTimeout = 20 * time.Second

// Send writes a request to a new connection, byte for byte as the case says: a
// client library would correct it. The upstream knows the request by id.
func Send(addr string, r *Request, id string) (*Response, error) {
	conn, err := net.DialTimeout("tcp", addr, RequestTimeout)
	if err != nil {
		return nil, err
	}
	return sendOn(conn, r, id)
}

// SendTLS is Send over TLS, with the request's client certificate.
func SendTLS(addr string, r *Request, id string) (*Response, error) {
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: RequestTimeout}, Config: r.clientTLS()}
	conn, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return sendOn(conn, r, id)
}

func sendOn(conn net.Conn, r *Request, id string) (*Response, error) {
	defer conn.Close() // also if the request does not ask for it
	conn.SetDeadline(time.Now().Add(RequestTimeout))
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
	return &Response{Status: resp.StatusCode, Headers: lowerKeys(resp.Header), Body: string(body)}, nil
}

// Wire returns the request as HTTP/1.1 bytes, with its id in the header RequestID.
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
	if _, named := r.header("connection"); !named {
		b.WriteString("connection: close\r\n")
	}
	b.WriteString("\r\n")
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

// Pairs returns the headers as a proxy passes them to the module: pseudo-headers
// first, and with those that the case leaves out.
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

// Bearer returns an authorization header with a token signed with OwnSecret.
func Bearer(t testing.TB, claims string) [2]string {
	t.Helper()
	jwt, err := SignToken("own", claims, "", false)
	if err != nil {
		t.Fatal(err)
	}
	return [2]string{"authorization", "Bearer " + jwt}
}

// GetWithToken sends GET / with a bearer token and returns the response's status
// and body, or 0 and the error's text.
func GetWithToken(c *http.Client, addr, token string) (int, string) {
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
