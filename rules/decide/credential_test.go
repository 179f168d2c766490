package decide

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
		want    string // "-": none; "!": an error
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
		{"cookie of another name", []policy.Source{session}, "/", [][2]string{{"cookie", "xsession=abc; sessions=x"}}, "-"},
		{"cookies that some servers take for it", []policy.Source{session}, "/", [][2]string{{"cookie", "session=abc; Session=x"}}, "!"},
		{"cookie with an escape in its name", []policy.Source{session}, "/", [][2]string{{"cookie", "%73ession=abc"}}, "!"},
		{"query, a twin", []policy.Source{access}, "/?access.token=abc", nil, "!"},
		{"query, an element", []policy.Source{access}, "/?access_token=abc&access_token[]=def", nil, "!"},
		{"cookie twice", []policy.Source{session}, "/", [][2]string{{"cookie", "session=abc; session=def"}}, "!"},
		{"empty cookie", []policy.Source{session}, "/", [][2]string{{"cookie", "session="}}, "!"},
		{"query", []policy.Source{access}, "/?a=1&access_token=abc", nil, "abc"},
		{"query, escaped", []policy.Source{access}, "/?acces%73_token=a%62c", nil, "abc"},
		{"query twice", []policy.Source{access}, "/?access_token=abc&access%5ftoken=def", nil, "!"},
		{"the second where the first has none", []policy.Source{bearer, session}, "/", [][2]string{{"cookie", "session=abc"}, {"authorization", "Basic def"}}, "abc"},
		{"the same in two", []policy.Source{bearer, session}, "/", [][2]string{{"cookie", "session=abc"}, {"authorization", "Bearer abc"}}, "abc"},
		{"another in a header and a cookie", []policy.Source{bearer, session}, "/", [][2]string{{"cookie", "session=abc"}, {"authorization", "Bearer def"}}, "!"},
		{"another in a cookie and the query", []policy.Source{session, access}, "/?access_token=def", [][2]string{{"cookie", "session=abc"}}, "!"},
		{"another in the third", []policy.Source{bearer, session, access}, "/?access_token=def", [][2]string{{"cookie", "session=abc"}, {"authorization", "Bearer abc"}}, "!"},
		{"a good one and an empty one", []policy.Source{bearer, session}, "/", [][2]string{{"cookie", "session="}, {"authorization", "Bearer abc"}}, "!"},
		{"a good one, and two cookies", []policy.Source{bearer, session}, "/", [][2]string{{"cookie", "session=abc; session=abc"}, {"authorization", "Bearer abc"}}, "!"},
	} {
		h := readHead(append([][2]string{{":method", "GET"}, {":path", tt.path}}, tt.fields...))
		got := "-"
		switch c, found, err := readCredential(h, tt.sources); {
		case err != nil:
			got = "!"
		case found:
			got = c.token
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A token from a cookie alone counts for requests of pages that the policy names,
// and for safe methods.
func TestCheckOrigin(t *testing.T) {
	app := policy.Source{Cookie: "session", Origins: []string{"https://app.example", "http://localhost:3000"}}
	admin := policy.Source{Cookie: "admin", Origins: []string{"https://admin.example"}}
	for _, tt := range []struct {
		name    string
		sources []policy.Source
		method  string
		fields  [][2]string // beside the cookies
		ok      bool
	}{
		{"reading", []policy.Source{app}, "GET", nil, true},
		{"reading, from another page", []policy.Source{app}, "GET", [][2]string{{"origin", "https://evil.example"}}, true},
		{"HEAD", []policy.Source{app}, "HEAD", nil, true},
		{"OPTIONS", []policy.Source{app}, "OPTIONS", nil, true},
		{"TRACE", []policy.Source{app}, "TRACE", nil, true},
		{"no method in lower case", []policy.Source{app}, "get", nil, false},
		{"without a word on where from", []policy.Source{app}, "POST", nil, false},
		{"PUT", []policy.Source{app}, "PUT", nil, false},
		{"PATCH", []policy.Source{app}, "PATCH", nil, false},
		{"DELETE", []policy.Source{app}, "DELETE", nil, false},
		{"CONNECT", []policy.Source{app}, "CONNECT", nil, false},
		{"of a page that is named", []policy.Source{app}, "POST", [][2]string{{"origin", "https://app.example"}}, true},
		{"of another", []policy.Source{app}, "DELETE", [][2]string{{"origin", "http://localhost:3000"}}, true},
		{"another scheme", []policy.Source{app}, "POST", [][2]string{{"origin", "http://app.example"}}, false},
		{"another port", []policy.Source{app}, "POST", [][2]string{{"origin", "https://app.example:8443"}}, false},
		{"its default port written", []policy.Source{app}, "POST", [][2]string{{"origin", "https://app.example:443"}}, false},
		{"a host below", []policy.Source{app}, "POST", [][2]string{{"origin", "https://x.app.example"}}, false},
		{"a host that begins so", []policy.Source{app}, "POST", [][2]string{{"origin", "https://app.example.evil.example"}}, false},
		{"a path", []policy.Source{app}, "POST", [][2]string{{"origin", "https://app.example/"}}, false},
		{"upper case", []policy.Source{app}, "POST", [][2]string{{"origin", "https://APP.example"}}, false},
		{"null", []policy.Source{app}, "POST", [][2]string{{"origin", "null"}}, false},
		{"an empty one", []policy.Source{app}, "POST", [][2]string{{"origin", ""}}, false},
		{"twice", []policy.Source{app}, "POST", [][2]string{{"origin", "https://app.example"}, {"origin", "https://app.example"}}, false},
		{"a list", []policy.Source{app}, "POST", [][2]string{{"origin", "https://app.example https://evil.example"}}, false},
		{"same-origin, where there is no origin", []policy.Source{app}, "POST", [][2]string{{"sec-fetch-site", "same-origin"}}, true},
		{"same-site", []policy.Source{app}, "POST", [][2]string{{"sec-fetch-site", "same-site"}}, false},
		{"none", []policy.Source{app}, "POST", [][2]string{{"sec-fetch-site", "none"}}, false},
		{"same-origin twice", []policy.Source{app}, "POST", [][2]string{{"sec-fetch-site", "same-origin"}, {"sec-fetch-site", "cross-site"}}, false},
		{"same-origin does not help another origin", []policy.Source{app}, "POST", [][2]string{{"origin", "https://evil.example"}, {"sec-fetch-site", "same-origin"}}, false},
		{"a referer says nothing", []policy.Source{app}, "POST", [][2]string{{"referer", "https://app.example/x"}}, false},
		{"an upgrade of another page", []policy.Source{app}, "GET", [][2]string{{"upgrade", "websocket"}, {"origin", "https://evil.example"}}, false},
		{"an upgrade of a page that is named", []policy.Source{app}, "GET", [][2]string{{"upgrade", "websocket"}, {"origin", "https://app.example"}}, true},
		{"an upgrade without an origin", []policy.Source{app}, "GET", [][2]string{{"upgrade", "websocket"}}, false},
		{"no origins: reading", []policy.Source{session}, "GET", nil, true},
		{"no origins: nothing else", []policy.Source{session}, "POST", [][2]string{{"sec-fetch-site", "same-origin"}}, false},
		{"no origins: not for null either", []policy.Source{session}, "POST", [][2]string{{"origin", ""}}, false},
		{"two cookies, of which one is for other pages", []policy.Source{app, admin}, "POST", [][2]string{{"origin", "https://app.example"}}, false},
		{"two cookies, of which the other one is", []policy.Source{app, admin}, "POST", [][2]string{{"origin", "https://admin.example"}}, false},
		{"in the header too, which no other page can set", []policy.Source{app, bearer}, "POST", [][2]string{{"authorization", "Bearer abc"}}, true},
		{"the header first", []policy.Source{bearer, app}, "POST", [][2]string{{"authorization", "Bearer abc"}, {"origin", "https://evil.example"}}, true},
		{"a header of another scheme does not help", []policy.Source{bearer, app}, "POST", [][2]string{{"authorization", "Basic abc"}}, false},
	} {
		fields := append([][2]string{{":method", tt.method}, {":path", "/"}, {"cookie", "session=abc; admin=abc"}}, tt.fields...)
		h := readHead(fields)
		c, _, err := readCredential(h, tt.sources)
		if err != nil || c.token != "abc" {
			t.Fatalf("%s: credential %+v, %v", tt.name, c, err)
		}
		if err := checkOrigin(h, c.cookieSources); (err == nil) != tt.ok {
			t.Errorf("%s: got %v, want ok %v", tt.name, err, tt.ok)
		}
	}
}

// readHead reads headers, and ignores their faults.
func readHead(headers [][2]string) *head {
	h := new(head)
	_ = h.read(headers)
	return h
}
