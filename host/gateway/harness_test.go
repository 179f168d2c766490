package gateway

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is testdata/script, compiled for the first test that uses it.
var script = lazyModule("script")

// lazyModule builds and compiles testdata/<name> once.
func lazyModule(name string) func() (compiled, error) {
	return sync.OnceValues(func() (compiled, error) {
		dir, err := os.MkdirTemp("", "gateway")
		if err != nil {
			return compiled{}, err
		}
		defer os.RemoveAll(dir)
		wasm, err := build(dir, name)
		if err != nil {
			return compiled{}, err
		}
		m, err := Load(context.Background(), wasm)
		return compiled{m, wasm}, err
	})
}

type compiled struct {
	*Module
	wasm []byte
}

// must fails the test if the module does not build.
func must(t testing.TB, load func() (compiled, error)) compiled {
	t.Helper()
	m, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// build compiles testdata/<name> as users build their modules.
func build(dir, name string) ([]byte, error) {
	file := filepath.Join(dir, name+".wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", file, "./testdata/"+name)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build testdata/%s: %w\n%s", name, err, out)
	}
	return os.ReadFile(file)
}

// notes collects log lines: the module's trace, and the gateway's own.
type notes struct {
	slog.Handler
	mu    sync.Mutex
	lines []string
	own   []string // the gateway's own lines
}

func (n *notes) Enabled(context.Context, slog.Level) bool { return true }
func (n *notes) WithAttrs([]slog.Attr) slog.Handler       { return n }
func (n *notes) WithGroup(string) slog.Handler            { return n }
func (n *notes) Handle(_ context.Context, r slog.Record) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	line, isNote := strings.CutPrefix(r.Message, "note ")
	fromModule := false
	r.Attrs(func(a slog.Attr) bool { fromModule = fromModule || a.Key == "from"; return true })
	switch {
	case isNote:
		n.lines = append(n.lines, line)
	case fromModule:
		n.lines = append(n.lines, r.Level.String()+" "+r.Message)
	default:
		n.own = append(n.own, r.Message)
	}
	return nil
}

func (n *notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lines)
}

// hasOwn reports whether the gateway itself logged a line.
func (n *notes) hasOwn(line string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Contains(n.own, line)
}

func (n *notes) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = nil
}

func (n *notes) has(line string) bool { return slices.Contains(n.all(), line) }

// lockedText is the output of a process.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait waits for a line.
func (n *notes) wait(t *testing.T, line string) {
	t.Helper()
	until(t, func() bool { return n.has(line) }, func() string { return fmt.Sprintf("no %q in\n%s", line, strings.Join(n.all(), "\n")) })
}

// until polls until ok, for as long as a slow machine may need.
func until(t *testing.T, ok func() bool, message func() string) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(message())
		}
	}
}

// seen is a request as it reached the upstream.
type seen struct {
	Method, URI, Host, Body string
	Header, Trailer         http.Header
	Length                  int64
}

// testbed is a gateway with its server and an upstream.
type testbed struct {
	*Gateway
	t        *testing.T
	notes    *notes
	url      string
	addr     string
	mu       sync.Mutex
	requests []seen
	respond  http.HandlerFunc // the upstream's; nil: hello
	records  []Record
	expected []string // a scenario's trace
}

// start runs a gateway with a script. The upstream sends "hello" unless the test
// sets respond.
func start(t *testing.T, text string, change ...func(*Config)) *testbed {
	t.Helper()
	b := prepare(t)
	cfg := b.config(text)
	for _, f := range change {
		f(&cfg)
	}
	g, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.Gateway = g
	srv := httptest.NewUnstartedServer(g)
	srv.Config = g.Server()
	srv.Start()
	b.url, b.addr = srv.URL, srv.Listener.Addr().String()
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			t.Error("close:", err)
		}
	})
	b.notes.reset()
	return b
}

func prepare(t *testing.T) *testbed {
	return &testbed{t: t, notes: &notes{}}
}

func (b *testbed) config(text string) Config {
	up := httptest.NewServer(http.HandlerFunc(b.upstream))
	b.t.Cleanup(up.Close)
	u, _ := url.Parse(up.URL)
	return Config{
		Module: must(b.t, script).Module, PluginConfig: []byte(text), VMs: 1,
		Upstream:                    Cluster{URL: u},
		AllowOnHeadersStopIteration: true,
		StreamIdleTimeout:           20 * time.Second,
		Log:                         slog.New(b.notes),
		Access: func(r Record) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.records = append(b.records, r)
		},
	}
}

func (b *testbed) upstream(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	b.requests = append(b.requests, seen{r.Method, r.RequestURI, r.Host, string(body), r.Header, r.Trailer, r.ContentLength})
	respond := b.respond
	b.mu.Unlock()
	// A body with a length ends for the upstream before the module is told of its end.
	b.shown("request_body", math.MaxInt)
	if respond != nil {
		respond(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/x")
	_, _ = io.WriteString(w, "hello")
}

func (b *testbed) upstreamSaw() []seen {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

func (b *testbed) accessed() []Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.records)
}

// one returns the only request that reached the upstream.
func (b *testbed) one() seen {
	b.t.Helper()
	all := b.upstreamSaw()
	if len(all) != 1 {
		b.t.Fatalf("the upstream saw %d requests, want 1", len(all))
	}
	return all[0]
}

type reply struct {
	code    int
	body    string
	header  http.Header
	trailer http.Header
	err     error
}

// do sends a request of method, path, body and headers.
func (b *testbed) do(method, path, body string, headers ...string) reply {
	b.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, b.url+path, r)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	return b.send(http.DefaultTransport, req)
}

func (b *testbed) send(t http.RoundTripper, req *http.Request) reply {
	resp, err := t.RoundTrip(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, string(text), resp.Header, resp.Trailer, err}
}

// raw sends bytes over a connection and reads one response.
func (b *testbed) raw(text string) reply {
	b.t.Helper()
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		return reply{err: err}
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	var out bytes.Buffer
	_, err = out.ReadFrom(resp.Body)
	return reply{resp.StatusCode, out.String(), resp.Header, resp.Trailer, err}
}

// http2 is a transport for cleartext HTTP/2.
func http2(t *testing.T) *http.Transport {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: p, DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// want compares the module's trace with lines; a last line of `...` allows more.
func (b *testbed) want(lines ...string) {
	b.t.Helper()
	got := b.notes.all()
	if n := len(lines); n > 0 && lines[n-1] == "..." {
		lines = lines[:n-1]
		got = got[:min(len(got), len(lines))]
	}
	if !slices.Equal(got, lines) {
		b.t.Errorf("trace:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}
