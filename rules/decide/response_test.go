package decide_test

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/decide"
)

const hideSecret = `{"rule": "remove", "fields": ["res.secret"]}`

// masked returns the Response to a request whose rule rewrites the response.
func masked(t *testing.T, p parts, method string) *decide.Response {
	t.Helper()
	g, pol := p.load(t)
	req, _ := request(tokens(t, pol).Replace(method + " /x\nauthorization: Bearer {alice}\naccept-encoding: gzip"))
	req.end = true
	_, step := req.begin(g)
	if step.Action != decide.Continue || step.Response == nil {
		t.Fatalf("got %+v", step)
	}
	if !strings.Contains(strings.Join(step.Changes.RemoveHeaders, " "), "accept-encoding") {
		t.Error("accept-encoding goes upstream, and a compressed body could come back")
	}
	return step.Response
}

func TestResponse(t *testing.T) {
	for _, tt := range []struct {
		name, method, headers, body string
		end                         bool
		want                        string // "": blocked
	}{
		{name: "JSON", headers: ":status 200\ncontent-type application/json\netag \"x\"", body: `{"secret":1,"b":2}`, want: `{"b":2}`},
		{name: "JSON of another kind", headers: ":status 200\ncontent-type application/problem+json; charset=UTF-8", body: `{"secret":1}`, want: `{}`},
		{name: "nothing to hide", headers: ":status 404\ncontent-type application/json", body: `{ "b":2 }`, want: `{ "b":2 }`},
		{name: "HTML", headers: ":status 200\ncontent-type text/html", body: `<b>secret</b>`},
		{name: "no type", headers: ":status 200", body: `{"secret":1}`},
		{name: "two types", headers: ":status 200\ncontent-type application/json\ncontent-type text/html", body: `{"secret":1}`},
		{name: "another charset", headers: ":status 200\ncontent-type application/json; charset=utf-16", body: `{"secret":1}`},
		{name: "not JSON after all", headers: ":status 200\ncontent-type application/json", body: `{"secret":1`},
		{name: "repeated keys", headers: ":status 200\ncontent-type application/json", body: `{"secret":1,"b":1,"b":2}`},
		{name: "an odd element", headers: ":status 200\ncontent-type application/json", body: `[{"secret":1},"secret"]`},
		{name: "compressed", headers: ":status 200\ncontent-type application/json\ncontent-encoding gzip", body: `{"secret":1}`},
		{name: "a part", headers: ":status 206\ncontent-type application/json", body: `{"secret":1}`},
		{name: "a part of a 200", headers: ":status 200\ncontent-type application/json\ncontent-range bytes 0-1/2", body: `{"secret":1}`},
		{name: "an upgrade", headers: ":status 101", body: ``},
		{name: "no status", headers: "content-type application/json", body: `{"secret":1}`},
		{name: "announced too large", headers: ":status 200\ncontent-type application/json\ncontent-length 4194305", body: `{"secret":1}`},
		{name: "two lengths", headers: ":status 200\ncontent-type application/json\ncontent-length 4\ncontent-length 5", body: `{"secret":1}`},
		{name: "grown too large", headers: ":status 200\ncontent-type application/json", body: `{"secret":"` + strings.Repeat("x", 4<<20) + `"}`},
		{name: "null", headers: ":status 200\ncontent-type application/json", body: `null`, want: `null`},
		{name: "204", headers: ":status 204", end: true, want: "as it is"},
		{name: "304, without being asked for it", headers: ":status 304\ncontent-type text/html", end: true},
		{name: "no body", headers: ":status 200\ncontent-type text/html", end: true, want: "as it is"},
		{name: "an empty one", headers: ":status 200\ncontent-type text/html\ncontent-length 0", want: "as it is"},
		{name: "HEAD", method: "HEAD", headers: ":status 200\ncontent-type text/html\ncontent-length 5000000", want: "as it is"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			method := "GET"
			if tt.method != "" {
				method = tt.method
			}
			m := masked(t, route(hideSecret), method)
			var headers [][2]string
			for _, line := range strings.Split(tt.headers, "\n") {
				name, value, _ := strings.Cut(line, " ")
				headers = append(headers, [2]string{name, value})
			}
			step, got := m.Headers(headers, tt.end), "as it is"
			if step.Action == decide.AwaitBody {
				step, got = m.Body(tt.body), tt.body
			}
			if step.Action == decide.Continue && step.Changes.Body != nil {
				got = *step.Changes.Body
				if len(step.Changes.SetHeaders) != 1 || (len(step.Changes.RemoveHeaders) == 1) != strings.Contains(tt.headers, "etag") {
					t.Errorf("headers of another body: %+v", step.Changes)
				}
			}
			switch {
			case tt.want == "" && (step.Action != decide.Refuse || step.Refusal.Status != 502 || strings.Contains(step.Refusal.Body, "secret")):
				t.Errorf("got %+v, want it blocked", step)
			case tt.want != "" && (step.Action != decide.Continue || got != tt.want):
				t.Errorf("got %v %q (%s), want %q", step.Action, got, step.Refusal.Reason, tt.want)
			}
		})
	}
}

// If no action applies, the response passes unread.
func TestNoResponseToDecide(t *testing.T) {
	g, pol := route(`{"rule": "or", "clauses": [{"rule": "and", "clauses": [` + hideSecret + `, {"rule": "deny"}]}, {"rule": "authenticated"}]}`).load(t)
	req, _ := request(tokens(t, pol).Replace("GET /x\nauthorization: Bearer {alice}\naccept-encoding: gzip"))
	req.end = true
	if _, step := req.begin(g); step.Action != decide.Continue || step.Response != nil || len(step.Changes.RemoveHeaders) > 0 {
		t.Errorf("got %+v", step)
	}
}

// TestBodyTrailers: a field that describes the body goes, wherever in its name the part
// is that tells so.
func TestBodyTrailers(t *testing.T) {
	for name, describes := range map[string]bool{
		"etag": true, "Last-Modified": true, "content-digest": true, "digest": true, "x-digest-of": true, "x-amz-checksum-crc32": true,
		"content-md5": true, "md5": true, "x-body-sha1": true, "x-sha256": true, "x-sha512-of": true, "accept-ranges": true, "x-goog-hash": true,
		"": false, "d": false, "content-diges": false, "checksu": false, "x-md": false, "sha1": false, "x-sha": false, "x-sha384": false, "grpc-status": false, "-": false,
	} {
		if got := decide.BodyTrailers([][2]string{{name, "x"}}); (len(got) == 1) != describes || describes && got[0] != strings.ToLower(name) {
			t.Errorf("%q: got %q, want %t", name, got, describes)
		}
	}
}
