package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// large writes a policy of 200 routes, some of which overlap. Each has a bound. Every
// twentieth has so many conditions that its requests cannot all be decided.
func large(bound func(i int) int) string {
	var b strings.Builder
	b.WriteString("auth: {tokens: [{alg: HS256, secret: a secret that is long enough for it}]}\nroutes:\n")
	for i := range 200 {
		path := fmt.Sprintf("/v1/r%d/{id}", i/2)
		if i%2 == 1 {
			path = fmt.Sprintf("/v1/r%d/me", i/2) // hides a part of the route before it
		}
		clauses := []string{
			`{rule: match, type: string, eval: in, f1: args.auth.role, f2: [editor, admin]}`,
			fmt.Sprintf(`{rule: match, type: number, eval: "<=", f1: args.params.amount, f2: %d}`, bound(i)),
			`{rule: remove, fields: [res.cost], clause: {rule: match, type: string, eval: "!=", f1: args.auth.role, f2: admin}}`,
		}
		if wide(i) {
			for k := range 12 {
				clauses = append(clauses, fmt.Sprintf(
					`{rule: or, clauses: [{rule: match, type: string, eval: "==", f1: args.auth.a%d, f2: args.params.a%d}, {rule: match, type: number, eval: ">", f1: args.params.b%d, f2: %d}]}`, k, k, k, k))
			}
		}
		fmt.Fprintf(&b, "- {name: r%d, match: {methods: [POST], path: %q}, rule: {rule: and, clauses: [%s]}}\n", i, path, strings.Join(clauses, ", "))
	}
	return b.String()
}

func wide(i int) bool { return i%20 == 7 }

// For a policy of 200 routes, the number of requests is bounded, each changed bound is found
// with its smallest request, and the pairs that were not gone through whole are named.
func TestLargePolicy(t *testing.T) {
	old := written(t, large(func(int) int { return 100 }))
	all := written(t, large(func(int) int { return 200 }))
	r := Compare(old, all, Options{})
	if r.Pairs != 200 || r.Unchanged != 0 {
		t.Errorf("%d pairs, %d unchanged, want 200 and 0", r.Pairs, r.Unchanged)
	}
	if r.Requests > DefaultMax {
		t.Errorf("%d requests, more than %d", r.Requests, DefaultMax)
	}
	allowed := map[string]bool{}
	for _, d := range r.Differences {
		if d.Kind != Allow || d.Resources[0] != d.Resources[1] {
			t.Errorf("another difference: %s", d.Line())
		}
		allowed[d.Resources[0]] = true
		if i := routeNumber(t, d.Resources[0]); !wide(i) && d.Case.Request().String() != `{"auth":{"role":"admin"},"params":{"amount":101}}` {
			t.Errorf("not the smallest request: %s", d.Line())
		}
	}
	var sampled []string
	for _, s := range r.Sampled {
		sampled = append(sampled, s.Resources[0])
	}
	for i := range 200 {
		name := fmt.Sprintf("r%d", i)
		if !wide(i) && !allowed[name] {
			t.Errorf("%s: the changed bound is not found", name)
		}
		if slices.Contains(sampled, name) != wide(i) {
			t.Errorf("%s: left out: %v, want %v", name, !wide(i), wide(i))
		}
	}
	text := strings.Join(r.Lines(), "\n")
	if !strings.Contains(text, "\nleft out: 10 pairs had more requests than were decided") || !strings.Contains(text, "\n  r7: ") {
		t.Errorf("the conclusion does not say what was left out:\n%s", text)
	}

	// One changed route: the others cost nothing.
	one := written(t, large(func(i int) int {
		if i == 50 {
			return 99
		}
		return 100
	}))
	r = Compare(old, one, Options{})
	if got, want := strings.Join(r.Lines(), "\n"), "200 pairs of resources that decide the same requests: 199 unchanged, 1 compared with "; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if r.Requests > 100 || len(r.Differences) != 1 || r.Differences[0].Line() != `POST /v1/r25/x: allowed before, refused now: {"auth": {"role": "admin"}, "params": {"amount": 100}}` {
		t.Errorf("%d requests, %s", r.Requests, compared(r))
	}
}

func routeNumber(t *testing.T, name string) (i int) {
	t.Helper()
	if _, err := fmt.Sscanf(name, "r%d", &i); err != nil {
		t.Fatal(err)
	}
	return i
}

// BenchmarkLargePolicy compares two policies of 200 routes that all differ.
func BenchmarkLargePolicy(b *testing.B) {
	old := written(b, large(func(int) int { return 100 }))
	changed := written(b, large(func(int) int { return 200 }))
	for b.Loop() {
		r := Compare(old, changed, Options{})
		b.ReportMetric(float64(r.Requests), "requests/op")
	}
}
