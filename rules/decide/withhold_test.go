package decide

import (
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
)

// FuzzWithhold: withhold removes the tokens of every source and keeps the rest,
// for all headers.
func FuzzWithhold(f *testing.F) {
	f.Add("a=1; session=x; b=2", "session=y;session =z", "a=1&t=x&%74=y&b=2")
	f.Add(" ;;=; session", "\tsession\t=\t;a", "t&t=&=t&%zz&&t%")
	f.Add("0", "0", "0&t;")
	f.Fuzz(func(t *testing.T, first, second, query string) {
		sources := []policy.Source{{Cookie: "session"}, {Query: "t"}}
		h := readHead([][2]string{{":method", "GET"}, {":path", "/?" + query}, {"cookie", first}, {"cookie", second}})
		w, _ := withhold(h, sources, nil)
		after := readHead([][2]string{{":method", "GET"}, {":path", "/?" + w.query}})
		for _, line := range w.cookies {
			after.fields = append(after.fields, [2]string{"cookie", line})
		}
		if left := httpfield.Cookies(after.values("cookie"), "session"); len(left) > 0 {
			t.Errorf("cookies left: %q of %q, %q", left, first, second)
		}
		if left := httpfield.Parameter(w.query, "t"); len(left) > 0 {
			t.Errorf("parameters left: %q of %q", left, query)
		}
		// A parameter behind a semicolon stays: readCredential has refused it before.
		if c, found, err := readCredential(after, sources); found || err != nil && !strings.Contains(query, ";") {
			t.Errorf("a token is left: %+v, %v", c, err)
		}
		if had, has := httpfield.Cookies(h.values("cookie"), "a"), httpfield.Cookies(after.values("cookie"), "a"); !slices.Equal(had, has) {
			t.Errorf("cookie a: had %q, has %q", had, has)
		}
		if strings.Contains(query, "#") {
			return
		}
		if had, has := httpfield.Parameter(h.query, "a"), httpfield.Parameter(w.query, "a"); !slices.Equal(had, has) {
			t.Errorf("parameter a: had %q, has %q", had, has)
		}
	})
}
