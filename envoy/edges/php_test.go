package edges

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// startPHP starts php-cgi as a FastCGI server and a web server before it that runs
// one script for all requests.
func startPHP(t *testing.T, script string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	cmd := exec.Command("php-cgi")
	cmd.Stdin = socket // FastCGI's listening socket is descriptor 0
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "PHP_FCGI_MAX_REQUESTS=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	server := httptest.NewServer(&fastCGI{addr: l.Addr().String(), script: script})
	t.Cleanup(server.Close)
	return server.URL
}

// fastCGI passes requests to a FastCGI server.
type fastCGI struct{ addr, script string }

func (f *fastCGI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	out, err := f.run(f.params(r, len(body)), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	in := bufio.NewReader(strings.NewReader(out))
	headers, err := textproto.NewReader(in).ReadMIMEHeader()
	if err != nil {
		http.Error(w, fmt.Sprintf("%v in %s", err, out), http.StatusBadGateway)
		return
	}
	status := http.StatusOK
	if s := headers.Get("status"); s != "" {
		status, _ = strconv.Atoi(s[:3])
	}
	for name, values := range headers {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	io.Copy(w, in)
}

// params returns the CGI variables of a request (RFC 3875, section 4.1).
func (f *fastCGI) params(r *http.Request, length int) [][2]string {
	params := [][2]string{
		{"SCRIPT_FILENAME", f.script}, {"REQUEST_METHOD", r.Method}, {"QUERY_STRING", r.URL.RawQuery}, {"REQUEST_URI", r.RequestURI},
		{"CONTENT_TYPE", strings.Join(r.Header["Content-Type"], ", ")}, {"CONTENT_LENGTH", strconv.Itoa(length)}, {"SERVER_PROTOCOL", "HTTP/1.1"}, {"GATEWAY_INTERFACE", "CGI/1.1"},
	}
	// The order that is worst for x-role: x_role replaces it, as both are HTTP_X_ROLE
	// here; HTTP_X.ROLE wins if it comes first, as PHP registers the last one first.
	names := slices.Sorted(maps.Keys(r.Header))
	slices.SortStableFunc(names, func(a, b string) int { return strings.Count(b, ".") - strings.Count(a, ".") })
	for _, name := range names {
		params = append(params, [2]string{"HTTP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")), strings.Join(r.Header[name], ", ")})
	}
	return params
}

// run sends one request on a connection of its own and returns the script's output.
func (f *fastCGI) run(params [][2]string, body []byte) (string, error) {
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	var named []byte
	for _, p := range params {
		for _, s := range p {
			named = binary.BigEndian.AppendUint32(named, uint32(len(s))|1<<31)
		}
		named = append(append(named, p[0]...), p[1]...)
	}
	const begin, end, paramsType, stdin, stdout, responder = 1, 3, 4, 5, 6, 1
	w := bufio.NewWriter(conn)
	record := func(kind byte, content []byte) {
		w.Write([]byte{1, kind, 0, 1, byte(len(content) >> 8), byte(len(content)), 0, 0})
		w.Write(content)
	}
	record(begin, []byte{0, responder, 0, 0, 0, 0, 0, 0})
	record(paramsType, named)
	record(paramsType, nil)
	if len(body) > 0 {
		record(stdin, body)
	}
	record(stdin, nil)
	if err := w.Flush(); err != nil {
		return "", err
	}
	var out strings.Builder
	for {
		var head [8]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return "", err
		}
		content := make([]byte, int(head[4])<<8+int(head[5])+int(head[6]))
		if _, err := io.ReadFull(conn, content); err != nil {
			return "", err
		}
		switch head[1] {
		case stdout:
			out.Write(content[:len(content)-int(head[6])])
		case end:
			return out.String(), nil
		}
	}
}
