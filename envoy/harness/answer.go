package harness

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// UpstreamResponse is a NAME.answer section: the status, headers and, after an
// empty line, the body of the upstream's response, byte for byte.
type UpstreamResponse struct {
	Status  int
	Headers [][2]string
	Body    string

	// Wire, if not nil, is written to the connection instead of the fields above,
	// piece by piece. Between, if not nil, runs before each piece but the first.
	// Reset closes the connection with a TCP reset.
	Wire    []string
	Between func()
	Reset   bool
}

// writeWire sends bytes that no HTTP server would send.
func (a *UpstreamResponse) writeWire(conn net.Conn) {
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

func parseAnswer(text string) (*UpstreamResponse, error) {
	text, err := Expand(text)
	if err != nil {
		return nil, err
	}
	head, body, _ := strings.Cut(text, "\n\n")
	hl := strings.Split(strings.TrimSuffix(head, "\n"), "\n")
	a := &UpstreamResponse{Body: strings.TrimRight(body, "\n")}
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

func (a *UpstreamResponse) header(name string) (value string, ok bool) {
	for _, h := range a.Headers {
		if h[0] == name {
			return h[1], true
		}
	}
	return "", false
}

// Bodyless reports whether the response has no body: the request was a HEAD, or
// the status is 204 or 304 (RFC 9110, section 6.4.1).
func (a *UpstreamResponse) Bodyless(head bool) bool {
	return head || a.Status == http.StatusNoContent || a.Status == http.StatusNotModified
}

// write sends the response on the hijacked connection, so that net/http does not
// correct it.
func (a *UpstreamResponse) write(w http.ResponseWriter, r *http.Request) {
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
