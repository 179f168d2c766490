package edges

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/envoyconf"
)

const (
	matrixLimit = 128 << 10       // the policy's limits
	matrixBelow = 64 << 10        // Envoy's buffer limit below the policy's; the smallest that HTTP/2 allows
	matrixFar   = 3<<20 + 1234567 // more than Envoy reads at once
)

// matrixPolicy has a rule that changes a body and one that only reads it, for
// each direction.
const matrixPolicy = `
limits: {requestBody: 128KiB, responseBody: 128KiB}
routes:
  - {match: {methods: [POST], path: "/change"}, auth: none, rule: {rule: force, field: args.params.by, value: rulegate}}
  - {match: {methods: [POST], path: "/read"}, auth: none, rule: {rule: match, type: string, eval: "==", f1: args.params.secret, f2: SECRET}}
  - {match: {methods: [GET], path: "/change"}, auth: none, rule: {rule: remove, fields: [res.secret]}}
  - {match: {methods: [GET], path: "/read"}, auth: none, rule: {rule: remove, fields: [res.none]}}
`

var (
	matrixProtocols = []string{"HTTP/1.1", "HTTP/2.0"}
	matrixFramings  = []string{"length", "chunked", "trailers"} // over HTTP/2, chunked means without a length
	matrixSizes     = []int{100, matrixLimit, matrixLimit + 1, matrixFar}
	matrixPaths     = []string{"/change", "/read"}
)

// cell is one request of the matrix.
type cell struct {
	client, upstream string // protocols
	framing, path    string
	size             int  // the body's, in bytes
	below            bool // Envoy's buffer limit is below the policy's
}

func (c cell) listener() string {
	name := "matrix-" + strings.ToLower(strings.ReplaceAll(c.upstream, "/", ""))
	if c.below {
		name += "-below"
	}
	return name
}

func (c cell) String() string {
	return fmt.Sprintf("%s to %s%s, %s, %d bytes", c.client, c.upstream, c.path, c.framing, c.size)
}

func (c cell) refused() bool { return c.size > matrixLimit || c.below && c.size > matrixBelow }

// want returns the content-length (-1: none) and the trailer with which a body
// arrives over a protocol. The module gives a body that it changes a length, and
// HTTP/1.1 has no trailers beside a length (RFC 9112, section 7.1.2).
func (c cell) want(proto string, changed int) (length int64, sum string) {
	switch {
	case c.framing == "length":
	case c.framing == "trailers" && (proto == "HTTP/2.0" || c.path == "/read"):
		sum = "7"
	}
	if c.path == "/read" && c.framing != "length" {
		return -1, sum
	}
	return int64(changed), sum
}

// matrixBody returns a JSON object of size bytes with a secret.
func matrixBody(size int) string {
	text := `{"secret":"SECRET","pad":""}`
	return strings.Replace(text, `"pad":"`, `"pad":"`+strings.Repeat("x", size-len(text)), 1)
}

// matrix tests each combination of protocols, framing and size: a body passes
// whole, is changed whole, or is refused whole, as envoy/DEPLOY.md says.
func matrix(t *testing.T, b *harness.Bootstrap, _ *harness.Upstream) func(*testing.T, *harness.Process) {
	m := newMatrixServer(t)
	for _, proto := range matrixProtocols {
		for _, below := range []bool{false, true} {
			name := cell{upstream: proto, below: below}.listener()
			l := b.AddPolicy(t, name, matrixPolicy, "")
			l.Upstream, l.Buffer = "to-"+name, envoyconf.BufferLimit(matrixLimit, matrixLimit)
			if below {
				l.Buffer = matrixBelow
			}
			b.AddCluster(l.Upstream, m.URL)
			b.HTTP1Trailers = append(b.HTTP1Trailers, name)
			if proto == "HTTP/2.0" {
				b.HTTP2 = append(b.HTTP2, l.Upstream)
			} else {
				b.HTTP1Trailers = append(b.HTTP1Trailers, l.Upstream)
			}
		}
	}
	return func(t *testing.T, p *harness.Process) {
		m.proxy = p
		at := p.Listeners(t)
		for _, below := range []bool{false, true} {
			for direction, try := range map[string]func(cell, *testing.T, string, *matrixServer){"requests": cell.request, "responses": cell.response} {
				name := direction
				if below {
					name += " over Envoy's own limit"
				}
				t.Run(name, func(t *testing.T) {
					for _, c := range cells(below) {
						t.Run(c.String(), func(t *testing.T) { try(c, t, at[c.listener()], m) })
					}
				})
			}
		}
		// Envoy reads more than its limit at once and must not answer before the
		// module does.
		t.Run("a response that arrives at once", func(t *testing.T) {
			for _, client := range matrixProtocols {
				c := cell{client: client, upstream: "HTTP/1.1", framing: "at once", path: "/change", size: matrixFar}
				t.Run(c.String(), func(t *testing.T) { c.response(t, at[c.listener()], m) })
			}
		})
	}
}

func cells(below bool) (all []cell) {
	for _, client := range matrixProtocols {
		for _, upstream := range matrixProtocols {
			for _, framing := range matrixFramings {
				for _, path := range matrixPaths {
					for _, size := range matrixSizes {
						all = append(all, cell{client, upstream, framing, path, size, below})
					}
				}
			}
		}
	}
	return all
}

func (c cell) request(t *testing.T, addr string, m *matrixServer) {
	body := matrixBody(c.size)
	a := c.send(t, func() *http.Request {
		// net/http does not know the length of this reader and sends none.
		r, err := http.NewRequest("POST", "http://"+addr+c.path, io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("content-type", "application/json")
		switch c.framing {
		case "length":
			r.ContentLength = int64(c.size)
		case "trailers":
			r.Trailer = http.Header{"X-Sum": {"7"}}
		}
		return r
	})
	got := m.take(t.Name())
	if c.refused() {
		if a.StatusCode != 413 || got != nil {
			t.Errorf("got %d %.100s, and the upstream %v, want 413 and nothing", a.StatusCode, a.body, got)
		}
		return
	}
	if c.path == "/change" {
		body = strings.TrimSuffix(body, "}") + `,"by":"rulegate"}`
	}
	length, sum := c.want(c.upstream, len(body))
	switch {
	case a.StatusCode != 200 || got == nil:
		t.Errorf("got %d %.100s, and the upstream %v, want 200", a.StatusCode, a.body, got)
	case got.err != nil || got.body != body || got.proto != c.upstream:
		t.Errorf("the upstream got %d bytes in %s, %v, want %d in %s", len(got.body), got.proto, got.err, len(body), c.upstream)
	case got.length != length || got.trailer.Get("x-sum") != sum:
		t.Errorf("the upstream got length %d, trailer %q, want %d, %q", got.length, got.trailer.Get("x-sum"), length, sum)
	}
}

func (c cell) response(t *testing.T, addr string, _ *matrixServer) {
	a := c.send(t, func() *http.Request {
		r, err := http.NewRequest("GET", "http://"+addr+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("x-size", strconv.Itoa(c.size))
		r.Header.Set("x-framing", c.framing)
		return r
	})
	if c.refused() {
		// Below the policy's limit, Envoy or the module notices first.
		ok := a.StatusCode == 502 || c.below && a.StatusCode == 500
		if !ok || strings.Contains(a.text(), "SECRET") || strings.Contains(a.text(), "xxx") {
			t.Errorf("got %d %.100s, want 502 and nothing of the upstream's", a.StatusCode, a.body)
		}
		return
	}
	body := matrixBody(c.size)
	if c.path == "/change" {
		body = strings.Replace(body, `"secret":"SECRET",`, "", 1)
	}
	length, sum := c.want(c.client, len(body))
	switch {
	case a.StatusCode != 200 || a.body != body:
		t.Errorf("got %d with %d bytes, want 200 with %d", a.StatusCode, len(a.body), len(body))
	case a.ContentLength != length || a.Trailer.Get("x-sum") != sum:
		t.Errorf("got length %d, trailer %q, want %d, %q", a.ContentLength, a.Trailer.Get("x-sum"), length, sum)
	}
}
