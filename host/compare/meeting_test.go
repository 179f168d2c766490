package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/policy"
)

// load loads a policy that is written in the test.
func load(t testing.TB, text string) *policy.Policy {
	t.Helper()
	f, err := policyfile.Parse("policy.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := policy.Load(f.Doc, policy.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

// routed writes a policy with one route a line: `name METHODS host/path`.
func routed(lines string) string {
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

func nameOf(r *policy.Resource) string {
	if r == nil {
		return "-"
	}
	return r.Name
}

// shown writes meetings, one a line: `old new METHOD host/path`, with the first of
// their targets.
func shown(ms []*meeting) string {
	var lines []string
	for _, m := range ms {
		at := m.targets[0]
		host := strings.TrimPrefix(at.host, "localhost")
		line := fmt.Sprintf("%s %s %s %s%s %s", nameOf(m.resources[0]), nameOf(m.resources[1]), at.method, host, at.path(), at.event)
		lines = append(lines, strings.TrimSuffix(line, " "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestMeetings(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"the same routes": {
			"a GET /a\nb POST /a", "a GET /a\nb POST /a",
			"a a GET /a\nb b POST /a",
		},
		"a new route shadows a part of another": {
			"a GET /v1/{x}", "a GET /v1/{x}\nb GET /v1/me",
			"a a GET /v1/x\na b GET /v1/me",
		},
		"a literal that hides a segment's text": {
			"a GET /{x}/c\nb GET /a/b", "a GET /{x}/c\nb GET /a/b",
			"a a GET /x/c\nb b GET /a/b",
		},
		"the rest": {
			"a - /{all...}", "a - /{all...}\nb - /v1/{x}/y\nc - /v1/{x...}",
			"a a GET /\na b GET /v1/x/y\na c GET /v1",
		},
		"a route that is gone": {"a GET /a\nb GET /b", "a GET /a", "a a GET /a\nb - GET /b"},
		"methods": {
			"a GET,POST /a", "a GET /a\nb - /a",
			"- b PUT /a\na a GET /a\na b POST /a",
		},
		"a rare method": {"a - /a", "a - /a\nb PURGE /a", "a a GET /a\na b PURGE /a"},
		"hosts": {
			"a - *.x.y/\nb - /", "a - q.x.y/\nb - /",
			"a a GET q.x.y/\na b GET x.x.y/\nb b GET /",
		},
		"a text that a literal has already": {"a - /x\nb - /{p}", "c - /{q}", "a c GET /x\nb c GET /x2"},
		"texts behind variables": {
			"a - /{p}", "a - /{p}\nb POST /{p}:go\nc - /{p}.json\nd - /{p}.tar.json\ne - /x.json",
			"a - GET /x:go\na a GET /x\na b POST /x:go\na c GET /x2.json\na d GET /x.tar.json\na e GET /x.json",
		},
		"the host of a policy is localhost": {"a - localhost/\nb - /", "a - /", "a a GET /\nb a GET 2/"},
	} {
		got := shown(meetings([2]*policy.Policy{load(t, routed(c.old)), load(t, routed(c.new))}))
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestMeetingsOfTheAPI(t *testing.T) {
	const head = "project: p\n"
	old := load(t, head+`
services: {s: {endpoints: {e: {rule: {rule: allow}}, f: {rule: {rule: allow}}}}}
events: {a: {rule: {rule: allow}}, default: {rule: {rule: deny}}}
databases: {d: {type: embedded, collections: {c: {rules: {read: {rule: allow}}}, default: {rules: {read: {rule: deny}, create: {rule: deny}}}}, queries: {q: {rule: {rule: allow}}}}}
files: [{prefix: "/u/:id", rules: {read: {rule: allow}}}]
`)
	changed := load(t, head+`
services: {s: {endpoints: {e: {rule: {rule: allow}}}}}
events: {a: {rule: {rule: allow}}, b: {rule: {rule: allow}}}
databases: {d: {type: embedded, collections: {c: {rules: {read: {rule: allow}, create: {rule: allow}}}, default: {rules: {read: {rule: deny}}}}, queries: {q: {rule: {rule: deny}}, default: {rule: {rule: deny}}}}}
files: [{prefix: "/u/:id", rules: {read: {rule: allow}}}, {prefix: /u/me/x, rules: {delete: {rule: allow}}}]
`)
	want := strings.Join([]string{
		"- databases.d.queries.default POST /v1/api/p/crud/d/prepared-queries/x",
		"- files[/u/me/x].delete DELETE /v1/api/p/files/u/me/x",
		"databases.d.c.read databases.d.c.read POST /v1/api/p/crud/d/c/read",
		"databases.d.default.create - POST /v1/api/p/crud/d/x/create",
		"databases.d.default.create databases.d.c.create POST /v1/api/p/crud/d/c/create",
		"databases.d.default.read databases.d.default.read POST /v1/api/p/crud/d/x/read",
		"databases.d.queries.q databases.d.queries.q POST /v1/api/p/crud/d/prepared-queries/q",
		"events.a events.a POST /v1/api/p/eventing/queue a",
		"events.default - POST /v1/api/p/eventing/queue event",
		"events.default events.b POST /v1/api/p/eventing/queue b",
		"files[/u/:id].read - GET /v1/api/p/files/u/me/x",
		"files[/u/:id].read files[/u/:id].read GET /v1/api/p/files/u/x",
		"services.s.e services.s.e POST /v1/api/p/services/s/e",
		"services.s.f - POST /v1/api/p/services/s/f",
	}, "\n")
	if got := shown(meetings([2]*policy.Policy{old, changed})); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The requests that stand for the pairs are all there are: any other request is
// decided by a pair that has a target.
func FuzzMeetings(f *testing.F) {
	f.Add("a GET /v1/{x}\nb - /{x...}", "c GET,POST /v1/{x...}\nd - *.x.y/v1/{q}/z", "GET", "a.x.y", "/v1/1/z")
	f.Add("a - /{x}/b/{y}\nb GET /a/{z}/c", "c PUT /a/b/c\nd - q.x.y/a/{r...}", "PUT", "q.x.y", "/a/b/c")
	f.Fuzz(func(t *testing.T, old, changed, method, host, path string) {
		var pair [2]*policy.Policy
		for i, lines := range []string{old, changed} {
			for line := range strings.Lines(lines) {
				if len(strings.Fields(line)) != 3 {
					return
				}
			}
			file, err := policyfile.Parse("p.yaml", []byte(routed(lines)))
			if err != nil {
				return
			}
			if pair[i], _, err = policy.Load(file.Doc, policy.Options{}); err != nil {
				return
			}
		}
		var asked [2]*policy.Resource
		for i, p := range pair {
			if m, err := p.Find(method, host, path); err == nil {
				asked[i] = m.Resource
			}
		}
		if asked == [2]*policy.Resource{} {
			return
		}
		for _, m := range meetings(pair) {
			if m.resources == asked {
				return
			}
		}
		t.Errorf("%s %s%s: %s %s has no target", method, host, path, nameOf(asked[0]), nameOf(asked[1]))
	})
}
