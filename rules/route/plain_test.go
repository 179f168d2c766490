package route

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// TestFindPlain: FindPlain returns what Find returns, or nothing, for random tables and
// requests; and it knows many.
func TestFindPlain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(from string) string {
		all := strings.Fields(from)
		return all[r.IntN(len(all))]
	}
	known, unknown := 0, 0
	for range 3000 {
		var x Table[string]
		if r.IntN(4) == 0 {
			x.API.Base = []string{"a", "b"}[:r.IntN(3)]
			x.API.Services = map[string]map[string]*string{"a": {"b": new(string)}}
		}
		for i := range 1 + r.IntN(6) {
			path := ""
			for range r.IntN(4) {
				path += "/" + pick("a b c services {x} {x} {x}:do {x}.json")
			}
			if r.IntN(3) == 0 {
				path += "/{rest...}"
			} else if path == "" {
				path = "/"
			}
			route := &Route[string]{Resource: new(string), KeepSlash: r.IntN(4) == 0}
			*route.Resource = path
			if r.IntN(3) == 0 {
				route.Host = pick("h i.h *.h")
			}
			if r.IntN(2) == 0 {
				route.Methods = []string{pick("GET POST")}
			}
			var err error
			names := 0
			for strings.Contains(path, "{x}") { // the names of one template differ
				names++
				path = strings.Replace(path, "{x}", "{x"+strings.Repeat("y", names)+"}", 1)
			}
			if route.Path, err = ParseTemplate(path); err != nil {
				t.Fatal(i, path, err)
			}
			x.Routes.Add(route)
		}
		for range 40 {
			path := ""
			for range r.IntN(5) {
				path += "/" + pick("a a b b c d services a:do a.json . .. .a a;b a%2fb a%20b a\\b é a#b a\x7f")
			}
			path += pick("/ // /a /b")
			if r.IntN(2) == 0 {
				path = strings.TrimSuffix(path, "/")
			}
			method, host := pick("GET HEAD POST DELETE TRACE CONNECT X get"), pick("h i.h x.h k")
			want, err := x.Find(method, host, path)
			got := x.FindPlain(method, host, path)
			switch {
			case got == nil && err == nil:
				unknown++
			case got != nil && (err != nil || want.HasTypes() || want.Resource != got.Resource || !reflect.DeepEqual(got.BindPlain(nil, path), want.Vars)):
				t.Fatalf("%s %s%s: %q, and Find: %+v, %v", method, host, path, *got.Resource, want, err)
			case got != nil:
				known++
			}
		}
	}
	if known < 1000 {
		t.Errorf("%d are known, %d are not", known, unknown)
	}
}
