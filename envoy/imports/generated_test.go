package imports

import (
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/importer/envoy"
)

// Of generated configurations, and of requests to each, there are few in CI. To look for
// more, set $IMPORTS_SEED to another number than 1 and $IMPORTS_COUNT to a larger one.
var (
	seed       = number("IMPORTS_SEED", 1)
	generated  = number("IMPORTS_COUNT", 24)
	perPolicy  = 40
	mostFilter = 3 // rbac filters of a configuration
)

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// TestGeneratedIsNotLooser: no request passes the policy of a generated configuration
// that the configuration refuses in Envoy.
func TestGeneratedIsNotLooser(t *testing.T) {
	r := mathrand.New(mathrand.NewPCG(uint64(seed), 7))
	var all []*original
	for i := range generated {
		o := &original{name: fmt.Sprintf("generated-%d", i), source: withKeys((&generator{r}).configuration())}
		o.read(t, envoy.Import, o.source)
		all = append(all, o)
	}
	notLooser(t, all)
}

// notLooser sends requests through generated originals and their policies.
func notLooser(t *testing.T, all []*original) {
	t.Helper()
	up, at := startBoth(t, all)
	both, neither, alone := 0, 0, 0
	for _, o := range all {
		for i, q := range requests(o.source + "\n---\n" + o.more)[:perPolicy] {
			id := fmt.Sprintf("%s-%d", o.name, i)
			if _, err := harness.Send(at["original "+o.name], q, id+"-o"); err != nil {
				continue // Envoy's parser refuses it, for both
			}
			if _, err := harness.Send(at["policy "+o.name], q, id+"-p"); err != nil {
				t.Fatalf("%s: %v", shown(q), err)
			}
			was, _ := up.Take(id + "-o")
			is, _ := up.Take(id + "-p")
			switch passed, passes := len(was) > 0, len(is) > 0; {
			case passes && !passed:
				t.Errorf("looser: %s\n%s", shown(q), o.source)
			case passes:
				both++
			case passed:
				alone++
			default:
				neither++
			}
		}
	}
	t.Logf("%d requests pass both, %d neither, %d the original alone", both, neither, alone)
	if total := both + neither + alone; both < total/20 || neither < total/20 || alone > total/2 {
		t.Errorf("of %d requests %d pass both, %d neither and %d the original alone: that shows little", total, both, neither, alone)
	}
}

// generator writes configurations of jwt_authn and rbac.
type generator struct{ *mathrand.Rand }

// of returns one of the texts.
func (g *generator) of(list ...string) string { return list[g.IntN(len(list))] }

// some returns one to most texts, with commas.
func (g *generator) some(most int, f func() string) string {
	list := make([]string, 1+g.IntN(most))
	for i := range list {
		list[i] = f()
	}
	return strings.Join(list, ", ")
}

func (g *generator) configuration() string {
	const types = "type.googleapis.com/envoy.extensions.filters.http."
	var s strings.Builder
	s.WriteString("# values: admin, user, shop\n# headers: x-env, x-role\n# paths: /items, /items/7, /admin/x, /about\nuse_remote_address: true\nhttp_filters:\n")
	fmt.Fprintf(&s, "  - name: envoy.filters.http.jwt_authn\n    typed_config:\n      \"@type\": %sjwt_authn.v3.JwtAuthentication\n      providers:\n", types)
	fmt.Fprintf(&s, "        a: {issuer: https://a.example, forward: true, payload_in_metadata: p, %slocal_jwks: {inline_string: '{{jwks}}'}}\n", g.of("", "audiences: [shop], "))
	fmt.Fprintf(&s, "        b: {issuer: https://b.example, forward: true, payload_in_metadata: p, %slocal_jwks: {inline_string: '{{jwks-b}}'}}\n", g.of("", "from_headers: [{name: x-token, value_prefix: 'Token '}], "))
	s.WriteString("      rules:\n")
	for range g.IntN(3) {
		fmt.Fprintf(&s, "        - {match: {%s}, requires: %s}\n", g.of("prefix: /admin", "path: /about", "path_separated_prefix: /items"), g.requirement(2))
	}
	fmt.Fprintf(&s, "        - {match: {prefix: /}, requires: %s}\n", g.requirement(2))
	for i := range 1 + g.IntN(mostFilter) {
		fmt.Fprintf(&s, "  - name: rbac%d\n    typed_config:\n      \"@type\": %srbac.v3.RBAC\n      rules:\n        action: %s\n        policies:\n", i, types, g.of("ALLOW", "ALLOW", "DENY"))
		for j := range 1 + g.IntN(3) {
			fmt.Fprintf(&s, "          p%d: {permissions: [%s], principals: [%s]}\n", j, g.some(2, func() string { return g.permission(2) }), g.some(2, func() string { return g.principal(2) }))
		}
	}
	return s.String()
}

func (g *generator) requirement(depth int) string {
	if depth > 0 && g.IntN(2) == 0 {
		return fmt.Sprintf("{%s: {requirements: [%s, %s]}}", g.of("requires_any", "requires_any", "requires_all"), g.requirement(0), g.requirement(depth-1))
	}
	return g.of("{provider_name: a}", "{provider_name: b}", "{provider_name: a}", "{allow_missing: {}}", "{allow_missing_or_failed: {}}")
}

func (g *generator) permission(depth int) string {
	if depth > 0 && g.IntN(3) == 0 {
		return g.group("and_rules", "or_rules", "rules", "not_rule", func() string { return g.permission(depth - 1) })
	}
	return g.of("{any: true}", "{any: true}", g.path(), g.path(), g.header(), g.method())
}

func (g *generator) principal(depth int) string {
	if depth > 0 && g.IntN(3) == 0 {
		return g.group("and_ids", "or_ids", "ids", "not_id", func() string { return g.principal(depth - 1) })
	}
	return g.of("{any: true}", g.claim(), g.claim(), g.claim(), g.header(), g.path(), "{remote_ip: {address_prefix: 127.0.0.0, prefix_len: 8}}", "{direct_remote_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}")
}

func (g *generator) group(and, or, list, not string, f func() string) string {
	if g.IntN(3) == 0 {
		return fmt.Sprintf("{%s: %s}", not, f())
	}
	return fmt.Sprintf("{%s: {%s: [%s]}}", g.of(and, or), list, g.some(3, f))
}

func (g *generator) path() string {
	return "{url_path: {path: {" + g.of("exact: /items", "exact: /about", "prefix: /items/", "prefix: /admin", "suffix: x", "contains: dm", "safe_regex: {regex: '/items/[0-9]+'}", "exact: /ITEMS, ignore_case: true") + "}}}"
}

func (g *generator) method() string {
	return "{header: {name: ':method', string_match: {exact: " + g.of("GET", "POST", "OPTIONS") + "}}}"
}

func (g *generator) header() string {
	return "{header: {name: " + g.of("x-env", "x-role", "x-env", "x-role", "':scheme'", "':path'") + ", " + g.of("string_match: "+g.text(), "string_match: "+g.text(), "present_match: true", "present_match: false") + g.of("", "", ", invert_match: true", ", treat_missing_header_as_empty: true") + "}}"
}

func (g *generator) text() string {
	return "{" + g.of("exact: admin", "prefix: ad", "suffix: op", "contains: se", "safe_regex: {regex: 'a.*|user'}", "exact: ADMIN, ignore_case: true") + "}"
}

func (g *generator) claim() string {
	value := g.of("string_match: "+g.text(), "string_match: "+g.text(), "list_match: {one_of: {string_match: "+g.text()+"}}", "present_match: true", "bool_match: true", "double_match: {range: {start: 1, end: 150}}",
		"or_match: {value_matchers: [{string_match: "+g.text()+"}, {list_match: {one_of: {string_match: "+g.text()+"}}}]}")
	return "{metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: p}, {key: " + g.of("role", "role", "org") + "}], value: {" + value + "}" + g.of("", "", ", invert: true") + "}}"
}
