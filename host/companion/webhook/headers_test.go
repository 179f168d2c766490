package webhook

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

var now = time.Unix(1_700_000_000, 0)

func keys(t *testing.T, primary bool) *token.Set {
	t.Helper()
	set, faults := token.NewSet([]token.Key{{Alg: "HS256", Secret: "a secret", Kid: "k1", Primary: primary}}, 0, false, gocrypto.Crypto())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return set
}

// shown returns the headers, with the claims of tokens that keys signs.
func shown(fields [][2]string) (lines []string) {
	for _, f := range fields {
		text := f[1]
		if parts := strings.Split(text, "."); len(parts) == 3 && strings.HasPrefix(text, "Bearer ey") {
			payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
			text = string(payload)
		}
		lines = append(lines, f[0]+": "+text)
	}
	return lines
}

func TestFields(t *testing.T) {
	service := func(origin string) string {
		return `X-SC-Token: {"id":"gw-1","aud":"` + origin + `","role":"SpaceCloud","exp":1700001800}`
	}
	const json = "Content-Type: application/json"
	claims := func(text string) value.Value {
		v, err := value.Parse(text, 8)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		name string
		call Call
		want []string // nil: an error
	}{
		{"for nobody", Call{URL: "http://h/"}, []string{json, service("http://h")}},
		{"for a user", Call{URL: "http://h/", Token: "a.b.c"}, []string{json, "Authorization: Bearer a.b.c", service("http://h")}},
		{"claims live five minutes", Call{URL: "http://h/", Claims: claims(`{"id":"u1"}`)},
			[]string{json, `Authorization: {"id":"u1","exp":1700000300}`, service("http://h")}},
		{"claims that say how long", Call{URL: "http://h/", Claims: claims(`{"exp":1}`)}, []string{json, `Authorization: {"exp":1}`, service("http://h")}},
		{"the rule's headers", Call{URL: "http://h/", Headers: [][2]string{{"X-B", "1"}, {"x-a", "2"}}}, []string{json, service("http://h"), "X-B: 1", "x-a: 2"}},
		{"the audience is an origin", Call{URL: "https://HOOKS.internal:443/a?b#c"}, []string{json, service("https://hooks.internal")}},
		{"an origin with a port", Call{URL: "http://[::1]:443"}, []string{json, service("http://[::1]:443")}},
		{"no URL", Call{URL: "/x"}, nil},
		{"a token with a line end", Call{URL: "http://h/", Token: "a\r\nX-Admin: 1"}, nil},
		{"a token with a space", Call{URL: "http://h/", Token: "a b"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.call.Gateway = "gw-1"
			fields, err := c.call.Fields(keys(t, true), now)
			if (err != nil) != (c.want == nil) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, shown(fields)); diff != "" {
				t.Error(diff)
			}
			if fields, err := c.call.Fields(keys(t, false), now); err == nil {
				t.Errorf("without a primary: %v", fields)
			}
		})
	}
}
