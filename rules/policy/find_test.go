package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// found writes a Match as `name x=1 y=2`, or the error.
func describe(m Match, err error) string {
	var path *route.PathError
	switch {
	case errors.As(err, &path):
		return "400"
	case errors.Is(err, route.ErrMethod):
		return "method"
	case errors.Is(err, route.ErrNotCovered):
		return "none"
	case err != nil:
		return err.Error()
	}
	out := m.Resource.Name
	for _, v := range m.Vars {
		text, _ := v.Value.Text()
		out += " " + v.Key + "=" + text
	}
	return out
}

// routesOf writes `routes` with one route a line: `name METHODS host/path`.
func routesOf(lines string) string {
	var b strings.Builder
	b.WriteString("routes:\n")
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		host, path, _ := strings.Cut(f[2], "/")
		fmt.Fprintf(&b, "- {name: %s, match: {path: %q", f[0], "/"+path)
		if host != "" {
			fmt.Fprintf(&b, ", host: %q", host)
		}
		if f[1] != "-" {
			fmt.Fprintf(&b, ", methods: [%s]", f[1])
		}
		b.WriteString("}, rule: {rule: allow}}\n")
	}
	return b.String()
}

func TestRouteFaults(t *testing.T) {
	for name, c := range map[string]struct{ bad, want, good string }{
		"two routes for the same requests": {
			"a GET,POST /x/{a}\nb POST /x/{b}",
			"routes[1].match: covers requests of routes[0] (a), and neither is more specific",
			"a GET,PUT /x/{a}\nb POST /x/{b}",
		},
		"two routes without methods": {
			"a - /x/\nb - /x", "routes[1].match: covers requests of routes[0] (a), and neither is more specific", "a - /x\nb GET /x",
		},
		"two rests": {
			"a - /{a...}\nb - /{b...}", "routes[1].match: covers requests of routes[0] (a), and neither is more specific", "a - /{a...}\nb - x.y/{b...}",
		},
		"the same host in other letters": {
			"a - X.y/\nb - x.Y/", "routes[1].match: covers requests of routes[0] (a), and neither is more specific", "a - x.y/\nb - *.x.y/",
		},
		"names are told apart": {"a - /a\na - /b", "routes[1].name: routes[0] has this name already", "a - /a\nb - /b"},
		"HEAD is GET":          {"a GET,HEAD /", "routes[0].match.methods[1]: HEAD is decided as GET; list GET", "a GET /"},
		"CONNECT has no path":  {"a CONNECT /", "routes[0].match.methods[0]: CONNECT has no path, so no route covers it", "a OPTIONS /"},
		"methods have a case":  {"a get /", "routes[0].match.methods[0]: methods are case-sensitive (RFC 9110, section 9.1); want GET", "a GET /"},
		"a method twice":       {"a PUT,PUT /", "routes[0].match.methods[1]: PUT is listed already", "a PUT,POST /"},
		"no method":            {"a 'a b' /", "", "a GET /"},
		"half a variable":      {"a - /x{a}", "routes[0].match.path: a variable stands at the start of its segment: {name}, or {name}.json with a text behind it", "a - /x/{a}"},
		"two suffixes":         {"a - /{x}.json\nb - /{y}.json", "routes[1].match: covers requests of routes[0] (a), and neither is more specific", "a - /{x}.json\nb - /{y}.xml"},
		"behind the rest":      {"a - /{x...}.json", "routes[0].match.path: {x...} is all that remains, so no text stands behind it", "a - /{x}.json"},
		"two in a segment":     {"a - /{x}-{y}", "routes[0].match.path: want only letters, digits and -._~!$&'()+,=:@ behind a variable", "a - /{x}-y"},
		"an escape behind it":  {"a - /{x}ä", "routes[0].match.path: want only letters, digits and -._~!$&'()+,=:@ behind a variable", "a - /{x}-a"},
		"a variable's name":    {"a - /{1}", "routes[0].match.path: a variable is {name} or {name...}", "a - /{a1}"},
		"a variable twice":     {"a - /{a}/{a}", "routes[0].match.path: two variables {a}", "a - /{a}/{b}"},
		"the rest in between":  {"a - /{a...}/b", "routes[0].match.path: {a...} stands at the end", "a - /b/{a...}"},
		"an empty segment":     {"a - //", "routes[0].match.path: an empty segment: no request that has one is let in", "a - /"},
		"a dot segment":        {"a - /a/..", "routes[0].match.path: a dot segment: no request that has one is let in", "a - /a/...b"},
		"encoded":              {"a - /a%20b", "routes[0].match.path: write it decoded, without %", "a - /ab"},
		"a query":              {"a - /a?b", "routes[0].match.path: a path has neither ? nor #", "a - /ab"},
		"a star":               {"a - /a/*", "routes[0].match.path: * is no pattern; write {name} for a segment and {name...} for the rest", "a - /a/{b...}"},
		"another's variables":  {"a - /a/:id", "routes[0].match.path: a variable is written {id} here", "a - /a/b:id"},
		"a port":               {"a - x.y:80/", "routes[0].match.host: want a host without a port: a route covers all ports", "a - x.y/"},
		"a star for all hosts": {"a - */", "routes[0].match.host: leave host out for all hosts", "a - /"},
		"a star in between":    {"a - a.*.b/", "routes[0].match.host: a star stands only at the start, before a dot", "a - *.a.b/"},
		"half a label":         {"a - *a.b/", "routes[0].match.host: a star stands only at the start, before a dot", "a - *.b/"},
		"an absolute name":     {"a - a.b./", "routes[0].match.host: write it without the dot at the end", "a - a.b/"},
		"not a host":           {"a - a..b/", "routes[0].match.host: a host name with an empty label", "a - a.b/"},
		"umlauts in a host":    {"a - ä.b/", "routes[0].match.host: not the name of a host (write other letters than ASCII in punycode)", "a - xn--4ca.b/"},
	} {
		t.Run(name, func(t *testing.T) {
			mustLoad(t, routesOf(c.good))
			if c.want == "" {
				return
			}
			_, _, err := load(t, routesOf(c.bad))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

const api = `
project: shop
services: {s: {endpoints: {e: {rule: {rule: allow}}, "e 2": {rule: {rule: allow}}}}}
databases:
  m:
    type: mongo
    collections:
      users: {rules: {read: {rule: allow}}}
      default: {rules: {read: {rule: deny}, create: {rule: allow}}}
  n: {type: mongo, collections: {c: {rules: {read: {rule: allow}}}}}
  o: {type: mongo}
files:
  - {prefix: /, rules: {read: {rule: allow}}}
  - {prefix: "/users/:id", rules: {read: {rule: allow}, create: {rule: allow}}}
  - {prefix: /users/me/, rules: {read: {rule: allow}, delete: {rule: allow}}}
  - {prefix: "/a/:x/c", rules: {read: {rule: allow}}}
  - {prefix: /a/b, rules: {read: {rule: allow}}}
routes:
  - {name: rest, match: {path: "/{p...}"}, rule: {rule: allow}}
  - {name: wider, match: {path: "/v1/api/{project}/services/{s}/{e}"}, rule: {rule: allow}}
`

func TestFindAPI(t *testing.T) {
	p := mustLoad(t, api)
	for request, want := range map[string]string{
		"POST /v1/api/shop/services/s/e":       "services.s.e",
		"POST /v1/api/shop/services/s/e/":      "services.s.e",
		"POST /v1/api/shop/services/s/e%202":   "services.s.e 2",
		"POST /v1/api/sh%6fp/services/s/e":     "services.s.e",
		"GET /v1/api/shop/services/s/e":        "method",
		"HEAD /v1/api/shop/services/s/e":       "method",
		"POST /v1/api/shop/services/s/f":       "none",
		"POST /v1/api/shop/services/t/e":       "none",
		"POST /v1/api/shop/services/s":         "none",
		"POST /v1/api/shop/services/s/e/f":     "none",
		"POST /v1/api/shop/services":           "none",
		"POST /v1/api/shop/service/s/e":        "rest p=v1/api/shop/service/s/e",
		"POST /v1/api/other/services/s/e":      "wider project=other s=s e=e",
		"POST /v1/api/shop/crud/m/users/read":  "databases.m.users.read",
		"POST /v1/api/shop/crud/m/users/creat": "none",
		// operations and collections that are not listed
		"POST /v1/api/shop/crud/m/users/create": "databases.m.default.create",
		"POST /v1/api/shop/crud/m/posts/read":   "databases.m.default.read",
		"POST /v1/api/shop/crud/m/users/delete": "none",
		"POST /v1/api/shop/crud/n/c/read":       "databases.n.c.read",
		"POST /v1/api/shop/crud/n/d/read":       "none",
		"POST /v1/api/shop/crud/o/d/read":       "none",
		"GET /v1/api/shop/crud/n/c/read":        "method",
		"GET /v1/api/shop/files":                "files[/].read",
		"GET /v1/api/shop/files/":               "files[/].read",
		"GET /v1/api/shop/files/x/y":            "files[/].read",
		"HEAD /v1/api/shop/files/x/y":           "files[/].read",
		"PUT /v1/api/shop/files/x/y":            "method",
		"DELETE /v1/api/shop/files/x/y":         "none",
		"GET /v1/api/shop/files/users":          "files[/].read",
		"GET /v1/api/shop/files/users/7":        "files[/users/:id].read id=7",
		"GET /v1/api/shop/files/users/7%2D8/a/": "files[/users/:id].read id=7-8",
		"POST /v1/api/shop/files/users/7/a":     "files[/users/:id].create id=7",
		"GET /v1/api/shop/files/users/me":       "files[/users/me/].read",
		"GET /v1/api/shop/files/users/mean":     "files[/users/:id].read id=mean",
		"DELETE /v1/api/shop/files/users/me/x":  "files[/users/me/].delete",
		// the longest prefix decides alone, though a shorter one lists the method
		"POST /v1/api/shop/files/users/me":     "none",
		"DELETE /v1/api/shop/files/users/7":    "none",
		"GET /v1/api/shop/files/a/b":           "files[/a/b].read",
		"GET /v1/api/shop/files/a/b/c":         "files[/a/:x/c].read x=b",
		"GET /v1/api/shop/files/a/b/d":         "files[/a/b].read",
		"GET /v1/api/shop/files/a/../b":        "400",
		"GET /v1/api/shop/files//":             "400",
		"POST /v1/api/shop/services/s%2fe":     "400",
		"POST /v1/api//shop/services/s/e":      "400",
		"POST /v1/api/shop/./services/s/e":     "400",
		"GET /v1/api/shop":                     "rest p=v1/api/shop",
		"POST /V1/api/shop/services/s/e":       "rest p=V1/api/shop/services/s/e",
		"POST /v1/api/shop/services/s/e?x=/..": "services.s.e",
	} {
		method, path, _ := strings.Cut(request, " ")
		if got := describe(p.Find(method, "any.example", path)); got != want {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	for _, r := range p.Resources() {
		if want := map[Kind]bool{Database: true, File: true}[r.Kind]; (r.Op != "") != want {
			t.Errorf("%s: op %q", r.Name, r.Op)
		}
	}
}

func TestAPIFaults(t *testing.T) {
	for name, c := range map[string]struct{ bad, want, good string }{
		"a route where services decide": {
			"services: {}\nproject: p\nroutes: [{match: {path: /v1/api/p/services/x}, rule: {rule: allow}}]",
			"routes[0].match.path: the rules of services decide on these paths",
			"project: p\nroutes: [{match: {path: /v1/api/p/services/x}, rule: {rule: allow}}]",
		},
		"a route where databases decide": {
			"apiPrefix: /\nproject: p\ndatabases: {d: {type: mongo, collections: {}}}\nroutes: [{match: {path: '/p/crud/{x...}'}, rule: {rule: allow}}]",
			"routes[0].match.path: the rules of databases decide on these paths",
			"apiPrefix: /\nproject: p\ndatabases: {d: {type: mongo}}\nroutes: [{match: {path: '/p/crud/{x...}'}, rule: {rule: allow}}]",
		},
		"two prefixes for the same files": {
			"project: p\nfiles: [{prefix: '/a/:b', rules: {}}, {prefix: '/a/:c/', rules: {}}]",
			"files[1].prefix: the same paths as files[0]",
			"project: p\nfiles: [{prefix: '/a/:b', rules: {}}, {prefix: '/a/c/', rules: {}}]",
		},
		"prefixes of files": {
			"project: p\nfiles: [{prefix: a, rules: {}}, {prefix: '/{a}', rules: {}}, {prefix: '/:a/:a', rules: {}}, {prefix: '/:1', rules: {}}, {prefix: '/a//b', rules: {}}]",
			"files[0].prefix: want a path that begins with /\nfiles[1].prefix: a variable is written :name here\nfiles[2].prefix: two variables :a\n" +
				"files[3].prefix: a variable is :name\nfiles[4].prefix: an empty segment: no request that has one is let in",
			"project: p\nfiles: [{prefix: /a, rules: {}}, {prefix: '/:a', rules: {}}, {prefix: '/:a/:b', rules: {}}, {prefix: '/a/b//', rules: {}}]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			mustLoad(t, c.good)
			if _, _, err := load(t, c.bad); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAuth(t *testing.T) {
	p := mustLoad(t, "auth: {tokens: [{name: own, alg: HS256, secret: \"${SECRET}\"}, {name: other, alg: HS384, secret: x}]}\nproject: p\n"+
		"files: [{prefix: /, auth: none, rules: {read: {rule: authenticated}}}]\n"+
		"services: {s: {endpoints: {e: {auth: optional, rule: {rule: allow}}}}}\n"+
		"databases: {d: {type: mongo, collections: {c: {auth: {providers: [own]}, rules: {read: {rule: allow}}}}}}\n"+`
routes:
  - {match: {path: /1}, rule: {rule: allow}}
  - {match: {path: /2}, rule: {rule: deny}}
  - {match: {path: /3}, rule: {rule: authenticated}}
  - {match: {path: /4}, rule: {rule: or, clauses: [{rule: allow}]}}
  - {match: {path: /5}, auth: required, rule: {rule: allow}}
  - {match: {path: /6}, auth: optional, rule: {rule: authenticated}}
  - {match: {path: /7}, auth: none, rule: {rule: authenticated}}
  - {match: {path: /8}, auth: {providers: [own]}, rule: {rule: allow}}
`)
	got := ""
	for _, r := range p.Resources() {
		got += fmt.Sprintf("%s reads=%v optional=%v other=%v\n", r.Name, r.Auth.Reads(), r.Auth.Optional(), r.Auth.Accepts("other"))
	}
	want := `services.s.e reads=true optional=true other=true
databases.d.c.read reads=true optional=false other=false
files[/].read reads=false optional=true other=true
routes[0] reads=false optional=true other=true
routes[1] reads=false optional=true other=true
routes[2] reads=true optional=false other=true
routes[3] reads=true optional=false other=true
routes[4] reads=true optional=false other=true
routes[5] reads=true optional=true other=true
routes[6] reads=false optional=true other=true
routes[7] reads=true optional=false other=false
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	var zero Auth
	if !zero.Reads() || zero.Optional() {
		t.Error("the zero Auth does not need a token")
	}
}

func TestStrip(t *testing.T) {
	p := mustLoad(t, own+`
routes:
  - {match: {path: /1}, rule: {rule: force, field: args.request.headers.X_Role, value: a}}
  - {match: {path: /2}, rule: {rule: allow}}
`)
	if got := strings.Join(p.Resources()[0].Reserved, " "); got != "x-role" {
		t.Errorf("%q", got)
	}
	p = mustLoad(t, "auth: {claimsToHeaders: {X-User_id: id, a: b}}\nroutes: [{match: {path: /1}, rule: {rule: force, field: args.request.headers.a, value: a}}]")
	if got := strings.Join(p.Resources()[0].Reserved, " "); got != "a x-user-id" {
		t.Errorf("%q", got)
	}
}

func TestAllowsWebhook(t *testing.T) {
	p := &Policy{Webhooks: []string{"a", "b:81", "[::1]", "[::2]:9"}}
	for hostport, want := range map[string]bool{
		"a:1": true, "b:81": true, "b:82": false, "c:1": false, "[::1]:5": true, "[::2]:9": true, "[::2]:8": false,
	} {
		host, port := httpfield.SplitPort(hostport)
		if got := p.AllowsWebhook(host, port); got != want {
			t.Errorf("%s: %v", hostport, got)
		}
	}
}

// Find never panics, and never finds a path with a dot segment.
func FuzzFind(f *testing.F) {
	p := mustLoad(f, api)
	for _, s := range []string{"/", "/v1/api/shop/files/a/%2e", "/a//b", "/%", "/%2", "/\xff", "*", "", "/v1/api/shop/crud/m/u/read?x", "/%2e%2e;/x", "/a%3bb"} {
		f.Add("GET", "a.example:80", s)
	}
	f.Add("POST", "[::1]", "/v1/api/shop/services/s/e")
	f.Add("POST", "[:", "/v1/api/shop/services/s/e")
	f.Fuzz(func(t *testing.T, method, host, path string) {
		m, err := p.Find(method, host, path)
		if (err == nil) != (m.Resource != nil) {
			t.Fatalf("%v %v", m, err)
		}
		raw, _, _ := strings.Cut(path, "?")
		for _, bad := range []string{"//", "/../", "\\", "%2f", "%2F", "%5c", "%5C", "%00", "\x00", "#", ";", "%3b", "%3B"} {
			if err == nil && strings.Contains(raw+"/", bad) && bad != "//" {
				t.Fatalf("%q was let in", path)
			}
		}
		for _, v := range m.Vars {
			if text, _ := v.Value.Text(); text == ".." || v.Value.Kind() != value.String {
				t.Fatalf("%v", m.Vars)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	var text strings.Builder
	text.WriteString("routes:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "- {match: {path: '/v1/r%d/{id}', methods: [GET]}, rule: {rule: match, type: string, eval: '==', f1: args.auth.id, f2: args.request.vars.id}}\n", i)
	}
	doc := document(b, text.String())
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Load(doc, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
