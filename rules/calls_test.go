package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

// drive evaluates a rule until it no longer waits, answers each call by its
// collection or URL, and returns the batches of calls.
func drive(t *testing.T, rule, args string, replies map[string]Reply) (Verdict, []string) {
	t.Helper()
	in := &Input{Args: mustParse(t, args), Now: testNow, Token: "user-token"}
	r := mustCompile(t, rule)
	memo := Memo{}
	var batches []string
	for range 20 {
		v := r.Eval(in, memo)
		if v.Outcome != Waiting {
			return v, batches
		}
		var names []string
		for _, c := range v.Calls {
			name := c.Col + strings.TrimPrefix(c.URL, "http://hook/")
			names = append(names, name)
			memo[c.ID] = replies[name]
		}
		if len(names) == 0 {
			t.Fatal("waits for nothing")
		}
		batches = append(batches, strings.Join(names, ","))
	}
	t.Fatal("never ends")
	return Verdict{}, nil
}

func query1(col, more string) string {
	return `{"rule":"query","db":"d","col":"` + col + `"` + more + `}`
}

func hook(name string) string { return `{"rule":"webhook","url":"http://hook/` + name + `"}` }

func TestBatches(t *testing.T) {
	rows := func(text string) Reply { return Reply{Rows: mustParse(t, text)} }
	one, none := rows(`[{"id":"1"}]`), rows(`[]`)
	ok := Reply{Status: 200, Body: "{}"}
	replies := map[string]Reply{"one": one, "two": one, "none": none, "ok": ok, "bad": {Err: "timeout"}, "e500": {Status: 500}, "e302": {Status: 302}, "e404": {Status: 404}, "e429": {Status: 429}, "e403": {Status: 403},
		"odd": {Rows: mustParse(t, `{}`)}, "scalars": rows(`[1]`), "text": {Status: 204, Body: "hello"}, "null": {Status: 200, Body: "null"}}
	and := func(c ...string) string { return `{"rule":"and","clauses":[` + strings.Join(c, ",") + `]}` }
	or := func(c ...string) string { return `{"rule":"or","clauses":[` + strings.Join(c, ",") + `]}` }
	dependent := query1("two", `,"find":{"x":"args.result.0.id"}`)
	for _, tc := range []struct {
		name, rule string
		want       Outcome
		batches    []string
		failed     bool
	}{
		{"independent queries go out together", and(query1("one", ""), query1("two", "")), Yes, []string{"one,two"}, false},
		{"a query that reads a reply waits for it", and(query1("one", ""), dependent), Yes, []string{"one", "two"}, false},
		{"one that reads another store does not", and(query1("one", `,"store":"args.a"`), query1("two", `,"find":{"x":"args.params.x"}`)), Yes, []string{"one,two"}, false},
		{"a webhook waits for the clauses before it", and(query1("one", ""), hook("ok")), Yes, []string{"one", "ok"}, false},
		{"a webhook is not sent after a no", and(query1("none", ""), hook("ok")), No, []string{"none"}, false},
		{"a query behind a webhook goes along", and(hook("ok"), query1("one", "")), Yes, []string{"ok,one"}, false},
		{"branches of an or go out together", or(query1("none", ""), query1("one", "")), Yes, []string{"none,one"}, false},
		{"a webhook in an or waits", or(query1("none", ""), hook("ok")), Yes, []string{"none", "ok"}, false},
		{"a webhook in an or is not sent after a yes", or(query1("one", ""), hook("ok")), Yes, []string{"one"}, false},
		{"what is behind a certain no is not asked", and(query1("one", ""), `{"rule":"deny"}`, query1("two", "")), No, []string{"one"}, false},
		{"what is behind a certain yes is not asked", or(query1("none", ""), `{"rule":"allow"}`, query1("two", "")), Yes, []string{"none"}, false},
		{"a later no does not turn a waiting clause into one", and(query1("bad", ""), `{"rule":"deny"}`), Unknown, []string{"bad"}, true},
		{"a failed query is unknown", query1("bad", ""), Unknown, []string{"bad"}, true},
		{"a failed branch makes the or failed", or(query1("bad", ""), `{"rule":"deny"}`), Unknown, []string{"bad"}, true},
		{"no row is no", query1("none", ""), No, []string{"none"}, false},
		{"no row with a clause that holds", query1("none", `,"clause":{"rule":"match","type":"number","eval":"==","f1":"utils.length(args.result)","f2":0}`), Yes, []string{"none"}, false},
		{"a reply that is no array", query1("odd", ""), Unknown, []string{"odd"}, true},
		{"rows that are no objects", query1("scalars", ""), Unknown, []string{"scalars"}, true},
		{"a 500", hook("e500"), Unknown, []string{"e500"}, true},
		{"a 302", hook("e302"), Unknown, []string{"e302"}, true},
		{"a 404", hook("e404"), Unknown, []string{"e404"}, true},
		{"a 429", hook("e429"), Unknown, []string{"e429"}, true},
		{"a 403", hook("e403"), No, []string{"e403"}, false},
		{"a 2xx that is no JSON", and(hook("text"), `{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(args.result)","f2":false}`), Yes, []string{"text"}, false},
		{"null is stored", and(hook("null"), `{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(args.result)","f2":true}`), Yes, []string{"null"}, false},
		{"a guard that waits", and(`{"rule":"force","field":"args.params.a","value":1,"clause":`+query1("one", "")+`}`, query1("two", `,"find":{"x":"args.params.a"}`), query1("none", `,"find":{"y":"args.params.x"}`)), No, []string{"one", "two,none"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, batches := drive(t, tc.rule, `{"params":{"x":"1"}}`, replies)
			if v.Outcome != tc.want || v.Failed != tc.failed || !slices.Equal(batches, tc.batches) {
				t.Errorf("got %v (failed %v, %s) after %q", v.Outcome, v.Failed, v.Reason, batches)
			}
		})
	}
}

func TestFindIsFilledIn(t *testing.T) {
	args := `{"auth":{"id":"u1","n":5,"null":null,"obj":{"$gt":""},"arr":["a","b"],"mixed":["a",{"$gt":""}],"ref":"args.auth.id","oid":"0123456789abcdef01234567","d":"2020-01-01"}}`
	for find, want := range map[string]string{
		`{"a":"args.auth.id"}`:                                       `{"a":"u1"}`,
		`{"a":"args.auth.ref"}`:                                      `{"a":"args.auth.id"}`,
		`{"a":{"literal":"args.auth.id"}}`:                           `{"a":"args.auth.id"}`,
		`{"a":"args.auth.obj"}`:                                      "",
		`{"a":"args.auth.null"}`:                                     "",
		`{"a":null}`:                                                 `{"a":null}`,
		`{"a":"args.auth.arr"}`:                                      "",
		`{"a":{"$in":"args.auth.arr"}}`:                              `{"a":{"$in":["a","b"]}}`,
		`{"a":{"$nin":"args.auth.mixed"}}`:                           "",
		`{"a":{"$in":"args.auth.id"}}`:                               "",
		`{"a":{"$in":["x","args.auth.n"]}}`:                          `{"a":{"$in":["x",5]}}`,
		`{"a":{"$gt":"args.auth.n","$lt":10}}`:                       `{"a":{"$gt":5,"$lt":10}}`,
		`{"$or":[{"a":"args.auth.id"},{"b":{"c":["args.auth.n"]}}]}`: `{"$or":[{"a":"u1"},{"b":{"c":[5]}}]}`,
		`{"_id":"utils.stringToObjectId(args.auth.oid)"}`:            `{"_id":{"$oid":"0123456789abcdef01234567"}}`,
		`{"_id":{"$oid":"args.auth.oid"}}`:                           `{"_id":{"$oid":"0123456789abcdef01234567"}}`,
		`{"_id":{"$oid":"args.auth.id"}}`:                            "",
		`{"d":{"$gte":{"$date":"args.auth.d"}}}`:                     `{"d":{"$gte":{"$date":"2020-01-01"}}}`,
		`{"d":{"$gte":{"$date":"args.auth.id"}}}`:                    "",
		`{"a":{"$exists":true,"$not":{"$regex":"^a.*"}}}`:            `{"a":{"$exists":true,"$not":{"$regex":"^a.*"}}}`,
		`{"args.auth.id":1}`:                                         `{"args.auth.id":1}`,
		`{}`:                                                         `{}`,
	} {
		v := evaluate(t, query1("c", `,"find":`+find), args, nil)
		switch {
		case want == "" && v.Outcome != Unknown:
			t.Errorf("%s: got %v, want unknown", find, v.Outcome)
		case want != "" && (v.Outcome != Waiting || v.Calls[0].Find.String() != want):
			t.Errorf("%s: got %v %s %v", find, v.Outcome, v.Reason, v.Calls)
		}
	}
}

func TestWebhookCarries(t *testing.T) {
	args := `{"auth":{"id":"u1"},"token":"t","request":{"headers":{"authorization":"Bearer t","cookie":"c","proxy-authorization":"p","x-a":"1"},"path":"/"}}`
	v := evaluate(t, hook("x"), args, nil)
	want := `{"auth":{"id":"u1"},"token":"t","request":{"headers":{"x-a":"1"},"path":"/"}}`
	if c := v.Calls[0]; c.Body.String() != want || c.UserToken != "t" || c.Claims.Kind() != value.Missing {
		t.Errorf("got %s with token %q and claims %s", c.Body, c.UserToken, c.Claims)
	}
	v = evaluate(t, `{"rule":"webhook","url":"http://hook/x","claims":{"id":"args.auth.id","role":"x"},"body":{"who":"args.auth","path":["args.request.path"]}}`, args, nil)
	if c := v.Calls[0]; c.Body.String() != `{"who":{"id":"u1"},"path":["/"]}` || c.UserToken != "" || c.Claims.String() != `{"id":"u1","role":"x"}` {
		t.Errorf("got %s with token %q and claims %s", c.Body, c.UserToken, c.Claims)
	}
	v = evaluate(t, `{"rule":"webhook","url":"http://hook/x","claims":{}}`, args, nil)
	if c := v.Calls[0]; c.Body.String() != `{"auth":{"id":"u1"},"request":{"headers":{"x-a":"1"},"path":"/"}}` {
		t.Errorf("with claims: got %s", c.Body)
	}
	v = evaluate(t, `{"rule":"webhook","url":"http://hook/x","claims":{"id":"args.auth.none"}}`, args, nil)
	if v.Outcome != Unknown {
		t.Errorf("claims that cannot be resolved: got %v", v.Outcome)
	}
}

func TestTooManyCalls(t *testing.T) {
	r := mustCompile(t, `{"rule":"or","clauses":[`+query1("a", "")+`,`+query1("b", "")+`,`+query1("c", "")+`,{"rule":"allow"}]}`)
	memo := Memo{}
	for _, id := range []string{"rule.clauses[0]", "rule.clauses[1]", "rule.clauses[2]"} {
		memo[id] = Reply{Rows: value.Arr()}
	}
	if v := r.Eval(&Input{MaxCalls: 2}, memo); v.Outcome != Unknown || !v.TooMany {
		t.Errorf("3 calls of 2: got %v, too many %v", v.Outcome, v.TooMany)
	}
	if v := r.Eval(&Input{MaxCalls: 3}, memo); v.Outcome != Yes {
		t.Errorf("3 calls of 3: got %v %s", v.Outcome, v.Reason)
	}
	if v := r.Eval(&Input{MaxCalls: 2}, Memo{}); len(v.Calls) != 2 {
		t.Errorf("3 calls of 2: %d went out", len(v.Calls))
	}
}

// When only the headers are there, the body is Pending.
func TestPendingBody(t *testing.T) {
	claim := func(id string) string {
		return `{"rule":"match","type":"string","eval":"==","f1":"args.auth.id","f2":"` + id + `"}`
	}
	body := `{"rule":"match","type":"string","eval":"==","f1":"args.params.x","f2":"1"}`
	for _, tc := range []struct {
		rule string
		want Outcome
	}{
		{`{"rule":"and","clauses":[` + claim("u2") + `,` + body + `]}`, No},
		{`{"rule":"and","clauses":[` + claim("u1") + `,` + body + `]}`, Waiting},
		{`{"rule":"or","clauses":[` + claim("u1") + `,` + body + `]}`, Yes},
		{`{"rule":"or","clauses":[` + body + `,` + claim("u1") + `]}`, Waiting},
		{`{"rule":"force","field":"args.params.x","value":1}`, Waiting},
		{`{"rule":"remove","fields":["args.params.x"]}`, Waiting},
		{`{"rule":"hash","fields":["args.params.x"]}`, Waiting},
		{`{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(args.params.x)","f2":false}`, Waiting},
		{hook("x"), Waiting},
		{query1("c", `,"find":{"a":"args.params.x"}`), Waiting},
		{query1("c", `,"find":{"a":{"$in":"args.params.x"}}`), Waiting},
	} {
		in := &Input{Args: value.Obj(value.Member{Key: "auth", Value: mustParse(t, `{"id":"u1"}`)}, value.Member{Key: "params", Value: value.PendingValue})}
		if v := mustCompile(t, tc.rule).Eval(in, Memo{}); v.Outcome != tc.want || len(v.Calls) != 0 {
			t.Errorf("%s: got %v with %d calls", tc.rule, v.Outcome, len(v.Calls))
		}
	}
}
