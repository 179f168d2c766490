package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// table makes a table with one route a line: `name METHODS host/path`.
func table(t testing.TB, lines string) *Table[string] {
	t.Helper()
	var table Table[string]
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		host, path, _ := strings.Cut(f[2], "/")
		template, err := ParseTemplate("/" + path)
		if err != nil {
			t.Fatal(err)
		}
		r := &Route[string]{Host: host, Path: template, Resource: &f[0], KeepSlash: slices.Contains([]string{"keep", "below", "end", "get"}, f[0])}
		if f[1] != "-" {
			r.Methods = strings.Split(f[1], ",")
		}
		if other := table.Routes.Add(r); other != nil {
			t.Fatalf("%s and %s tie", f[0], *other.Resource)
		}
	}
	return &table
}

// describe writes a Match as `name x=1 y=2`, or the error.
func describe(m Match[string], err error) string {
	var path *PathError
	switch {
	case errors.As(err, &path):
		return "400"
	case errors.Is(err, ErrNoMethod):
		return "no method"
	case errors.Is(err, ErrMethod):
		return "method"
	case errors.Is(err, ErrNotCovered):
		return "none"
	case err != nil:
		return err.Error()
	}
	out := *m.Resource
	for _, v := range m.Vars {
		text, _ := v.Value.Text()
		out += " " + v.Key + "=" + text
	}
	return out
}

func TestFindRoute(t *testing.T) {
	for name, c := range map[string]struct{ routes, requests string }{
		"a literal segment before a variable before the rest, from the left": {
			`all  -  /{all...}
			 x    -  /v1/{x}
			 me   -  /v1/me
			 deep -  /v1/{x}/deep
			 mine -  /v1/me/{what}
			 tail -  /v1/me/{what}/{tail...}`,
			`GET / = all all=
			 GET /v2 = all all=v2
			 GET /v1 = all all=v1
			 GET /v1/me = me
			 GET /v1/you = x x=you
			 GET /v1/you/deep = deep x=you
			 GET /v1/me/deep = mine what=deep
			 GET /v1/me/deep/er/still = tail what=deep tail=er/still
			 GET /v1/you/deep/er = all all=v1/you/deep/er`,
		},
		"the rest may be nothing": {
			"rest - /a/{x...}\nroot - /b/{x}/{y...}",
			`GET /a = rest x=
			 GET /a/ = rest x=
			 GET /a/b/ = rest x=b
			 GET /b = none
			 GET /b/c = root x=c y=`,
		},
		"an exact path before one that goes on": {
			"end - /a\nrest - /a/{x...}", "GET /a = end\nGET /a/b = rest x=b",
		},
		"a search goes back when a literal leads nowhere": {
			"one - /a/b/c\ntwo - /a/{x}/d\nthree - /{y}/b/e",
			"GET /a/b/c = one\nGET /a/b/d = two x=b\nGET /a/b/e = three y=a\nGET /a/b/f = none",
		},
		"a slash at the end means nothing": {
			"admin - /admin\nslash - /slash/\nroot - /", "GET /admin/ = admin\nGET /slash = slash\nGET / = root\nGET /admin// = 400",
		},
		"a host before a pattern before none, and the longer pattern first": {
			`exact - api.shop.example/{p...}
			 long  - *.shop.example/{p...}
			 short - *.example/a
			 any   - /{p...}`,
			`GET api.shop.example/a = exact p=a
			 GET API.Shop.Example./a = exact p=a
			 GET api.shop.example:8080/a = exact p=a
			 GET x.y.shop.example/a = long p=a
			 GET shop.example/a = short
			 GET shop.example/b = any p=b
			 GET example/a = any p=a
			 GET .example/a = any p=a
			 GET xexample/a = any p=a
			 GET /a = any p=a`,
		},
		"the most specific host that has the path": {
			"admin - api.example/admin\nany - /{p...}", "GET api.example/admin = admin\nGET api.example/b = any p=b",
		},
		"addresses are hosts": {
			"six - [::1]/\nfour - 127.0.0.1/", "GET [::1]:80/ = six\nGET [::1]/ = six\nGET [0:0::1]/ = six\nGET 127.0.0.1:80/ = four\nGET [::2]/ = none",
		},
		"methods": {
			"get GET /a\npost POST,PUT /a\nrest - /a\nonly GET /b\nfallback - /{x...}",
			`GET /a = get
			 HEAD /a = get
			 PUT /a = post
			 DELETE /a = rest
			 get /a = no method
			 LINK /a = rest
			 FOO /a = no method
			 GET /b = only
			 HEAD /b = only
			 POST /b = method
			 POST /c = fallback x=c
			 HEAD /c = fallback x=c`,
		},
		"a longer suffix before a shorter one before none, behind literals": {
			`id   - /u/{id}
			 act  POST /u/{id}:activate
			 any  - /u/{id}:activate
			 lit  - /u/me:activate
			 json - /f/{x}.json
			 deep - /f/{x}.tar.json
			 in   - /f/{x}.json/{y}
			 all  - /f/{x...}`,
			`GET /u/7 = id id=7
			 POST /u/7:activate = act id=7
			 GET /u/7:activate/ = any id=7
			 GET /u/me:activate = lit
			 GET /u/:activate = id id=:activate
			 GET /u/a:b:activate = any id=a:b
			 GET /u/7:activated = id id=7:activated
			 GET /u/7%20:activate = 400
			 GET /u/..:activate = 400
			 GET /u/7%3Aactivate = 400
			 GET /u/7:%61ctivate = 400
			 GET /u/%37:activate = any id=7
			 GET /f/a.json = json x=a
			 GET /f/a.tar.json = deep x=a
			 GET /f/.tar.json = json x=.tar
			 GET /f/.json = all x=.json
			 GET /f/a.json/b = in x=a y=b
			 GET /f/a%2ejson/b = 400
			 GET /f/a.tar.json/b = in x=a.tar y=b
			 GET /f/a.xml = all x=a.xml`,
		},
		"an encoded slash is a part of its segment where a route keeps it": {
			`keep  - /p/{id}
			 below - /p/{id}/raw/{path...}
			 end   - /q/{id}.json
			 other - /{rest...}
			 get   GET /m/{id}`,
			`GET /p/a%2Fb = keep id=a/b
			 GET /p/a%2fb%2Fc/ = keep id=a/b/c
			 GET /p/https%3A%2F%2Fx.example%2f = keep id=https://x.example/
			 GET /p/a%2Fb/raw/c/d = below id=a/b path=c/d
			 GET /p/a%2Fb/raw = below id=a/b path=
			 GET /p/a/raw/c%2Fd = 400
			 GET /p/..%2Fb = 400
			 GET /p/a%2F.. = 400
			 GET /p/a%2F%2e%2e%2Fb = 400
			 GET /p/a%2F..a = keep id=a/..a
			 GET /p/a%2F.%2Fb = 400
			 GET /p/a%2F%20b = 400
			 GET /p/a%5Cb = 400
			 GET /p/a%252Fb = keep id=a%2Fb
			 GET /p%2Fa = 400
			 GET /q/a%2Fb.json = end id=a/b
			 GET /q/a%2Fb = 400
			 GET /o/a%2Fb = 400
			 GET /o/a = other rest=o/a
			 PUT /m/a%2Fb = 400
			 GET /m/a%2Fb = get id=a/b`,
		},
		"segments are decoded once": {
			"ae - /ä\nx - /x/{x}\nab - /ab",
			`GET /%c3%a4 = ae
			 GET /%C3%A4 = ae
			 GET /ä = ae
			 GET /x/%2525 = x x=%25
			 GET /x/a%3Fb = x x=a?b
			 GET /x/a+b = x x=a+b
			 GET /%61b = ab
			 GET /X/a = none`,
		},
		"the query is no path": {
			"a - /a\nx - /x/{x}", "GET /a?x=/b//../%2f# = a\nGET /x/1? = x x=1\nGET /a?/ = a",
		},
		"what is no path": {
			"all - /{p...}", "GET * = none\nCONNECT example:80 = none\nCONNECT /a = none\nOPTIONS * = none\nGET a = 400\nGET ?a = 400\nGET http://a/b = 400",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := table(t, c.routes)
			for line := range strings.Lines(c.requests) {
				request, want, _ := strings.Cut(strings.TrimSpace(line), " = ")
				if bare, ok := strings.CutSuffix(request, " ="); ok {
					request, want = bare, ""
				}
				method, target, _ := strings.Cut(request, " ")
				host, path := "", target
				if i := strings.IndexByte(target, '/'); i > 0 && !strings.HasPrefix(target, "http") && !strings.HasPrefix(target, "?") {
					host, path = target[:i], target[i:]
				}
				if got := describe(p.Find(method, host, path)); got != strings.TrimSpace(want) {
					t.Errorf("%s: %s, want %s", request, got, want)
				}
			}
		})
	}
}

// Paths that servers read in different ways are refused before the lookup. Each
// has a twin that is not refused.
func TestFindRefuses(t *testing.T) {
	p := table(t, "all - /{p...}")
	for bad, good := range map[string]string{
		"//":                "/",
		"/a//b":             "/a/b",
		"/a//":              "/a/",
		"//a":               "/a",
		"/.":                "/.a",
		"/a/./b":            "/a/.../b",
		"/..":               "/..a",
		"/a/../b":           "/a/b../b",
		"/a/%2e%2e/b":       "/a/%2e%2ea/b",
		"/a/.%2E":           "/a/.%2Ea",
		"/a/%2e/":           "/a/%2ea/",
		"/a/..;x/b":         "/a/..x/b",
		"/a/.;":             "/a/.:",
		"/a;x=1/b":          "/a,x=1/b",
		"/a;":               "/a?;",
		"/a/b;jsessionid=1": "/a/b:jsessionid=1",
		"/a/%2e%2e%3b":      "/a/%2e%2e%3a",
		"/a%3Bx":            "/a%3Cx",
		"/a%2fb":            "/a%20b",
		"/a%20":             "/a%20b",
		"/%20a":             "/b%20a",
		"/a%0ab":            "/a%2ab",
		"/a%09b":            "/a%29b",
		"/a%7fb":            "/a%7eb",
		"/a%c2%85b":         "/a%c2%a9b",
		"/a%c2%a0b":         "/a%c2%a1b",
		"/a%e2%80%a8":       "/a%e2%80%a6",
		"/a%2Fb":            "/a%252Fb",
		"/a\\b":             "/a|b",
		"/a%5cb":            "/a%5bb",
		"/a%5Cb":            "/a%255Cb",
		"/a\x00b":           "/ab",
		"/a%00b":            "/a%21b",
		"/a%":               "/a%25",
		"/a%2":              "/a%2a",
		"/a%zz":             "/a%aAaa",
		"/%ff":              "/%c3%bf",
		"/\xff":             "/ÿ",
		"/%c0%af":           "/%c3%af",
		"/%ed%a0%80":        "/%ed%9f%bf",
		"/a#b":              "/a%23b",
		"/a b":              "/a%20b",
		"/a\tb":             "/a%20b",
		"":                  "/",
		"a":                 "/a",
	} {
		if good == "/a%aAaa" {
			good = "/a%41aa"
		}
		if got := describe(p.Find("GET", "", bad)); got != "400" {
			t.Errorf("%q: %s, want 400", bad, got)
		}
		if got := describe(p.Find("GET", "", good)); !strings.HasPrefix(got, "all") {
			t.Errorf("%q: %s", good, got)
		}
	}
}

// A template covers another one if it has every path of that.
func TestCovers(t *testing.T) {
	for _, c := range []struct {
		bound, path string
		want        bool
	}{
		{"/a/{x}", "/a/{y}", true}, {"/a/{x}", "/a/b", true}, {"/a/{x}", "/a/{y}.json", true}, {"/a/{x}", "/a", false}, {"/a/{x}", "/a/{y...}", false},
		{"/a/{x}.json", "/a/{y}.json", true}, {"/a/{x}.json", "/a/{y}.tar.json", true}, {"/a/{x}.json", "/a/b.json", true},
		{"/a/{x}.json", "/a/{y}", false}, {"/a/{x}.json", "/a/.json", false}, {"/a/{x}.tar.json", "/a/{x}.json", false}, {"/a/{x}.json", "/a/b.xml", false},
		{"/a/b.json", "/a/{x}.json", false}, {"/{x...}", "/a/{y}.json", true},
	} {
		bound, err1 := ParseTemplate(c.bound)
		path, err2 := ParseTemplate(c.path)
		if err1 != nil || err2 != nil || bound.Covers(path) != c.want {
			t.Errorf("%s covers %s: want %v (%v, %v)", c.bound, c.path, c.want, err1, err2)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	var lines strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&lines, "r%d GET,POST /v1/area%d/things%d\nv%d GET /v1/area%d/{id}/part%d\n", i, i%20, i, i, i%20, i)
	}
	p := table(b, lines.String())
	for name, path := range map[string]string{"static": "/v1/area7/things107", "variable": "/v1/area7/42/part107", "none": "/v1/area7/42/part9999"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Find("GET", "api.shop.example:8080", path)
			}
		})
	}
}
