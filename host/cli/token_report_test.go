package cli

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

func encoded(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestTokenReport(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	signature := encoded("the signature")
	of := func(header, claims string) string { return encoded(header) + "." + encoded(claims) + "." + signature }
	for name, c := range map[string]struct {
		raw       string
		want      []string
		malformed bool
	}{
		"whole": {of(`{"alg":"HS256","typ":"JWT"}`, `{"id":"u1","iat":1699999940,"nbf":1700000000.5,"exp":1700003600}`), []string{
			`header: {"alg":"HS256","typ":"JWT"}`, `claims: {"id":"u1",`,
			"iat: 2023-11-14T22:12:20Z, 1m0s ago", "nbf: 2023-11-14T22:13:20Z, in 0s", "exp: 2023-11-14T23:13:20Z, in 1h0m0s",
			"signature: 13 bytes, not shown"}, false},
		"no alg":             {of(`{"alg":"none"}`, `{}`), []string{`"alg":"none"`}, false},
		"times of all kinds": {of(`{}`, `{"iat":"1","nbf":1e300,"exp":0}`), []string{"iat: want a number of seconds, found string", "nbf: not in the years 1970 to 9999", "exp: 1970-01-01T00:00:00Z, 19675 days ago"}, false},
		"more of them":       {of(`{}`, `{"iat":null,"nbf":-1,"exp":1e999999}`), []string{"iat: want a number of seconds, found null", "nbf: not in", "exp: not in"}, false},
		"keys in the header": {of(`{"jwk":{},"jku":"https://a","x5u":1,"x5c":[]}`, `{}`), []string{
			"jwk: ignored: a token cannot bring its own key", "jku: ignored", "x5u: ignored", "x5c: ignored"}, false},
		"characters that a terminal acts on": {of("{\"a\":\"\u202e\u0085\u009b31m\U000e0001\"}", "{\t\"b\":\r\n1}"), []string{`"a":"\u202e\u0085\u009b31m\udb40\udc01"`, `claims: { "b":  1}`}, false},
		"two segments":                       {encoded(`{"a":1}`) + "." + encoded(`{"b":1}`), []string{"malformed: want three segments, found 2", `header: {"a":1}`, `claims: {"b":1}`}, true},
		"one":                                {"x", []string{"want three segments, found 1", "header: not base64url without padding"}, true},
		"four":                               {of(`{"a":1}`, `{}`) + ".x", []string{"want three segments, found 4"}, true},
		"five":                               {"a.b.c.d.e", []string{"an encrypted token (JWE)"}, true},
		"empty":                              {"..", []string{"header: not the JSON of a token: ", "claims: not the JSON of a token: "}, true},
		"padded":                             {encoded(`{"a":1}`) + "=." + encoded(`{}`) + "." + signature, []string{"header: not base64url without padding", "claims: {}"}, true},
		"a padded signature":                 {of(`{}`, `{}`) + "=", []string{"malformed: signature: not base64url without padding"}, true},
		"repeated claims":                    {of(`{}`, `{"a":1,"a":2}`), []string{"claims: not the JSON of a token: offset 7: repeated key"}, true},
		"no object":                          {of(`[]`, `"x"`), []string{"header: want a JSON object, found array", "claims: want a JSON object, found string"}, true},
		"deep":                               {of(`{}`, strings.Repeat("[", 100_000)), []string{"claims: not the JSON of a token: "}, true},
		"no UTF-8":                           {of("{\"a\":\"\xff\"}", `{}`), []string{"header: not the JSON of a token: "}, true},
	} {
		s := decodeToken(c.raw)
		var out bytes.Buffer
		s.print(&out, now)
		text := out.String()
		for _, want := range append(c.want, "NOT VERIFIED: anybody may have written what follows\n") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: want %q in\n%s", name, want, text)
			}
		}
		if strings.Contains(text, signature) || s.malformed() != c.malformed {
			t.Errorf("%s: malformed %v\n%s", name, s.malformed(), text)
		}
		if line := oneLine(s.json()); bytes.Contains(line, []byte(signature)) || !bytes.Contains(line, []byte(`"verified":null`)) {
			t.Errorf("%s: %s", name, line)
		}
	}
}

// A report of any text can be printed and holds nothing that a terminal acts on.
func FuzzTokenReport(f *testing.F) {
	for _, s := range []string{"", "x.y.z", "a.b.c.d.e", encoded(`{"alg":"HS256"}`) + "." + encoded(`{"exp":1e9,"nbf":-1,"iat":[]}`) + ".c2ln"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		s := decodeToken(raw)
		var out bytes.Buffer
		s.print(&out, time.Unix(1_700_000_000, 0))
		if !strings.HasPrefix(out.String(), "NOT VERIFIED") || strings.ContainsAny(out.String(), "\x1b\u202e\u0085") {
			t.Errorf("%q", out.String())
		}
		if _, err := value.Parse(s.json().String(), 2*reportDepth); err != nil {
			t.Errorf("%v: %s", err, s.json())
		}
	})
}
