package compare

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// attribute is a place of a request with all values that it has in the exhaustive
// domain.
type attribute struct {
	path   string
	typ    string
	tests  []string // matches of it; %s is its path
	domain []string // JSON texts; "" for none
}

// attributes are the small domains of the random policies. Each holds a value of
// every class that the tests tell apart, and values of other types.
var attributes = []attribute{
	{"args.auth.role", "string", []string{
		`{rule: match, type: string, eval: "==", f1: %s, f2: a}`, `{rule: match, type: string, eval: "!=", f1: %s, f2: b}`,
		`{rule: match, type: string, eval: in, f1: %s, f2: [a, b]}`, `{rule: match, type: string, eval: notIn, f1: %s, f2: [b, c]}`,
		`{rule: match, type: string, eval: in, f1: %s, f2: [a, b, c]}`, `{rule: match, type: string, eval: startsWith, f1: %s, f2: a}`,
		`{rule: match, type: bool, eval: "==", f1: utils.exists(%s), f2: true}`, `{rule: match, type: string, eval: "==", f1: utils.lower(%s), f2: a}`,
		`{rule: match, type: string, eval: "==", f1: "utils.default(%s, 'b')", f2: b}`,
	}, []string{``, `null`, `"a"`, `"b"`, `"c"`, `"d"`, `"ab"`, `"A"`, `7`, `[]`}},
	{"args.params.n", "number", []string{
		`{rule: match, type: number, eval: "<", f1: %s, f2: 2}`, `{rule: match, type: number, eval: "<=", f1: %s, f2: 2}`, `{rule: match, type: number, eval: ">", f1: %s, f2: 1}`,
		`{rule: match, type: number, eval: ">=", f1: %s, f2: 3}`, `{rule: match, type: number, eval: "==", f1: %s, f2: 2}`, `{rule: match, type: number, eval: in, f1: %s, f2: [1, 3]}`,
		`{rule: match, type: number, eval: "!=", f1: %s, f2: 1}`,
	}, []string{``, `0`, `1`, `1.5`, `2`, `2.5`, `3`, `4`, `"2"`, `null`}},
	{"args.auth.on", "bool", []string{
		`{rule: match, type: bool, eval: "==", f1: %s, f2: true}`, `{rule: match, type: bool, eval: "!=", f1: %s, f2: true}`,
	}, []string{``, `true`, `false`, `"true"`}},
	{"args.auth.id", "string", []string{
		`{rule: match, type: string, eval: "==", f1: %s, f2: args.params.owner}`, `{rule: match, type: string, eval: "!=", f1: %s, f2: args.params.owner}`,
		`{rule: match, type: any, eval: "==", f1: %s, f2: args.params.owner}`, `{rule: match, type: string, eval: in, f1: %s, f2: [x, args.params.owner]}`,
	}, []string{``, `"u"`, `"v"`, `"x"`, `null`}},
	{"args.params.owner", "string", []string{`{rule: match, type: string, eval: "==", f1: %s, f2: u}`}, []string{``, `"u"`, `"v"`, `"x"`, `3`, `null`}},
	{"args.auth.teams", "array", []string{
		`{rule: match, type: string, eval: in, f1: a, f2: %s}`, `{rule: match, type: string, eval: notIn, f1: a, f2: %s}`,
		`{rule: some, field: %s, clause: {rule: match, type: string, eval: "==", f1: item, f2: a}}`,
		`{rule: every, field: %s, clause: {rule: match, type: string, eval: "!=", f1: item, f2: b}}`,
	}, []string{``, `[]`, `["a"]`, `["b"]`, `["c"]`, `[1]`, `["a","b"]`, `["b","c"]`, `[1,"a"]`, `[1,"b"]`, `"a"`}},
}

// generator writes random rules over some attributes.
type generator struct {
	*rand.Rand
	attributes []attribute
}

func (g *generator) test() string {
	a := g.attributes[g.IntN(len(g.attributes))]
	return fmt.Sprintf(a.tests[g.IntN(len(a.tests))], a.path)
}

// rule writes a rule of tests.
func (g *generator) rule(depth int) string {
	extra := ""
	if g.IntN(6) == 0 {
		extra = fmt.Sprintf(", status: %d", 404+5*g.IntN(2))
	}
	switch n := g.IntN(10); {
	case depth == 0 || n < 4:
		return strings.TrimSuffix(g.test(), "}") + extra + "}"
	case n < 9:
		var clauses []string
		for range 2 + g.IntN(2) {
			clauses = append(clauses, g.rule(depth-1))
		}
		return fmt.Sprintf("{rule: %s, clauses: [%s]%s}", []string{"and", "or"}[g.IntN(2)], strings.Join(clauses, ", "), extra)
	}
	return fmt.Sprintf("{rule: not, clause: %s%s}", g.rule(depth-1), extra)
}

// action writes an action with a guard.
func (g *generator) action() string {
	guard := ""
	if g.IntN(3) > 0 {
		guard = ", clause: " + g.rule(1)
	}
	switch g.IntN(4) {
	case 0:
		return "{rule: force, field: args.params.by, value: args.auth.id" + guard + "}"
	case 1:
		return "{rule: remove, fields: [args.params.owner]" + guard + "}"
	case 2:
		return "{rule: remove, fields: [res.salary]" + guard + "}"
	}
	return "{rule: force, field: res.note, value: x" + guard + "}"
}

// policy writes a policy with one route.
func (g *generator) policy() string {
	rule := g.rule(2)
	for range g.IntN(3) {
		rule = fmt.Sprintf("{rule: and, clauses: [%s, %s]}", rule, g.action())
	}
	auth := []string{"", ", auth: optional", ", auth: required"}[g.IntN(3)]
	return fmt.Sprintf("auth: {tokens: [{alg: HS256, secret: s}]}\nroutes:\n- {match: {methods: [POST], path: /a}%s, rule: %s}\n", auth, rule)
}

// mutant writes the policy with a small change.
func (g *generator) mutant(policy string) string {
	for range 20 {
		from, to := [2]string{`"<"`, `"<="`}, g.IntN(2)
		switch g.IntN(7) {
		case 0:
			from = [2]string{"f2: 2}", "f2: 3}"}
		case 1:
			from = [2]string{`"=="`, `"!="`}
		case 2:
			from = [2]string{"[a, b]", "[a, b, c]"}
		case 3:
			from = [2]string{"rule: and", "rule: or"}
		case 4:
			from = [2]string{"rule: some", "rule: every"}
		case 5:
			from = [2]string{", auth: optional", ", auth: required"}
		case 6:
			from = [2]string{"[res.salary]", "[args.params.owner]"}
		}
		n := strings.Count(policy, from[to])
		if n == 0 {
			continue
		}
		at := 0
		for range 1 + g.IntN(n) {
			at += strings.Index(policy[at:], from[to]) + 1
		}
		at--
		return policy[:at] + from[1-to] + policy[at+len(from[to]):]
	}
	return policy
}

// twice writes the policy with its rule in an and with itself, which says the same.
func twice(policy string) string {
	head, rule, _ := strings.Cut(policy, ", rule: ")
	rule = strings.TrimSuffix(rule, "}\n")
	return fmt.Sprintf("%s, rule: {rule: and, clauses: [%s, %s]}}\n", head, rule, rule)
}

// exhaustive decides every request of the domain by both policies, and returns the
// keys of the differences.
func exhaustive(t *testing.T, e *engine, attributes []attribute) map[string]bool {
	found := map[string]bool{}
	at := make([]int, len(attributes))
	for {
		args := value.Obj()
		for i, a := range attributes {
			if text := a.domain[at[i]]; text != "" {
				args, _ = args.Set(strings.Split(a.path, ".")[1:], value.Checked(text))
			}
		}
		for _, token := range []tokenChoice{{}, {sent: true, valid: true}} {
			decideBoth(t, e, args, token, found)
		}
		i := 0
		for ; i < len(at); i++ {
			if at[i]++; at[i] < len(attributes[i].domain) {
				break
			}
			at[i] = 0
		}
		if i == len(at) {
			return found
		}
	}
}

// decideBoth decides requests with the args, which it writes by itself.
func decideBoth(t *testing.T, e *engine, args value.Value, token tokenChoice, found map[string]bool) {
	for _, res := range responsesOf(e) {
		r := &simulate.Request{Method: "POST", Target: "/a", Now: Now, Headers: [][2]string{{"content-type", "application/json"}}}
		if params := args.Key(rules.RootParams); params.Kind() != value.Missing {
			r.Body = params.String()
		}
		if token.sent {
			claims := args.Key(rules.RootAuth)
			if claims.Kind() == value.Missing {
				claims = value.Obj()
			}
			raw, err := e.signers[""].Mint(claims.String(), "")
			if err != nil {
				t.Fatal(err)
			}
			r.Headers = append(r.Headers, [2]string{"authorization", "Bearer " + raw})
		}
		r.Response = &simulate.Response{Status: 200, Headers: [][2]string{{"content-type", "application/json"}}, Body: res}
		tr := &trial{c: &Case{Response: value.Obj(value.Member{Key: rules.RootRes, Value: value.Checked(res)})}}
		for i, s := range e.simulators {
			result, err := s.Decide(r)
			if err != nil {
				t.Fatal(err)
			}
			tr.results[i] = result
		}
		for _, d := range differences(tr) {
			found[d.key()] = true
		}
	}
}

// For random pairs of policies over small domains, the comparison finds every kind
// of difference that the whole domain has. Where it says that the policies are
// equal, the whole domain agrees.
func TestAgreesWithAllRequests(t *testing.T) {
	equal, different := 0, 0
	for n := range 200 {
		g := &generator{rand.New(rand.NewPCG(uint64(n), 1)), nil}
		for _, i := range g.Perm(len(attributes))[:2] {
			g.attributes = append(g.attributes, attributes[i])
		}
		for i, a := range attributes { // the actions read these
			if (a.path == "args.auth.id" || a.path == "args.params.owner") && !slices.ContainsFunc(g.attributes, func(b attribute) bool { return b.path == a.path }) {
				g.attributes = append(g.attributes, attributes[i])
			}
		}
		texts := [2]string{g.policy()}
		switch texts[1] = g.policy(); n % 5 {
		case 0:
			texts[1] = strings.ReplaceAll(texts[0], "rule: {rule: and, clauses: [", "rule: {rule: and, clauses: [{rule: authenticated}, ")
			if !strings.Contains(texts[0], "auth: optional") { // else it is the same in other words
				break
			}
			texts[1] = twice(texts[0])
		case 1, 2, 3:
			texts[1] = g.mutant(texts[0])
		}
		a, b := written(t, texts[0]), written(t, texts[1])
		r := Compare(a, b, Options{})
		got := map[string]bool{}
		for _, d := range r.Differences {
			got[d.key()] = true
		}
		all := exhaustive(t, newEngine([2]*policy.Policy{a.Policy, b.Policy}), g.attributes)
		for key := range all {
			if !got[key] {
				t.Errorf("%d: %s is not found\n%s%s%v %v", n, key, texts[0], texts[1], r.Sampled, r.Notes)
			}
		}
		if !r.Whole() {
			t.Errorf("%d: sampled %+v\n%s%s", n, r.Sampled, texts[0], texts[1])
		}
		if slices.ContainsFunc(r.Notes, func(note string) bool { return strings.Contains(note, "could not be made") }) {
			t.Errorf("%d: %v\n%s%s", n, r.Notes, texts[0], texts[1])
		}
		if len(all) > 0 {
			different++
		} else if r.Proved() {
			equal++
		}
	}
	t.Logf("%d pairs differ, %d are proved to be equal", different, equal)
	if different < 100 || equal < 20 { // or the generator writes too few of one sort
		t.Errorf("%d pairs differ, %d are proved to be equal: too few", different, equal)
	}
}

// responsesOf are the responses of the upstream: one, if no rule changes them.
func responsesOf(e *engine) []string {
	for _, p := range e.policies {
		for _, r := range p.Resources() {
			if r.Rule.HasResponse() {
				return []string{`{}`, `{"salary":1}`}
			}
		}
	}
	return []string{`{}`}
}
