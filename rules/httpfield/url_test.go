package httpfield

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzParseURL compares with net/url.
func FuzzParseURL(f *testing.F) {
	for _, text := range []string{
		"", "/x", "http://h", "https://H.example:8443/a/b?c=d&e#f", "HTTP://h/", "http:h", "http:/h", "http:///h", "//h/x", "mailto:a@b", ":x", "1a://h", "a b://h",
		"http://u:p@h/", "http://u@@h", "http://u%zz@h", "http://h:", "http://h:x", "http://h:80:81", "http://:80", "http://[::1]", "http://[::1]:8080/", "http://[::1", "http://[]", "http://[1.2.3.4]", "http://[fe80::1%25eth0]/", "http://h%41/",
		"http://h/%", "http://h/%4", "http://h/%zz", "http://h/a b", "http://h/é", "http://h/a%20b", "http://h?x", "http://h?", "http://h/?#", "http://h/#%", "http://bü.example/", "http://h/a\"<>", "http://h\x7f/", "http://h/\n", "http://h\\x/", "http://<h>/", "http://h^/", "x:y:z", "a/b:c", "?a:b", "http://h|/",
		"http://h/%2f/%2F", "http://h/[x]/@:", "http://h//..", "http://*/", "http://h/*", "http://a,b/", "http://h;/", "http://[::1]x/", "http://[::1]:x/",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseURL(text)
		want, wantErr := url.Parse(text)
		web := wantErr == nil && (want.Scheme == "http" || want.Scheme == "https") && want.Hostname() != ""
		switch {
		case err == nil && !web:
			t.Fatalf("%q: %+v, net/url has %+v %v", text, got, want, wantErr)
		case err != nil && web:
			if authority, _, _ := strings.Cut(text[strings.Index(text, "//")+2:], "/"); !strings.ContainsAny(authority, "%[]") {
				t.Fatalf("%q: %v, net/url has %+v", text, err, want)
			}
			return
		case err != nil:
			return
		}
		if got.Scheme != want.Scheme || got.Host != want.Host || got.Hostname() != want.Hostname() || got.HasUser != (want.User != nil) || got.HasFragment != (want.Fragment != "") {
			t.Fatalf("%q: %+v, net/url has %+v", text, got, want)
		}
		ours, ok := DecodePercent(got.Target())
		theirs, err := url.PathUnescape(want.RequestURI())
		if ok != (err == nil) || ours != theirs {
			t.Fatalf("%q: target %q, net/url has %q", text, got.Target(), want.RequestURI())
		}
		if !strings.ContainsAny(want.EscapedPath(), "%") && got.Target() != want.RequestURI() {
			t.Fatalf("%q: target %q, net/url has %q", text, got.Target(), want.RequestURI())
		}
	})
}

// FuzzDecode compares with net/url.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{"", "a+b%20c", "%", "%4", "%zz", "%C3%a9", "%00%ff", "a%2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for plus, theirs := range map[bool]func(string) (string, error){true: url.QueryUnescape, false: url.PathUnescape} {
			got, ok := decode(text, plus)
			if want, err := theirs(text); got != want || ok != (err == nil) {
				t.Errorf("%q, %v: %q %v, want %q %v", text, plus, got, ok, want, err)
			}
		}
	})
}
