package token

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Explain says of each entry what Verify would say with that entry alone. If one
// accepts a token, Verify does too.
func TestExplain(t *testing.T) {
	set := newSet(t,
		Key{Name: "own", Alg: "HS256", Secret: testSecret, Issuer: []string{"me"}},
		Key{Name: "partner", Alg: "HS256", Secret: testSecret, Issuer: []string{"you"}},
		Key{Name: "other", Alg: "HS512", Secret: "another secret"},
		Key{Name: "set", JWKS: jwksOct},
		Key{Name: "idp", Fetched: true, Issuer: []string{"far"}},
	)
	for _, c := range []struct {
		name, raw string
		takes     func(string) bool
		want      string
	}{
		{"two entries share a key", forge(hsHeader, `{"iss":"you"}`), nil,
			"own [HS256] issuer; partner [HS256] ok; other [HS512] key; set [] signature; idp [] fetched key"},
		{"not of the route's providers", forge(hsHeader, `{"iss":"you"}`), func(p string) bool { return p != "partner" },
			"own [HS256] issuer; partner [HS256] provider; other [HS512] key; set [] signature; idp [] fetched key"},
		{"expired", forge(hsHeader, `{"iss":"me","exp":1}`), nil,
			"own [HS256] time; partner [HS256] time; other [HS512] key; set [] signature; idp [] fetched key"},
		{"no token", "x.y", nil, "own [HS256] parse; partner [HS256] parse; other [HS512] parse; set [] parse; idp [] fetched parse"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lines []string
			accepted := false
			for _, e := range set.Explain(c.raw, testNow, c.takes) {
				line := fmt.Sprint(e.Provider, " ", e.Algs)
				if e.Fetched {
					line += " fetched"
				}
				var refusal *Error
				switch {
				case e.Refusal == nil:
					line, accepted = line+" ok", true
				case errors.As(e.Refusal, &refusal):
					line += " " + string(refusal.Stage)
				default:
					t.Errorf("%s: %v is no *Error", e.Provider, e.Refusal)
				}
				lines = append(lines, line)
			}
			if got := strings.Join(lines, "; "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if _, err := set.VerifyFor(c.raw, testNow, c.takes); (err == nil) != accepted {
				t.Errorf("an entry accepts: %v; the set: %v", accepted, err)
			}
		})
	}
}
