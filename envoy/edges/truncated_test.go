package edges

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

// maskingPolicy changes and reads responses: an action that always applies, one
// whose field may be missing, a rule, and a route that does neither.
const maskingPolicy = `
project: shop
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
limits: {responseBody: 1KiB}
routes:
  - {match: {path: "/mask"}, rule: {rule: remove, fields: [res.x]}}
  - {match: {path: "/hash"}, rule: {rule: and, clauses: [{rule: remove, fields: [res.x]}, {rule: hash, fields: [res.absent]}]}}
  - {match: {path: "/read"}, rule: {rule: authenticated}, response: {rule: match, type: string, eval: "==", f1: args.res.kept, f2: y}}
  - {match: {path: "/plain"}, rule: {rule: authenticated}}
`

const whole = `{"x":"SECRET","kept":"y"}`

// answers are the upstream's bytes. The module must block those with the wanted
// status 502 or 403.
var answers = map[string]struct {
	wire   []string
	reset  bool
	method string // "": GET
	path   string // "": /mask
	want   int
	body   string // the wanted body; "": not compared
}{
	"a length":                                    {wire: []string{sized(whole, 0)}, want: 200, body: `{"kept":"y"}`},
	"a length, sent in two pieces":                {wire: []string{sized(whole, 0)[:95], sized(whole, 0)[95:]}, want: 200, body: `{"kept":"y"}`},
	"chunks":                                      {wire: []string{chunked + chunk(whole[:9]) + chunk(whole[9:]) + chunk("")}, want: 200, body: `{"kept":"y"}`},
	"chunks and trailers":                         {wire: []string{chunked + chunk(whole) + "0\r\nx-sum: 1\r\n\r\n"}, want: 200, body: `{"kept":"y"}`},
	"a body until the connection ends":            {wire: []string{ok200 + "\r\n" + whole}, want: 200, body: `{"kept":"y"}`},
	"a body shorter than its length":              {wire: []string{sized(whole, 10)}, want: 502},
	"a shorter body, complete JSON":               {wire: []string{sized(whole, 1)}, want: 502},
	"a shorter body, then a reset":                {wire: []string{sized(whole, 10)}, reset: true, want: 502},
	"a length without a body":                     {wire: []string{strings.TrimSuffix(sized(whole, 0), whole)}, want: 502},
	"chunks without the last chunk":               {wire: []string{chunked + chunk(whole)}, want: 502},
	"chunks without the last chunk, then a reset": {wire: []string{chunked + chunk(whole)}, reset: true, want: 502},
	"a truncated chunk":                           {wire: []string{chunked + chunk(whole[:9]), strings.TrimSuffix(chunk(whole[9:]), "y\"}\r\n")}, want: 502},
	"a chunk with an invalid length":              {wire: []string{chunked + chunk(whole) + "SECRET\r\n"}, want: 502},
	"chunks without the last empty line":          {wire: []string{chunked + chunk(whole) + "0\r\n"}, want: 502},
	"truncated headers":                           {wire: []string{ok200 + "x-note: SEC"}, want: 502},
	"no response":                                 {wire: []string{""}, want: 502},
	"a reset before the response":                 {wire: []string{""}, reset: true, want: 502},
	"truncated JSON until the connection ends":    {wire: []string{ok200 + "\r\n" + whole[:20]}, want: 502},
	"two documents":                               {wire: []string{sized(whole+whole, 0)}, want: 502},
	"repeated keys":                               {wire: []string{sized(`{"x":1,"x":"SECRET"}`, 0)}, want: 502},
	"repeated keys, one escaped":                  {wire: []string{sized(`{"x":1,"\u0078":"SECRET"}`, 0)}, want: 502},
	"invalid UTF-8":                               {wire: []string{sized("{\"a\":\"\xff\",\"y\":\"SECRET\"}", 0)}, want: 502},
	"a byte order mark":                           {wire: []string{sized("\ufeff"+whole, 0)}, want: 502},
	"too deep":                                    {wire: []string{sized(strings.Repeat("[", 100)+`"SECRET"`+strings.Repeat("]", 100), 0)}, want: 502},
	"a scalar":                                    {wire: []string{sized(`"SECRET"`, 0)}, want: 502},
	"an element that is not an object":            {wire: []string{sized(`[{"x":1},"SECRET"]`, 0)}, want: 502},
	"nothing to hash":                             {wire: []string{sized(whole, 0)}, path: "/hash", want: 502},
	"something to hash":                           {wire: []string{sized(`{"absent":"a"}`, 0)}, path: "/hash", want: 200, body: `{"absent":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}`},
	"text":                                        {wire: []string{strings.Replace(sized(whole, 0), "application/json", "text/plain", 1)}, want: 502},
	"no content-type":                             {wire: []string{strings.Replace(sized(whole, 0), "content-type: application/json\r\n", "", 1)}, want: 502},
	"UTF-16":                                      {wire: []string{strings.Replace(sized(whole, 0), "json", "json; charset=utf-16", 1)}, want: 502},
	"compressed":                                  {wire: []string{encoded("gzip", gzipped(whole))}, want: 502},
	"not compressed, with content-encoding gzip":  {wire: []string{encoded("gzip", whole)}, want: 502},
	"an unknown content-encoding":                 {wire: []string{encoded("x-secret", whole)}, want: 502},
	"partial content":                             {wire: []string{strings.Replace(sized(whole, 0), "200 OK", "206 Partial Content\r\ncontent-range: bytes 0-24/100", 1)}, want: 502},
	"content-range with status 200":               {wire: []string{strings.Replace(sized(whole, 0), "200 OK", "200 OK\r\ncontent-range: bytes 0-24/100", 1)}, want: 502},
	"too large, with its length":                  {wire: []string{sized(`{"x":"SECRET`+strings.Repeat("x", 2000)+`"}`, 0)}, want: 502},
	"too large, in chunks":                        {wire: []string{chunked + chunk(`{"x":"SECRET`+strings.Repeat("x", 2000)), chunk(`"}`) + chunk("")}, want: 502},
	"a rule denies":                               {wire: []string{sized(`{"x":"SECRET","kept":"n"}`, 0)}, path: "/read", want: 403},
	"a rule allows":                               {wire: []string{sized(`{"kept":"y"}`, 0)}, path: "/read", want: 200, body: `{"kept":"y"}`},
	"a rule on a missing field":                   {wire: []string{sized(`{"x":"SECRET"}`, 0)}, path: "/read", want: 403},
	"a rule reads a truncated body":               {wire: []string{sized(whole, 10)}, path: "/read", want: 502},
	"an error with a JSON body":                   {wire: []string{strings.Replace(sized(whole, 0), "200 OK", "500 Internal Server Error", 1)}, want: 500, body: `{"kept":"y"}`},
	"an error with an HTML body":                  {wire: []string{"HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\nSECRET"}, want: 502},
	"HEAD":                                        {wire: []string{strings.TrimSuffix(sized(whole, 0), whole)}, method: "HEAD", want: 200},
	"204":                                         {wire: []string{"HTTP/1.1 204 No Content\r\n\r\n"}, want: 204},
	"304":                                         {wire: []string{"HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\n\r\n"}, want: 502},
	"early hints, then a body":                    {wire: []string{"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + sized(whole, 0)}, want: 200, body: `{"kept":"y"}`},
}

const (
	ok200   = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\netag: \"1\"\r\n"
	chunked = ok200 + "transfer-encoding: chunked\r\n\r\n"
)

// sized returns a response whose content-length is larger than its body by more.
func sized(body string, more int) string {
	return fmt.Sprintf("%scontent-length: %d\r\n\r\n%s", ok200, len(body)+more, body)
}

func encoded(how, body string) string {
	return strings.Replace(sized(body, 0), "content-length", "content-encoding: "+how+"\r\ncontent-length", 1)
}

func chunk(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

func gzipped(s string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

// truncated tests that a client gets the whole rewritten response or not a byte of
// it, whatever the upstream sends.
func truncated(t *testing.T, b *harness.Bootstrap, up *harness.Upstream) func(*testing.T, *harness.Process) {
	b.AddPolicy(t, "truncated", maskingPolicy, "")
	trailing := harness.TrailersUpstream(t, `{"owner":"u2","x":"SECRET"}`)
	b.AddCluster("trailing", trailing.URL)
	b.HTTP2 = append(b.HTTP2, "trailing")
	b.AddPolicy(t, "trailing-mask", maskingPolicy, "").Upstream = "trailing"
	return func(t *testing.T, p *harness.Process) {
		at := p.Listeners(t)
		t.Run("answers", func(t *testing.T) { runAnswers(t, up, at["truncated"], true) })
		t.Run("trailers of another body", func(t *testing.T) { runDigest(t, at["trailing-mask"]) })
	}
}

func TestTruncatedOnWazero(t *testing.T) {
	up := harness.NewUpstream(t)
	c := &harness.Case{Name: "truncated", Policy: maskingPolicy}
	at := harness.Gateway{Case: c, Module: harness.LoadModule(t), Upstream: up}.Start(t)
	runAnswers(t, up, at, false)
}

func runAnswers(t *testing.T, up *harness.Upstream, at string, envoy bool) {
	token := harness.Bearer(t, `{"id":"u1"}`)
	for name, c := range answers {
		t.Run(name, func(t *testing.T) {
			up.Respond(t.Name(), &harness.UpstreamResponse{Wire: c.wire, Reset: c.reset})
			r := &harness.Request{Method: "GET", Target: "/mask", Headers: [][2]string{token}}
			if c.method != "" {
				r.Method = c.method
			}
			if c.path != "" {
				r.Target = c.path
			}
			conn := dial(t, at)
			raw := &strings.Builder{}
			conn.in = bufio.NewReader(io.TeeReader(conn.Conn, raw))
			conn.say(t, r.Wire(t.Name()))
			resp, err := http.ReadResponse(conn.in, &http.Request{Method: r.Method})
			for err == nil && resp.StatusCode < 200 {
				resp, err = http.ReadResponse(conn.in, &http.Request{Method: r.Method})
			}
			if err != nil {
				t.Fatalf("%v, after %q", err, raw)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Error(err)
			}
			io.Copy(io.Discard, conn.in) // reads the rest into raw
			if strings.Contains(raw.String(), "SECRET") || c.want >= 500 && strings.Contains(raw.String(), "etag") {
				t.Errorf("the client got %q", raw)
			}
			if resp.StatusCode != c.want {
				t.Errorf("want %d, found %d %s", c.want, resp.StatusCode, body)
			}
			if c.body != "" && string(body) != c.body {
				t.Errorf("want %s, found %s", c.body, body)
			}
		})
	}
}

// runDigest tests that a content-digest trailer is removed with a rewritten body.
func runDigest(t *testing.T, at string) {
	client := &http.Client{Transport: &http.Transport{Protocols: harness.HTTP2()}, Timeout: harness.RequestTimeout}
	for path, digest := range map[string]string{"/mask": "", "/plain": "sha-256=:x:"} {
		req := &http.Request{Method: "GET", URL: &url.URL{Scheme: "http", Host: at, Path: path}, Header: http.Header{}}
		token := harness.Bearer(t, `{"id":"u1"}`)
		req.Header.Set(token[0], token[1])
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || resp.Trailer.Get("x-sum") != "1" || resp.Trailer.Get("content-digest") != digest {
			t.Errorf("%s: found %d %s, trailers %v, %v", path, resp.StatusCode, body, resp.Trailer, err)
		}
		if path == "/mask" && string(body) != `{"owner":"u2"}` {
			t.Errorf("%s: found %s", path, body)
		}
	}
}
