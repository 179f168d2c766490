package route

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	someHosts    = []string{"", "a.example", "b.a.example", "*.a.example", "*.example"}
	someSegments = []string{"x", "y", "{v}", "ä+b", "a.b", "{v}.b", "{v}a.b"}
	someMethods  = []string{"", "GET", "POST", "GET,POST"}
)

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// randomTable returns a table of routes that do not tie.
func randomTable(r *rand.Rand) *Table[string] {
	var t Table[string]
	if r.IntN(3) == 0 {
		t.API = API[string]{Base: []string{"x"}, Services: map[string]map[string]*string{}}
		someSegments = append(someSegments[:7:7], "services")
	}
	for range 1 + r.IntN(8) {
		path := ""
		for i := range r.IntN(4) {
			path += "/" + strings.Replace(pick(r, someSegments), "{v}", "{"+string(rune('a'+i))+"}", 1)
		}
		if r.IntN(3) == 0 {
			path += "/{rest...}"
		}
		template, err := ParseTemplate("/" + strings.TrimPrefix(path, "/"))
		if err != nil || t.API.Decides(template) != "" {
			continue
		}
		route := &Route[string]{Host: pick(r, someHosts), Path: template}
		if m := pick(r, someMethods); m != "" {
			route.Methods = strings.Split(m, ",")
		}
		name := "route " + route.Host + template.Shape() + strings.Join(route.Methods, ",")
		route.Resource = &name
		t.Routes.Add(route)
	}
	return &t
}

// randomPath returns a path as a proxy has normalized it.
func randomPath(r *rand.Rand) string {
	path := ""
	for range r.IntN(4) {
		s := pick(r, []string{"x", "y", "z", "ä+b", "a.b", "axb", "services", "aa.b", ".b"})
		switch r.IntN(3) {
		case 0:
			s = url.PathEscape(s)
		case 1:
			s = strings.ToLower(url.QueryEscape(s))
		default:
			s = strings.ReplaceAll(s, "ä", "%C3%a4")
		}
		path += "/" + s
	}
	if path == "" || r.IntN(4) == 0 {
		path += "/"
	}
	return path
}

// The first entry whose expressions match a request is the route that Find chooses.
func TestEntriesAgreeWithFind(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	found := map[string]int{}
	for range 2000 {
		table := randomTable(r)
		entries := table.Entries()
		for range 20 {
			method, path := pick(r, []string{"GET", "HEAD", "POST", "PUT"}), randomPath(r)
			host := pick(r, []string{"a.example", "B.a.example:80", "c.b.a.example.", "a.example.", "z.example:1", "xa.example", "other", "a.exampleX"})
			i := slices.IndexFunc(entries, func(e Entry[string]) bool {
				return matches(t, e.Path.Regexp(), path) && (e.Host == "" || matches(t, HostRegexp(e.Host), host)) &&
					(e.Methods == nil || slices.Contains(e.Methods, strings.Replace(method, "HEAD", "GET", 1)))
			})
			m, err := table.Find(method, host, path)
			want, ok := "", false
			switch {
			case i < 0:
				want, ok = "none", errors.Is(err, ErrNotCovered)
			case entries[i].Resource == nil:
				want, ok = "the API", errors.Is(err, ErrNotCovered)
			case entries[i].Unlisted:
				want, ok = "no method of "+*entries[i].Resource, errors.Is(err, ErrMethod)
			default:
				want, ok = *entries[i].Resource, err == nil && m.Resource == entries[i].Resource
			}
			found[strings.Fields(want)[0]]++
			if !ok {
				t.Fatalf("%s %s%s: the entries say %s, Find %v %v\n%+v", method, host, path, want, m.Resource, err, entries)
			}
			serving := table.Covering(method, host, path)
			if i < 0 && serving != nil || i >= 0 && (serving == nil) != (entries[i].Resource == nil) {
				t.Fatalf("%s %s%s: the entries say %s, Covering %v", method, host, path, want, serving)
			}
		}
	}
	for _, want := range []string{"none", "the", "no"} {
		if found[want] < 50 {
			t.Errorf("%q was tried %d times only", want, found[want])
		}
	}
}

var expressions = map[string]*regexp.Regexp{}

func matches(t *testing.T, expr, text string) bool {
	t.Helper()
	if expressions[expr] == nil {
		var err error
		if expressions[expr], err = regexp.Compile(`^(?:` + expr + `)$`); err != nil {
			t.Fatal(err)
		}
	}
	return expressions[expr].MatchString(text)
}

// Two entries overlap if some request matches both.
func TestOverlaps(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	both := 0
	for range 300 {
		entries := randomTable(r).Entries()
		for range 30 {
			path, host := randomPath(r), pick(r, []string{"a.example", "b.a.example", "c.b.a.example", "z.example", "other"})
			var of []*Entry[string]
			for i := range entries {
				e := &entries[i]
				if matches(t, e.Path.Regexp(), path) && (e.Host == "" || matches(t, HostRegexp(e.Host), host)) {
					of = append(of, e)
				}
			}
			for _, a := range of {
				for _, b := range of {
					if both++; !a.Overlaps(b) {
						t.Fatalf("%s%s is one of %+v and %+v", host, path, *a, *b)
					}
				}
			}
		}
	}
	if both < 1000 {
		t.Errorf("%d pairs only", both)
	}
	for a, b := range map[string]string{"/a/{x}": "/b/{x}", "/a": "/a/b", "/a/b": "/a/c/{r...}"} {
		s, _ := ParseTemplate(a)
		u, _ := ParseTemplate(b)
		if s.Overlaps(u) || u.Overlaps(s) {
			t.Errorf("%s and %s share no path", a, b)
		}
	}
}
