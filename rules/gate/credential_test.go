package gate

import (
	"testing"

	"github.com/rulegate/rulegate/rules/policy"
)

var (
	bearer  = policy.Source{Header: "authorization", Prefix: "Bearer "}
	whole   = policy.Source{Header: "x-token"}
	session = policy.Source{Cookie: "session"}
	access  = policy.Source{Query: "access_token"}
)

func TestCredential(t *testing.T) {
	for _, tt := range []struct {
		name    string
		sources []policy.Source
		path    string
		fields  [][2]string
		want    string // "-": none; "!": meant as one, but bad
	}{
		{"no header", []policy.Source{bearer}, "/", nil, "-"},
		{"bearer", []policy.Source{bearer}, "/", [][2]string{{"authorization", "Bearer abc"}}, "abc"},
		{"scheme without regard to case", []policy.Source{bearer}, "/", [][2]string{{"authorization", "bEARER abc"}}, "abc"},
		{"two spaces belong to the token, which they spoil", []policy.Source{bearer}, "/", [][2]string{{"authorization", "Bearer  abc"}}, " abc"},
		{"a tab", []policy.Source{bearer}, "/", [][2]string{{"authorization", "Bearer\tabc"}}, "!"},
		{"nothing but the scheme", []policy.Source{bearer}, "/", [][2]string{{"authorization", "Bearer"}}, "!"},
		{"another scheme", []policy.Source{bearer}, "/", [][2]string{{"authorization", "Basic abc"}}, "-"},
		{"a scheme that starts alike", []policy.Source{bearer}, "/", [][2]string{{"authorization", "BearerX abc"}}, "-"},
		{"two headers", []policy.Source{bearer}, "/", [][2]string{{"authorization", "Bearer abc"}, {"authorization", "Bearer abc"}}, "!"},
		{"two headers, one of another scheme", []policy.Source{bearer}, "/", [][2]string{{"authorization", "Basic x"}, {"Authorization", "Bearer abc"}}, "!"},
		{"a whole header", []policy.Source{whole}, "/", [][2]string{{"x-token", "abc"}}, "abc"},
		{"cookie", []policy.Source{session}, "/", [][2]string{{"cookie", "a=1; session=abc; b=2"}}, "abc"},
		{"cookie, split as HTTP/2 may", []policy.Source{session}, "/", [][2]string{{"cookie", "a=1"}, {"cookie", "session=abc"}}, "abc"},
		{"cookie of another name", []policy.Source{session}, "/", [][2]string{{"cookie", "xsession=abc; Session=x"}}, "-"},
		{"cookie twice", []policy.Source{session}, "/", [][2]string{{"cookie", "session=abc; session=def"}}, "!"},
		{"empty cookie", []policy.Source{session}, "/", [][2]string{{"cookie", "session="}}, "!"},
		{"query", []policy.Source{access}, "/?a=1&access_token=abc", nil, "abc"},
		{"query, escaped", []policy.Source{access}, "/?acces%73_token=a%62c", nil, "abc"},
		{"query twice", []policy.Source{access}, "/?access_token=abc&access%5ftoken=def", nil, "!"},
		{"the first source that has one", []policy.Source{bearer, session}, "/", [][2]string{{"cookie", "session=abc"}, {"authorization", "Bearer def"}}, "def"},
		{"the second where the first has none", []policy.Source{bearer, session}, "/", [][2]string{{"cookie", "session=abc"}, {"authorization", "Basic def"}}, "abc"},
	} {
		h := readHead(append([][2]string{{":method", "GET"}, {":path", tt.path}}, tt.fields...))
		c := readCredential(h, tt.sources)
		got := c.raw
		switch {
		case !c.there:
			got = "-"
		case c.fault != "":
			got = "!"
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
