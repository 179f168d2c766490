package httpfield

import "testing"

func TestProtected(t *testing.T) {
	for _, name := range []string{
		"Connection", "keep-alive", "keep_alive", "proxy-connection", "TE", "trailer", "trailers", "transfer-encoding",
		"upgrade", "HTTP2-Settings", "content-length", "Content_Length", "expect", "host", "proxy-authenticate", "proxy_authorization",
	} {
		if !Protected(name) {
			t.Errorf("%s: may be set", name)
		}
	}
	for _, name := range []string{"", "x-user", "authorization", "content-type", "cookie", "hostx"} {
		if Protected(name) {
			t.Errorf("%s: may not be set", name)
		}
	}
}

func TestIsValue(t *testing.T) {
	for s, want := range map[string]bool{
		"": true, "a b": true, "a\tb": true, "é": true,
		" a": false, "a ": false, "\ta": false, "a\r\nb: c": false, "a\x00": false, "a\x7f": false,
	} {
		if got := IsValue(s); got != want {
			t.Errorf("%q: got %t, want %t", s, got, want)
		}
	}
}

func TestIsAuthority(t *testing.T) {
	for s, want := range map[string]bool{
		"shop.example": true, "shop.example.": true, "shop.example:8443": true, "shop.example:": true, "[::1]:80": true, "[::1]": true, "127.0.0.1": true,
		"": false, ":80": false, ".": false, ".shop.example": false, "shop.example..": false, "shop..example": false, "shop.example:80:80": false, "[shop.example]": false,
		"[::1": false, "::1": false, "[::1]x": false, "[::1%lo]": false, "[127.0.0.1]": false, "shop.example:8a": false, "[]": false, "[": false,
		"a@b": false, "a, b": false, "%61": false, "A": false, "é": false, "a/b": false,
	} {
		if got := IsAuthority(s); got != want {
			t.Errorf("%q: got %t, want %t", s, got, want)
		}
	}
}
