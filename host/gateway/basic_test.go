package gateway

import "testing"

func TestPassesRequestsThrough(t *testing.T) {
	b := start(t, "")
	r := b.do("POST", "/a?b=c", "data")
	if r.code != 200 || r.body != "hello" {
		t.Fatalf("got %d %q %v", r.code, r.body, r.err)
	}
	if s := b.one(); s.Method != "POST" || s.URI != "/a?b=c" || s.Body != "data" || s.Length != 4 {
		t.Errorf("upstream saw %+v", s)
	}
	b.notes.wait(t, "log")
	b.want(
		"request_headers end=false",
		"request_body 4 end=false",
		"request_body 0 end=true",
		"response_headers end=false",
		"response_body 5 end=false",
		"response_body 0 end=true",
		"log")
}
