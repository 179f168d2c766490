package gateway

import (
	"strings"
	"testing"
)

// pathCases are request targets, and the paths that the module sees of them.
// Those without are refused with 400.
var pathCases = []struct{ asked, seen string }{
	{"/", "/"},
	{"/a/b?c=d", "/a/b?c=d"},
	{"/a/./b", "/a/b"},
	{"/a/../b", "/b"},
	{"/..", "/"},
	{"/../x", "/x"},
	{"/a/..", "/"},
	{"/a/.", "/a/"},
	{"/a/b/../", "/a/"},
	{"/%2e%2e/b", "/b"},
	{"/a/%2E./b", "/b"},
	{"/a/%2e", "/a/"},
	{"/.a", "/.a"},
	{"/a/...", "/a/..."},
	{"/a/..;/b", "/b"},
	{"/a/..;x", "/"},
	{"/a/.;/b", "/a/b"},
	{"/a/%2e%2e;/b", "/a/..;/b"},
	{"/a;x/../b", "/b"},
	{"/a;b=c/d", "/a;b=c/d"},
	{`/a\b`, "/a/b"},
	{`/a\..\b`, "/b"},
	{"/a//b", "/a/b"},
	{"//a", "/a"},
	{"///", "//"},
	{"/a//../b", "/a/b"},
	{"/a/..//b", "/b"},
	{"/%41%7e%2D%5f", "/A~-_"},
	{"/a%2eb", "/a.b"},
	{"/a%20b%3ac", "/a%20b%3ac"},
	{"/a%E9%e9", "/a%E9%e9"},
	{"/a%252fb", "/a%252fb"},
	{`/"<>^{|}` + "`", "/%22%3C%3E%5E%7B%7C%7D%60"},
	{"/!$&'()*+,:=@[]", "/!$&'()*+,:=@[]"},
	{"/a?x=%2f/../%41", "/a?x=%2f/../%41"},
	{"/a??b", "/a??b"},
	{"/a?", "/a?"},
	{"http://other/p?x", "/p?x"},
	{"http://other", "/"},
	{"/a%2fb", ""},
	{"/a%2Fb", ""},
	{"/a%5cb", ""},
	{"/a/%2e%2e%2fb", ""},
	{"/a%00b", ""},
	{"/a#b", ""},
	{"/a?b#c", ""},
	{"/\xc3\xa9", ""},
	{"*", ""},
}

const pathScript = "request_headers: show :path; reply 204"

func TestPaths(t *testing.T) { tryPaths(start(t, pathScript)) }

// Envoy does not refuse malformed escapes.
func TestMalformedEscapesAreRefused(t *testing.T) {
	for _, path := range []string{"/%", "/%2", "/%zz", "/%4", "/a%", "/%g0"} {
		if got, ok := (PathOptions{}).clean(path); ok {
			t.Errorf("%q passes as %q", path, got)
		}
	}
}

func tryPaths(b *testbed) {
	for _, c := range pathCases {
		b.notes.reset()
		r := b.raw("GET " + c.asked + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if c.seen == "" {
			if r.code != 400 {
				b.t.Errorf("%q: got %d %v, want 400", c.asked, r.code, r.err)
			}
			continue
		}
		b.notes.wait(b.t, "log")
		want := `:path "` + c.seen + `" <nil>`
		if r.code != 204 || !b.notes.has(want) {
			b.t.Errorf("%q: got %d %v, trace:\n%s\nwant %s", c.asked, r.code, r.err, strings.Join(b.notes.all(), "\n"), want)
		}
	}
}

func TestPathOptionsLeaveOutNormalization(t *testing.T) {
	for _, c := range []struct {
		name   string
		o      PathOptions
		target string
	}{
		{"as written", PathOptions{KeepAsWritten: true}, "/a/../%41"},
		{"slashes", PathOptions{KeepSlashes: true}, "/a//b"},
		{"escaped slashes", PathOptions{AllowEscapedSlashes: true}, "/a%2fb"},
		{"fragment", PathOptions{AllowFragment: true}, "/a?b#c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := c.o.clean(c.target); !ok || got != c.target {
				t.Errorf("got %q %t, want it unchanged", got, ok)
			}
			if got, ok := (PathOptions{}).clean(c.target); ok && got == c.target {
				t.Errorf("unchanged without the option too")
			}
		})
	}
}

func FuzzPath(f *testing.F) {
	for _, c := range pathCases {
		f.Add(c.asked)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, ok := PathOptions{}.clean(s)
		if !ok {
			return
		}
		path, _, _ := strings.Cut(once, "?")
		for _, seg := range strings.Split(path[1:], "/") {
			if seg == "." || seg == ".." {
				t.Errorf("%q: %q has a dot segment", s, once)
			}
		}
	})
}
