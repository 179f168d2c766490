package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

func envWith(defined map[string]string) *Env {
	env := testEnv()
	env.Define = func(name string) (value.Value, string, bool) {
		text, ok := defined[name]
		if !ok {
			return value.Value{}, "", false
		}
		v, err := value.Parse(text, 200)
		return v, "define." + name, err == nil
	}
	return env
}

// verdictOf evaluates a rule, or returns its faults.
func verdictOf(t *testing.T, env *Env, rule, args string) (Verdict, string) {
	t.Helper()
	spec, err := value.Parse(rule, 1000)
	if err != nil {
		t.Fatal(err)
	}
	r, faults := Compile(spec, "rule", env)
	if faults != nil {
		return Verdict{}, faults.Error()
	}
	return r.Eval(&Input{Args: mustParse(t, args), Verified: true, Now: testNow}, Memo{}), ""
}

func TestUse(t *testing.T) {
	env := envWith(map[string]string{
		"owner":   `{"rule":"match","type":"string","eval":"==","f1":"args.params.owner","f2":"args.auth.id","name":"owner"}`,
		"public":  `{"rule":"allow"}`,
		"stamp":   `{"rule":"force","field":"args.params.by","value":"args.auth.id"}`,
		"a":       `{"rule":"use","of":"b"}`,
		"b":       `{"rule":"not","clause":{"rule":"use","of":"a"}}`,
		"active":  `{"rule":"match","type":"bool","eval":"==","f1":"item.active","f2":true}`,
		"twice":   `{"rule":"and","clauses":[{"rule":"use","of":"asked"},{"rule":"use","of":"asked"}]}`,
		"asked":   `{"rule":"query","db":"d","col":"c","find":{"x":"args.params.x"},"clause":{"rule":"force","field":"args.params.x","value":"two"}}`,
		"invalid": `{"rule":"match"}`,
	})
	args := `{"auth":{"id":"u1"},"params":{"owner":"u2","x":"one","list":[{"active":true}]}}`
	v, fault := verdictOf(t, env, `{"rule":"use","of":"owner"}`, args)
	if v.Outcome != No || v.Where() != "define.owner (owner)" {
		t.Errorf("%v %s %s", v.Outcome, v.Where(), fault)
	}
	v, _ = verdictOf(t, env, `{"rule":"and","clauses":[{"rule":"use","of":"stamp"},{"rule":"match","type":"string","eval":"==","f1":"args.params.by","f2":"u1"}]}`, args)
	if v.Outcome != Yes {
		t.Errorf("a change is lost: %v %s", v.Outcome, v.Reason)
	}
	if v, fault := verdictOf(t, env, `{"rule":"some","field":"args.params.list","clause":{"rule":"use","of":"active"}}`, args); v.Outcome != Yes {
		t.Errorf("item in a named rule: %v %s %s", v.Outcome, v.Reason, fault)
	}
	for rule, want := range map[string]string{
		`{"rule":"use","of":"a"}`:      `define.b.clause.of: a circle: a uses b uses a`,
		`{"rule":"use","of":"nobody"}`: `rule.of: no rule "nobody" in define`,
		`{"rule":"use","of":""}`:       `rule.of: must not be empty`,
		`{"rule":"and","clauses":[{"rule":"use","of":"invalid"},{"rule":"use","of":"invalid"}]}`: "define.invalid: a rule match needs type\ndefine.invalid: a rule match needs eval\ndefine.invalid: a rule match needs f1\ndefine.invalid: a rule match needs f2",
		`{"rule":"some","field":"args.params.list","clause":{"rule":"use","of":"stamp"}}`:        `define.stamp.rule: no force here: this clause only tests the element`,
		`{"rule":"use","of":"active"}`: `define.active.f1: "item.active" is no reference: want args.… or utils.…; to compare texts, use type: string`,
	} {
		if _, got := verdictOf(t, env, rule, args); got != want {
			t.Errorf("%s:\n got %s\nwant %s", rule, got, want)
		}
	}
	if _, got := verdictOf(t, testEnv(), `{"rule":"use","of":"a"}`, args); got != `rule.of: no rule "a" in define` {
		t.Error(got)
	}

	// The named rule counts for the token, and two uses are two calls.
	r, _ := Compile(mustParse(t, `{"rule":"use","of":"public"}`), "rule", env)
	if r.Kind() != "allow" {
		t.Errorf("kind %s", r.Kind())
	}
	r, faults := Compile(mustParse(t, `{"rule":"use","of":"twice"}`), "rule", env)
	if faults != nil {
		t.Fatal(faults)
	}
	memo := Memo{}
	var asked []string
	for range 3 {
		v = r.Eval(&Input{Args: mustParse(t, args)}, memo)
		for _, c := range v.Calls {
			asked = append(asked, c.Find.String())
			memo[c.ID] = Reply{Rows: value.Arr()}
		}
	}
	if got := strings.Join(asked, " "); got != `{"x":"one"} {"x":"two"}` || v.Outcome != Yes {
		t.Errorf("%v after %s", v.Outcome, got)
	}
}

func TestNestingIsBounded(t *testing.T) {
	deep := strings.Repeat(`{"rule":"not","clause":`, 64) + `{"rule":"allow"}` + strings.Repeat("}", 64)
	if _, fault := verdictOf(t, testEnv(), deep, `{}`); !strings.HasSuffix(fault, ": more than 64 rules inside each other") {
		t.Errorf("64 nots: %q", fault)
	}
	if v, fault := verdictOf(t, testEnv(), deep[len(`{"rule":"not","clause":`):len(deep)-1], `{}`); v.Outcome != No {
		t.Errorf("63 nots: %v %s", v.Outcome, fault)
	}
	defined := map[string]string{"r0": `{"rule":"allow"}`}
	for i := range 40 {
		use := fmt.Sprintf(`{"rule":"use","of":"r%d"}`, i)
		defined[fmt.Sprintf("r%d", i+1)] = `{"rule":"and","clauses":[` + use + `,` + use + `]}`
	}
	if _, fault := verdictOf(t, envWith(defined), `{"rule":"use","of":"r30"}`, `{}`); !strings.Contains(fault, "the rule has more than 10000 clauses") {
		t.Errorf("2^30 clauses: %q", fault)
	}
}

func TestStatusAndName(t *testing.T) {
	for _, tc := range []struct {
		rule   string
		status int
		where  string
	}{
		{`{"rule":"deny"}`, 0, "rule"},
		{`{"rule":"deny","status":404}`, 404, "rule"},
		{`{"rule":"and","clauses":[{"rule":"deny","status":404,"name":"in"}],"status":410,"name":"out"}`, 410, "rule.clauses[0] (in)"},
		{`{"rule":"and","clauses":[{"rule":"deny","status":404}],"name":"out"}`, 404, "rule.clauses[0] (out)"},
		{`{"rule":"or","clauses":[{"rule":"deny","status":404},{"rule":"deny","status":409},{"rule":"deny"}]}`, 409, "rule"},
		{`{"rule":"not","clause":{"rule":"allow","status":404}}`, 0, "rule"},
		{`{"rule":"not","clause":{"rule":"allow"},"status":404}`, 404, "rule"},
		{`{"rule":"some","field":"args.list","clause":{"rule":"deny","status":404}}`, 404, "rule"},
		{`{"rule":"every","field":"args.list","clause":{"rule":"deny","status":404}}`, 404, "rule.clause"},
		// Never for unknown.
		{`{"rule":"match","type":"string","eval":"==","f1":"args.none","f2":"x","status":404}`, 0, "rule"},
		{`{"rule":"or","clauses":[{"rule":"deny","status":404},{"rule":"match","type":"string","eval":"==","f1":"args.none","f2":"x"}]}`, 0, "rule"},
		{`{"rule":"or","status":404,"clauses":[{"rule":"deny","status":404},{"rule":"match","type":"string","eval":"==","f1":"args.none","f2":"x"}]}`, 0, "rule"},
	} {
		v, fault := verdictOf(t, testEnv(), tc.rule, `{"list":[1]}`)
		if v.Status != tc.status || v.Where() != tc.where {
			t.Errorf("%s: %d at %s %s", tc.rule, v.Status, v.Where(), fault)
		}
	}
	v, _ := verdictOf(t, testEnv(), `{"rule":"or","clauses":[{"rule":"deny","name":"first"},{"rule":"deny"}]}`, `{}`)
	if v.Reason != "no clause holds: rule.clauses[0] (first): deny; rule.clauses[1]: deny" {
		t.Error(v.Reason)
	}
}

// Clauses of some, every and each that may not stand there, and fields of the
// wrong shape.
func TestFaultsOfNewRules(t *testing.T) {
	some := func(clause string) string { return `{"rule":"some","field":"args.l","clause":` + clause + `}` }
	each := func(clause string) string { return `{"rule":"each","field":"args.l","clauses":[` + clause + `]}` }
	for rule, want := range map[string]string{
		`{"rule":"not"}`:                                                                                 "rule: a rule not needs clause",
		`{"rule":"some","field":"args.l"}`:                                                               "rule: a rule some needs clause",
		`{"rule":"some","field":"l","clause":{"rule":"allow"}}`:                                          `rule.field: "l" is no reference: want args.… or utils.…`,
		some(`{"rule":"query","db":"d","col":"c"}`):                                                      "rule.clause.rule: no query here: it would be asked for each element",
		some(`{"rule":"force","field":"args.a","value":1}`):                                              "rule.clause.rule: no force here: this clause only tests the element",
		some(`{"rule":"not","clause":{"rule":"webhook","url":"https://h/"}}`):                            "rule.clause.clause.rule: no webhook here: it would be asked for each element",
		each(`{"rule":"allow"}`):                                                                         "rule.clauses[0].rule: no allow here: each carries out actions; put tests into the clause of an action",
		each(`{"rule":"or","clauses":[{"rule":"remove","fields":["item.a"]}]}`):                          "rule.clauses[0].rule: no or here: each carries out actions; put tests into the clause of an action",
		each(`{"rule":"remove","fields":["args.a"]}`):                                                    `rule.clauses[0].fields[0]: "args.a" is no path: an action of each changes item.…`,
		each(`{"rule":"remove","fields":["item"]}`):                                                      "rule.clauses[0].fields[0]: item itself cannot be removed: filter drops elements",
		each(`{"rule":"remove","fields":["item.a"],"clause":{"rule":"query","db":"d","col":"c"}}`):       "rule.clauses[0].clause.rule: no query here: it would be asked for each element",
		`{"rule":"each","field":"args.l","clauses":[]}`:                                                  "rule.clauses: want an array of rules that is not empty, found array",
		`{"rule":"each","field":"args.l","members":1,"clauses":[{"rule":"remove","fields":["item.a"]}]}`: "rule.members: want bool, found number",
		`{"rule":"keep","field":"args.a","keys":"id"}`:                                                   `rule.keys: "id" is no reference: want args.… or utils.…`,
		`{"rule":"keep","field":"args.a","keys":["id",1]}`:                                               "rule.keys[1]: want a key, found number",
		`{"rule":"keep","field":"args.a","keys":{}}`:                                                     "rule.keys: want an array of keys, or a reference to one; found object",
		`{"rule":"force","field":"args.a","value":1,"optional":true}`:                                    `rule.optional: a rule force has no field "optional"`,
		`{"rule":"deny","status":503}`:                                                                   "rule.status: want a status from 400 to 499, found 503",
		`{"rule":"deny","status":"404"}`:                                                                 `rule.status: want a status from 400 to 499, found "404"`,
		`{"rule":"match","type":"string","eval":"matches","f1":"args.a","f2":"args.b"}`:                  "rule.f2: a pattern is written in the rule, never a reference",
		`{"rule":"match","type":"string","eval":"matches","f1":"args.a","f2":"a++"}`:                     "rule.f2: pattern, byte 2: nothing here to repeat; lazy and double quantifiers are left out",
		`{"rule":"match","type":"string","eval":"matches","f1":"args.a","f2":5}`:                         "rule.f2: want a pattern, found number",
		`{"rule":"match","type":"any","eval":"<","f1":"args.a","f2":1}`:                                  `rule.eval: unknown eval "<": type any has == !=; it is an eval of type number, date`,
		`{"rule":"webhook","url":"https://h/","headers":{"Authorization":"x"}}`:                          "rule.headers.Authorization: a rule may not set this header",
		`{"rule":"webhook","url":"https://h/","headers":{"x_sc_token":"x"}}`:                             "rule.headers.x_sc_token: a rule may not set this header",
		`{"rule":"webhook","url":"https://h/","headers":{"content-length":"1"}}`:                         "rule.headers.content-length: a rule may not set this header",
		`{"rule":"webhook","url":"https://h/","headers":{"a b":"x"}}`:                                    `rule.headers["a b"]: "a b" is no name of a header`,
		`{"rule":"webhook","url":"https://h/","headers":{"x-a":"1","X_A":"2"}}`:                          "rule.headers.X_A: the header is there already",
		`{"rule":"webhook","url":"https://h/","headers":{"x-a":1}}`:                                      "rule.headers.x-a: want string, found number",
		`{"rule":"webhook","url":"https://h/","headers":{"x-a":"a\nb"}}`:                                 "rule.headers.x-a: no header can have this value",
		`{"rule":"webhook","url":"https://h/","headers":[]}`:                                             "rule.headers: want an object, found array",
	} {
		if _, got := verdictOf(t, testEnv(), rule, `{}`); got != want {
			t.Errorf("%s:\n got %s\nwant %s", rule, got, want)
		}
	}
}

func TestNewMatches(t *testing.T) {
	args := `{"o":{"a":1,"b":[1.0,null]},"p":{"b":[1,null],"a":1e0},"null":null,"s":"abc","n":5,"big":1e400}`
	for rule, want := range map[string]Outcome{
		`"type":"any","eval":"==","f1":"args.o","f2":"args.p"`:                     Yes,
		`"type":"any","eval":"!=","f1":"args.o","f2":"args.p"`:                     No,
		`"type":"any","eval":"==","f1":"args.null","f2":null`:                      Yes,
		`"type":"any","eval":"==","f1":"args.null","f2":"args.none"`:               Unknown,
		`"type":"any","eval":"!=","f1":"args.none","f2":1`:                         Unknown,
		`"type":"any","eval":"==","f1":"args.s","f2":"abc"`:                        Yes,
		`"type":"any","eval":"==","f1":"args.n","f2":"5"`:                          No,
		`"type":"any","eval":"==","f1":"args.o","f2":{"b":[1,null],"a":1}`:         Yes,
		`"type":"any","eval":"==","f1":"args.o","f2":{"b":[null,1],"a":1}`:         No,
		`"type":"any","eval":"==","f1":"args.big","f2":1e400`:                      Yes,
		`"type":"any","eval":"==","f1":"args.s","f2":{"literal":"abc"}`:            Yes,
		`"type":"string","eval":"matches","f1":"args.s","f2":"b"`:                  Yes,
		`"type":"string","eval":"matches","f1":"args.s","f2":"^b"`:                 No,
		`"type":"string","eval":"matches","f1":"args.n","f2":"5"`:                  Unknown,
		`"type":"string","eval":"matches","f1":"args.none","f2":"5"`:               Unknown,
		`"type":"string","eval":"matches","f1":"args.s","f2":{"literal":"args.s"}`: No,
	} {
		if v, fault := verdictOf(t, testEnv(), `{"rule":"match",`+rule+`}`, args); v.Outcome != want {
			t.Errorf("%s: %v %s %s", rule, v.Outcome, v.Reason, fault)
		}
	}
}

func TestElementsAreBounded(t *testing.T) {
	list := value.Arr(make([]value.Value, maxElements+1)...)
	for i := range list.Elements() {
		list.Elements()[i] = value.NullValue
	}
	half := value.Arr(list.Elements()[:maxElements/2+1]...)
	args := value.Obj(value.Member{Key: "list", Value: list}, value.Member{Key: "half", Value: half})
	for _, rule := range []string{
		`{"rule":"some","field":"args.list","clause":{"rule":"allow"}}`,
		`{"rule":"every","field":"args.list","clause":{"rule":"allow"}}`,
		`{"rule":"each","field":"args.list","clauses":[{"rule":"force","field":"item","value":1}]}`,
		`{"rule":"and","clauses":[{"rule":"every","field":"args.half","clause":{"rule":"allow"}},{"rule":"every","field":"args.half","clause":{"rule":"allow"}}]}`,
	} {
		if v := mustCompile(t, rule).Eval(&Input{Args: args}, nil); v.Outcome != Unknown {
			t.Errorf("%s: %v", rule, v.Outcome)
		}
	}
	each := mustCompile(t, `{"rule":"each","field":"res.a","clauses":[{"rule":"force","field":"item","value":1}]}`)
	body := `[{"a":[` + strings.Repeat("0,", maxElements/2) + `0]},{"a":[` + strings.Repeat("0,", maxElements/2) + `0]}]`
	if _, err := ApplyResponse(body, each.Eval(&Input{}, nil).Response, 16, 0); err == nil {
		t.Error("each in a response goes on for ever")
	}
}

// A webhook's own headers are resolved like its body.
func TestWebhookHeaders(t *testing.T) {
	rule := `{"rule":"webhook","url":"https://h/","headers":{"X-Tenant":"args.auth.tenant","x-fixed":"a"}}`
	v, _ := verdictOf(t, testEnv(), rule, `{"auth":{"tenant":"t1"}}`)
	if v.Outcome != Waiting || fmt.Sprint(v.Calls[0].Headers) != "[[X-Tenant t1] [x-fixed a]]" {
		t.Errorf("%v %v", v.Outcome, v.Calls)
	}
	for args, want := range map[string]string{
		`{"auth":{}}`:                  "headers: args.auth.tenant is missing",
		`{"auth":{"tenant":5}}`:        "headers: args.auth.tenant: want string, found number",
		`{"auth":{"tenant":"a\r\nb"}}`: "headers: no header can have the value of args.auth.tenant",
	} {
		if v, _ := verdictOf(t, testEnv(), rule, args); v.Outcome != Unknown || v.Reason != want {
			t.Errorf("%s: %v %s", args, v.Outcome, v.Reason)
		}
	}
}
