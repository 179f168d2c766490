package spacecloud

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/policyfile"
	"go.yaml.in/yaml/v4"
)

// TestRule shows how rules are translated.
func TestRule(t *testing.T) {
	for _, tt := range []struct {
		name, rule string
		ingress    bool
		want       string // "": no rule
	}{
		{name: "copied", rule: `{rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.doc.owner}`,
			want: `{rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.doc.owner}`},
		{name: "an id", rule: `{rule: allow, id: all}`, want: `{rule: allow, name: all}`},
		{name: "left over by the console", rule: `{rule: authenticated, type: string, eval: "==", f1: a, f2: b, clauses: []}`, want: `{rule: authenticated}`},
		{name: "empty fields", rule: `{rule: match, type: string, eval: "==", f1: args.auth.id, f2: "", error: "", clause: null, store: ""}`,
			want: `{rule: match, type: string, eval: "==", f1: args.auth.id, f2: ""}`},
		{name: "a field of another rule stays, and is a fault", rule: `{rule: match, type: string, eval: "==", f1: args.auth.id, f2: a, url: x}`,
			want: `{rule: match, type: string, eval: "==", f1: args.auth.id, f2: a, url: x}`},
		{name: "no clause", rule: `{rule: force, field: args.doc.a, value: 1, clause: {rule: ""}}`, want: `{rule: force, field: args.doc.a, value: 1}`},
		{name: "null", rule: `null`},
		{name: "empty", rule: `{}`},
		{name: "no name", rule: `{rule: ""}`},
		{name: "numbers as texts", rule: `{rule: match, type: number, eval: ">", f1: args.doc.n, f2: "-1.5e3"}`, want: `{rule: match, type: number, eval: ">", f1: args.doc.n, f2: -1.5e3}`},
		{name: "no number", rule: `{rule: match, type: number, eval: ">", f1: args.doc.n, f2: "0x10"}`, want: `{rule: match, type: number, eval: ">", f1: args.doc.n, f2: "0x10"}`},
		{name: "bool as a text", rule: `{rule: match, type: bool, eval: "==", f1: args.doc.b, f2: "true"}`, want: `{rule: match, type: bool, eval: "==", f1: args.doc.b, f2: true}`},
		{name: "bool for texts", rule: `{rule: match, type: bool, eval: "==", f1: args.doc.b, f2: yes sir}`, want: `{rule: match, type: string, eval: "==", f1: args.doc.b, f2: yes sir}`},
		{name: "a function", rule: `{rule: match, type: number, eval: ">", f1: length(args.doc.n), f2: 1}`, want: `{rule: match, type: number, eval: ">", f1: utils.length(args.doc.n), f2: 1}`},
		{name: "an operator of an update", rule: `{rule: force, field: args.$set.by, value: args.auth.id}`, want: `{rule: force, field: args.update.$set.by, value: args.auth.id}`},
		{name: "cache", rule: `{rule: query, db: d, col: c, find: {}, cache: {ttl: 5}, clause: {rule: allow}}`, want: `{rule: query, db: d, col: c, cache: 5s, clause: {rule: allow}}`},
		{name: "no cache", rule: `{rule: query, db: d, col: c, cache: {ttl: 0}, clause: {rule: allow}}`, want: `{rule: query, db: d, col: c, clause: {rule: allow}}`},
		{name: "claims", rule: `{rule: webhook, url: "https://h/x", template: go, claims: '{"a": "{{.args.auth.id}}", "b": {{ .args.params.n }}, "c": 1}'}`,
			want: `{rule: webhook, url: "https://h/x", claims: {a: args.auth.id, b: args.params.n, c: 1}}`},
		{name: "claims that are no object", rule: `{rule: webhook, url: "https://h/x", claims: '{"a": "user {{.args.auth.id}}"}'}`,
			want: `{rule: webhook, url: "https://h/x", claims: '{"a": "user {{.args.auth.id}}"}'}`},
		{name: "ingress", ingress: true, rule: `{rule: and, clauses: [{rule: match, type: string, eval: in, f1: args.query.params.a.0, f2: [args.query.headers.X-A, args.query.path]}]}`,
			want: `{rule: and, clauses: [{rule: match, type: string, eval: in, f1: args.request.query.a, f2: [args.request.headers.x-a, args.request.path]}]}`},
		{name: "the segments of a path stay, and are a fault", ingress: true, rule: `{rule: match, type: string, eval: "==", f1: args.query.pathArray.1, f2: a}`,
			want: `{rule: match, type: string, eval: "==", f1: args.query.pathArray.1, f2: a}`},
		{name: "not of ingress", rule: `{rule: match, type: string, eval: "==", f1: args.query.path, f2: a}`, want: `{rule: match, type: string, eval: "==", f1: args.query.path, f2: a}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &writer{Draft: importer.NewDraft("p"), project: &project{}}
			got := ""
			if n := w.rule(node(t, tt.rule), "", "", tt.ingress); n != nil {
				got = rendered(t, n)
			}
			want := ""
			if tt.want != "" {
				want = rendered(t, node(t, tt.want))
			}
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func node(t *testing.T, text string) *yaml.Node {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Content[0]
}

func rendered(t *testing.T, n *yaml.Node) string {
	t.Helper()
	unquote(n)
	text, err := (&importer.Draft{Policy: n}).Render()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// FuzzImport: whatever a file holds, an import ends without a panic, in a draft that
// loads or in an error.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		"id: p\nsecret: s\nmodules: {db: {d: {type: mongo, conn: x, collections: {c: {rules: {read: {rule: allow}}}}}}}",
		"projects: [{id: p, modules: {functions: {rules: {s: {f: {rule: deny}}}}}}]",
		"type: ingress-route\nspec: {source: {hosts: ['*'], url: /a}, rule: {rule: match, f1: 1}}\nmeta: {project: p}",
		"type: filestore-rule\nspec: {prefix: /a/:b, rule: {read: {rule: webhook, url: 'http://a b'}}}\nmeta: {}",
		"type: db-rules\nspec: [1]\nmeta: [2]",
		"projects: {a: 1, b: [{}], c: {projectConfig: x}}",
		"id: p\nsecrets: [{alg: RS256, publicKey: x, isPrimary: true}, {alg: x}, 1]\naesKey: x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			t.Skip("long texts take time and show nothing new")
		}
		file, err := policyfile.ParseDocuments("config.yaml", []byte(text))
		if err != nil {
			return
		}
		drafts, err := Import([]*policyfile.Documents{file})
		if err != nil {
			return
		}
		for _, d := range drafts {
			if _, err := d.Settle(); err != nil {
				t.Errorf("%s\n%v", text, err)
			}
		}
	})
}
