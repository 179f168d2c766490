package assist

import (
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
)

// at cuts the cursor, a ‸, out of a text.
func at(t testing.TB, path, text string) (Document, Position) {
	t.Helper()
	before, after, ok := strings.Cut(text, "‸")
	if !ok {
		t.Fatalf("no cursor in %q", text)
	}
	lines := strings.Split(before, "\n")
	return Document{path, before + after}, Position{len(lines), len([]rune(lines[len(lines)-1])) + 1}
}

const policyText = `define:
  owner: {rule: match, type: string, eval: "==", f1: args.auth.id, f2: args.request.vars.user}
auth:
  tokens:
    - {name: own, alg: HS256, secret: "${JWT_SECRET}"}
databases:
  shop:
    type: embedded
    conn: shop.db
    collections:
      orders: {rules: {read: {rule: allow}}}
routes:
  - match: {path: "/v1/users/{user}/{rest...}"}
`

// apply returns the text after an edit.
func apply(text string, edits ...Edit) string {
	for _, e := range slices.Backward(edits) {
		lines := strings.SplitAfter(text, "\n")
		offset := func(p Position) int {
			n := 0
			for _, line := range lines[:min(p.Line-1, len(lines))] {
				n += len(line)
			}
			if p.Line-1 < len(lines) {
				r := []rune(lines[p.Line-1])
				n += len(string(r[:min(p.Column-1, len(r))]))
			}
			return n
		}
		from, to := offset(e.Range.Start), offset(e.Range.End)
		text = text[:from] + e.Text + text[to:]
	}
	return text
}

func TestComplete(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string // the first labels
		none []string // labels that must not be there
	}{
		"a section":                           {"ro‸", []string{"routes"}, []string{"auth"}},
		"the needed keys first":               {"routes:\n  - ‸", []string{"match", "rule", "name"}, nil},
		"the keys of a rule without its name": {"routes:\n  - match: {path: /a}\n    rule: {‸}", []string{"rule"}, []string{"f1"}},
		"the keys of a match":                 {"routes:\n  - match: {path: /a}\n    rule: {rule: match, type: string, ‸", []string{"eval", "f1", "f2"}, []string{"rule", "type", "clauses"}},
		"in a block":                          {"routes:\n  - match: {path: /a}\n    rule:\n      rule: match\n      e‸\n    name: x\n", []string{"eval", "error"}, nil},
		"the names of rules":                  {"routes:\n  - match: {path: /a}\n    rule: {rule: f‸}", []string{"force", "filter"}, []string{"match"}},
		"whole rules":                         {"routes:\n  - match: {path: /a}\n    rule: ‸\n", []string{"allow", "authenticated", "deny", "match"}, []string{"args.auth"}},
		"whole clauses":                       {"routes:\n  - match: {path: /a}\n    rule: {rule: and, clauses: [a‸]}\n", []string{"allow", "authenticated", "and"}, nil},
		"evals by type":                       {"routes:\n  - rule: {rule: match, type: bool, eval: ‸, f1: a}\n", []string{"==", "!="}, []string{"<", "in"}},
		"evals in quotes":                     {"routes:\n  - rule: {rule: match, type: ip, eval: \"‸\"}\n", []string{"==", "in", "notIn"}, []string{"<"}},
		"types":                               {"routes:\n  - rule: {rule: match, type: d‸}\n", []string{"date"}, []string{"string"}},
		"paths of a route":                    {policyText + "    rule: {rule: match, type: string, eval: \"==\", f1: args.request.v‸}\n", []string{"args.request.vars", "args.request.vars.user", "args.request.vars.rest"}, []string{"args.res", "args.doc"}},
		"paths of a response":                 {"routes:\n  - match: {path: /a}\n    response: {rule: remove, fields: args.res‸", []string{"args.res", "args.response"}, []string{"utils.now"}},
		"paths of a database":                 {"databases:\n  shop:\n    collections:\n      a: {rules: {read: {rule: match, f1: args.f‸}}}\n", []string{"args.find"}, []string{"args.params"}},
		"functions":                           {"routes:\n  - rule: {rule: match, f1: utils.d‸}\n", []string{"utils.date", "utils.datePart", "utils.default"}, nil},
		"the element":                         {"routes:\n  - rule: {rule: some, field: args.auth.teams, clause: {rule: match, f1: it‸}}\n", []string{"item"}, nil},
		"named rules":                         {policyText + "    rule: {rule: use, of: ‸}\n", []string{"owner"}, []string{"allow"}},
		"databases":                           {policyText + "    rule: {rule: query, db: ‸}\n", []string{"shop"}, nil},
		"collections":                         {policyText + "    rule: {rule: query, db: shop, col: ‸}\n", []string{"orders"}, nil},
		"providers":                           {policyText + "    auth: {providers: [‸]}\n", []string{"own"}, nil},
		"words":                               {policyText + "    auth: ‸\n", []string{"required", "optional", "none"}, nil},
		"booleans":                            {"auth:\n  forward: ‸\n", []string{"true", "false"}, nil},
		"codes of warnings":                   {"routes:\n  - lint: {off: [or‸]}\n", []string{"or-allow"}, nil},
		"beside JSON":                         {`{"routes": [{"rule": {"rule": "ma‸"}}]}`, []string{"match"}, nil},
		"nothing in a comment":                {"routes: # ‸\n", nil, []string{"match"}},
		"a text of one's own":                 {"project: ‸\n", nil, []string{"true"}},
	} {
		t.Run(name, func(t *testing.T) {
			d, p := at(t, "policy.yaml", test.text)
			var got []string
			for _, i := range d.Complete(p) {
				got = append(got, i.Label)
			}
			if len(got) < len(test.want) || !slices.Equal(got[:len(test.want)], test.want) {
				t.Errorf("got %v, want %v first", got, test.want)
			}
			for _, x := range test.none {
				if slices.Contains(got, x) {
					t.Errorf("%s is among %v", x, got)
				}
			}
		})
	}
}

func TestCompletedText(t *testing.T) {
	for _, test := range []struct{ text, label, want string }{
		{"ro‸", "routes", "routes: "},
		{"routes:\n  - rule: {r‸: allow}", "rule", "routes:\n  - rule: {rule: allow}"},
		{"routes:\n  - rule: {rule: match, type: bool, eval: ‸}", "==", "routes:\n  - rule: {rule: match, type: bool, eval: \"==\"}"},
		{"routes:\n  - rule: {rule: match, type: bool, eval: \"=‸\"}", "==", "routes:\n  - rule: {rule: match, type: bool, eval: \"==\"}"},
		{"routes:\n  - rule: {rule: match, f1: args.au‸, f2: x}", "args.auth", "routes:\n  - rule: {rule: match, f1: args.auth, f2: x}"},
		{"routes:\n  - rule: ma‸", "match", "routes:\n  - rule: {rule: match, type: $1, eval: \"${2:==}\", f1: $3, f2: $4}"},
		{"routes:\n  - rule: an‸", "and", "routes:\n  - rule: {rule: and, clauses: [$1]}"},
	} {
		d, p := at(t, "policy.yaml", test.text)
		found := false
		for _, i := range d.Complete(p) {
			if i.Label == test.label && !found {
				found = true
				if got := apply(d.Text, i.Edit); got != test.want {
					t.Errorf("%q: got %q, want %q", test.text, got, test.want)
				}
			}
		}
		if !found {
			t.Errorf("%q: no %s", test.text, test.label)
		}
	}
}

func TestHover(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"rou‸tes: []", "The most specific match decides"},
		{"routes:\n  - {match: {path: /a}, rule: {rule: mat‸ch, f1: a}}", "`match` is yes when: the comparison holds."},
		{"routes:\n  - {match: {path: /a}, rule: {ru‸le: query}}", "without `clause`: there is a row"},
		{"routes:\n  - {rule: {rule: match, type: bool, eval: \"‸==\"}}", "`bool`"},
		{"routes:\n  - {rule: {rule: match, f1: \"utils.len‸gth(args.auth.teams)\"}}", "the elements of an array or object"},
		{"routes:\n  - {rule: {rule: match, f1: \"utils.length(args.au‸th.teams)\"}}", "the claims of the token"},
		{"routes:\n  - {rule: {rule: match, f1: args.request.ip‸}}", "the address of the client"},
		{"routes:\n  - {rule: {rule: some, clause: {rule: match, f1: item.i‸d}}}", "the element"},
		{"routes:\n  - {lint: {off: [or-al‸low]}}", "A branch of an or is always yes"},
		{"limits: {ste‸ps: 3}", "The work that one evaluation"},
	} {
		d, p := at(t, "policy.yaml", test.text)
		got, _ := d.Hover(p)
		if !strings.Contains(got.Markdown, test.want) {
			t.Errorf("%q: got %q, want %q in it", test.text, got.Markdown, test.want)
		}
	}
}

// Every rule, function and type has a text of LANGUAGE.md.
func TestEverythingHasAText(t *testing.T) {
	p := start(Policy.schema(), nil)
	one := place{root: p.root}
	one.add(reference("rule"))
	for _, c := range one.member("rule", nil).choices() {
		if len(rules.RuleText(c.text)) < 20 {
			t.Errorf("rule %s: %q", c.text, rules.RuleText(c.text))
		}
	}
	for _, c := range []string{"string", "number", "bool", "date", "ip", "any"} {
		if rules.TypeText(c) == "" {
			t.Errorf("no text about the type %s", c)
		}
	}
	for _, name := range rules.Functions() {
		if !strings.Contains(rules.FunctionText(name), ": ") {
			t.Errorf("no text about utils.%s: %q", name, rules.FunctionText(name))
		}
	}
}

func TestDefinitionAndUses(t *testing.T) {
	uses := policyText + `    rule:
      rule: and
      clauses:
        - {rule: use, of: owner}
        - {rule: query, db: shop, col: orders, find: {user: args.request.vars.user}}
    auth: {providers: [own]}
  - {match: {path: "/v2/{user}"}, rule: {rule: match, type: string, eval: "==", f1: args.request.vars.user, f2: x}}
`
	for _, test := range []struct {
		find       string // the cursor is in the middle of its last occurrence
		definition int    // line
		uses       int
	}{
		{"of: owner", 2, 1},
		{"db: shop", 7, 1},
		{"col: orders", 11, 1},
		{"providers: [own", 5, 1},
		{"find: {user: args.request.vars.user", 13, 1},
	} {
		i := strings.LastIndex(uses, test.find) + len(test.find)
		d, p := at(t, "policy.yaml", uses[:i-1]+"‸"+uses[i-1:])
		got := d.Definition(p)
		if len(got) != 1 || got[0].Range.Start.Line != test.definition {
			t.Errorf("%s: defined at %v, want line %d", test.find, got, test.definition)
		}
		if all := d.Uses(p); len(all) != test.uses {
			t.Errorf("%s: %d uses, want %d: %v", test.find, len(all), test.uses, all)
		}
	}
}
