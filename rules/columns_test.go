package rules

import (
	"slices"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

func TestColumnsThatAreFetched(t *testing.T) {
	all := []string{"*"}
	match := func(f1 string) string {
		return `{"rule":"match","type":"string","eval":"==","f1":"` + f1 + `","f2":"x"}`
	}
	query := func(clause string) string {
		return `{"rule":"query","db":"d","col":"c","clause":` + clause + `}`
	}
	and := func(clauses string) string { return `{"rule":"and","clauses":[` + clauses + `]}` }
	for _, c := range []struct {
		rule string
		want []string
	}{
		{`{"rule":"query","db":"d","col":"c"}`, nil},
		{query(`{"rule":"allow"}`), nil},
		{query(match("args.result.0.a")), []string{"a"}},
		{query(match("args.result.0.a.b.c")), []string{"a"}},
		{query(match("args.result.0.a.0")), []string{"a"}},
		{query(and(match("args.result.0.b") + "," + match("args.result.1.a") + "," + match("args.result.0.b"))), []string{"a", "b"}},
		{query(match("args.result[args.params.n].a")), []string{"a"}},
		{query(match("args.result[args.result.0.n].a")), []string{"a", "n"}},
		{query(match("args.auth[args.result.0.k]")), []string{"k"}},
		{query(match("args.result.0[args.params.k]")), all},
		{query(match("args.result.0")), all},
		{query(match("args.result")), all},
		{query(match("args.other.0.a")), nil},
		{query(match("args.result.a.b")), nil}, // no row of an array
		{query(match("utils.lower(args.result.0.a)")), []string{"a"}},
		{query(match("utils.objectIdToString(args.result.0._id)")), []string{"_id"}},
		{query(`{"rule":"match","type":"date","eval":"<","f1":"utils.addDuration(args.result.0.at, 1h)","f2":"utils.now()"}`), []string{"at"}},
		{query(`{"rule":"match","type":"number","eval":">","f1":"utils.length(args.result)","f2":2}`), nil},
		{query(`{"rule":"match","type":"number","eval":">","f1":"utils.length(args.result.0)","f2":2}`), all},
		{query(`{"rule":"match","type":"number","eval":">","f1":"utils.length(args.result.0.a)","f2":2}`), []string{"a"}},
		{query(`{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(args.result.0)","f2":true}`), nil},
		{query(`{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(args.result.0.a)","f2":true}`), []string{"a"}},
		{query(`{"rule":"match","type":"string","eval":"in","f1":"args.auth.id","f2":"args.result.0.members"}`), []string{"members"}},
		{query(`{"rule":"match","type":"string","eval":"in","f1":"args.auth.id","f2":["args.result.0.a","args.result.0.b"]}`), []string{"a", "b"}},
		{query(`{"rule":"query","db":"d","col":"e","find":{"id":"args.result.0.a"},"store":"args.second"}`), []string{"a"}},
		{query(`{"rule":"query","db":"d","col":"e","find":{"id":{"$in":["args.result.0.a"]}},"store":"args.second","clause":` + match("args.result.0.b") + `}`), []string{"a", "b"}},
		{query(`{"rule":"webhook","url":"https://h/"}`), all},
		{query(`{"rule":"webhook","url":"https://h/","body":{"x":"args.result.0.a"}}`), []string{"a"}},
		{query(`{"rule":"webhook","url":"https://h/","body":{"x":["args.result"]}}`), all},
		{query(`{"rule":"webhook","url":"https://h/","body":{},"claims":{"sub":"args.result.0.a"}}`), []string{"a"}},
		{query(`{"rule":"force","field":"args.params.x","value":"args.result.0.a"}`), []string{"a"}},
		{query(`{"rule":"force","field":"res.x","value":"args.result.0.a"}`), []string{"a"}},
		{query(`{"rule":"force","field":"args.params.x","value":"args.result.0"}`), all},
		{query(`{"rule":"force","field":"args.request.headers.x-role","value":"args.result.0.a"}`), []string{"a"}},
		{query(`{"rule":"force","field":"args.params.x","value":1,"clause":` + match("args.result.0.a") + `}`), []string{"a"}},
		{query(`{"rule":"remove","fields":["args.result"]}`), all},
		{query(`{"rule":"remove","fields":"args.result.0.list"}`), all}, // it may hold any path
		{query(`{"rule":"remove","fields":["args.params.x"]}`), nil},
		{query(`{"rule":"filter","field":"args.result","clause":` + match("item.a") + `}`), all},
		{query(`{"rule":"filter","field":"res.items","clause":` + match("args.result.0.a") + `}`), []string{"a"}},
		{query(`{"rule":"filter","field":"res.items","clause":` + match("args.result[item.n].a") + `}`), []string{"a"}},
		{query(`{"rule":"filter","field":"res.items","clause":` + match("item.x[args.result.0.k]") + `}`), []string{"k"}},
		// The clauses after a query read its rows too.
		{and(query(match("args.result.0.a")) + "," + match("args.result.0.b")), []string{"a", "b"}},
		{and(query(match("args.result.0.a")) + "," + `{"rule":"webhook","url":"https://h/"}`), all},
		{`{"rule":"or","clauses":[` + query(match("args.result.0.a")) + "," + match("args.result.0.b") + `]}`, []string{"a", "b"}},
		// The place of the rows counts. A place in the request is fetched whole.
		{`{"rule":"query","db":"d","col":"c","store":"args.mine.rows","clause":` + match("args.mine.rows.0.a") + `}`, []string{"a"}},
		{`{"rule":"query","db":"d","col":"c","store":"args.mine.rows","clause":` + match("args.mine.other.0.a") + `}`, nil},
		{`{"rule":"query","db":"d","col":"c","store":"args.mine.rows","clause":` + match("args.mine") + `}`, all},
		{`{"rule":"query","db":"d","col":"c","store":"args.mine[args.auth.k]","clause":` + match("args.mine.rows.0.a") + `}`, []string{"a"}},
		{`{"rule":"query","db":"d","col":"c","store":"args.mine.rows","clause":` + match("args.mine[args.auth.k].0.a") + `}`, []string{"a"}},
		{`{"rule":"query","db":"d","col":"c","store":"args.params.rows","clause":` + match("args.params.rows.0.a") + `}`, all},
		{`{"rule":"query","db":"d","col":"c","store":"args.res.rows","clause":` + match("args.res.rows.0.a") + `}`, all},
		{`{"rule":"query","db":"d","col":"c","store":"args.mine","clause":{"rule":"force","field":"args.mine.x","value":1}}`, all},
	} {
		r, faults := compileText(t, c.rule)
		if len(faults) > 0 {
			t.Errorf("%s: %v", c.rule, faults)
			continue
		}
		got := r.queries[0].columns
		for _, q := range r.queries { // the one of collection c
			if q.col == "c" {
				got = q.columns
			}
		}
		if got == nil {
			got = all
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.rule, got, c.want)
		}
	}
}

func compileText(t *testing.T, text string) (*Rule, Faults) {
	t.Helper()
	spec, err := value.Parse(text, 64)
	if err != nil {
		t.Fatal(text, err)
	}
	return Compile(spec, "rule", &Env{CanSign: true})
}

// A rule on the response reads the rows of the request's rule.
func TestColumnsThatALaterRuleReads(t *testing.T) {
	first, _ := compileText(t, `{"rule":"query","db":"d","col":"c"}`)
	for _, c := range []struct {
		later string
		want  []string
	}{
		{`{"rule":"match","type":"string","eval":"==","f1":"args.result.0.a","f2":"x"}`, []string{"a"}},
		{`{"rule":"allow"}`, []string{}},
		{`{"rule":"webhook","url":"https://h/"}`, nil},
	} {
		later, faults := compileText(t, c.later)
		if faults != nil {
			t.Fatal(faults)
		}
		first.Fetch(later)
		if got := first.queries[0].columns; !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.later, got, c.want)
		}
	}
}
