package harness

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// UpstreamAnswer is NAME.answer: the status, headers and, after an empty line,
// the body that the upstream answers with, byte for byte.
type UpstreamAnswer struct {
	Status  int
	Headers [][2]string
	Body    string

	// Wire, where there is any, is written in place of all of it: piece by piece,
	// with a call of Between before each but the first. Reset ends the connection
	// with a reset.
	Wire    []string
	Between func()
	Reset   bool
}

// writeWire is for answers that no server would give.
func (a *UpstreamAnswer) writeWire(conn net.Conn) {
	for i, piece := range a.Wire {
		if i > 0 && a.Between != nil {
			a.Between()
		}
		if _, err := conn.Write([]byte(piece)); err != nil {
			return
		}
	}
	if tcp, ok := conn.(*net.TCPConn); ok && a.Reset {
		tcp.SetLinger(0)
	}
}

func parseAnswer(text string) (*UpstreamAnswer, error) {
	text, err := Expand(text)
	if err != nil {
		return nil, err
	}
	head, body, _ := strings.Cut(text, "\n\n")
	hl := strings.Split(strings.TrimSuffix(head, "\n"), "\n")
	a := &UpstreamAnswer{Body: strings.TrimRight(body, "\n")}
	if a.Status, err = strconv.Atoi(hl[0]); err != nil {
		return nil, fmt.Errorf("want a status, found %q", hl[0])
	}
	for _, l := range hl[1:] {
		name, value, ok := strings.Cut(l, ": ")
		if !ok {
			return nil, fmt.Errorf("want a header, found %q", l)
		}
		a.Headers = append(a.Headers, [2]string{strings.ToLower(name), value})
	}
	return a, nil
}

func (a *UpstreamAnswer) header(name string) (value string, ok bool) {
	for _, h := range a.Headers {
		if h[0] == name {
			return h[1], true
		}
	}
	return "", false
}

// Bodyless is whether HTTP has no room for a body (RFC 9110, section 6.4.1).
func (a *UpstreamAnswer) Bodyless(head bool) bool {
	return head || a.Status == http.StatusNoContent || a.Status == http.StatusNotModified
}

// write sends the answer on the connection itself: no server gets to correct it.
func (a *UpstreamAnswer) write(w http.ResponseWriter, r *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	if a.Wire != nil {
		a.writeWire(conn)
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nconnection: close\r\n", a.Status, http.StatusText(a.Status))
	for _, h := range a.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	_, chunked := a.header("transfer-encoding")
	switch _, sized := a.header("content-length"); {
	case a.Bodyless(r.Method == http.MethodHead):
		b.WriteString("\r\n")
	case chunked:
		half := len(a.Body) / 2
		fmt.Fprintf(&b, "\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half, a.Body[:half], len(a.Body)-half, a.Body[half:])
	case sized:
		b.WriteString("\r\n" + a.Body)
	default:
		fmt.Fprintf(&b, "content-length: %d\r\n\r\n%s", len(a.Body), a.Body)
	}
	if _, err := conn.Write([]byte(b.String())); err != nil {
		panic(http.ErrAbortHandler)
	}
}
