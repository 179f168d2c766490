package rules

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

const mine = `{"rule":"match","type":"string","eval":"==","f1":"item.owner","f2":"args.auth.id"}`

func TestFilter(t *testing.T) {
	args := `{"auth":{"id":"u1","keep":"owner","path":["args.params.x"]},"params":{"items":[{"owner":"u1","n":1},{"owner":"u2","n":2},{"owner":"u1","n":3}],
		"odd":[{"owner":"u1"},{"n":1},"u1"],"texts":["a","b"],"empty":[],"text":"u1","rows":[{"items":[]}],"lists":[["u1","x"],["u2"]],"x":1,"nested":[{"at":"n","t":["a"]}]}}`
	for _, tc := range []struct {
		name, rule, at string
		want           string // the value at the path; "": unknown
	}{
		{"what fits stays", `"field":"args.params.items","clause":` + mine, "items", `[{"owner":"u1","n":1},{"owner":"u1","n":3}]`},
		{"all stay", `"field":"args.params.items","clause":{"rule":"allow"}`, "items", `[{"owner":"u1","n":1},{"owner":"u2","n":2},{"owner":"u1","n":3}]`},
		{"none stays", `"field":"args.params.items","clause":{"rule":"deny"}`, "items", `[]`},
		{"an empty one", `"field":"args.params.empty","clause":` + mine, "empty", `[]`},
		{"unknown blocks", `"field":"args.params.odd","clause":` + mine, "odd", ""},
		{"unknown drops", `"field":"args.params.odd","onUnknown":"drop","clause":` + mine, "odd", `[{"owner":"u1"}]`},
		{"block by name", `"field":"args.params.items","onUnknown":"block","clause":` + mine, "items", `[{"owner":"u1","n":1},{"owner":"u1","n":3}]`},
		{"a text", `"field":"args.params.text","clause":` + mine, "text", ""},
		{"nothing", `"field":"args.params.none","clause":` + mine, "none", ""},
		{"nothing, with drop", `"field":"args.params.none","onUnknown":"drop","clause":` + mine, "none", ""},
		{"an array on the way", `"field":"args.params.rows.0.items","clause":` + mine, "rows", ""},
		{"arrays in it", `"field":"args.params.lists","clause":{"rule":"match","type":"string","eval":"==","f1":"item.0","f2":"args.auth.id"}`, "lists", `[["u1","x"]]`},
		{"by number", `"field":"args.params.items","clause":{"rule":"match","type":"number","eval":">","f1":"item.n","f2":1}`, "items", `[{"owner":"u2","n":2},{"owner":"u1","n":3}]`},
		{"exists", `"field":"args.params.odd","clause":{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(item.owner)","f2":true}`, "odd", `[{"owner":"u1"}]`},
		{"a function of args", `"field":"args.params.nested","clause":{"rule":"match","type":"number","eval":"==","f1":"utils.length(args.params.items)","f2":3}`, "nested", `[{"at":"n","t":["a"]}]`},
		{"the element in brackets", `"field":"args.params.nested","clause":{"rule":"match","type":"number","eval":"==","f1":"args.params.items.1[item.at]","f2":2}`, "nested", `[{"at":"n","t":["a"]}]`},
		{"args in the element's brackets", `"field":"args.params.lists","clause":{"rule":"match","type":"string","eval":"==","f1":"item.x[args.params.x]","f2":"x"}`, "lists", ""},
		{"item alone is text", `"field":"args.params.texts","clause":{"rule":"match","type":"string","eval":"==","f1":"item","f2":"item"}`, "texts", `["a","b"]`},
		{"in a list", `"field":"args.params.items","clause":{"rule":"match","type":"string","eval":"in","f1":"args.auth.id","f2":["x","item.owner"]}`, "items", `[{"owner":"u1","n":1},{"owner":"u1","n":3}]`},
		{"a list of the element", `"field":"args.params.nested","clause":{"rule":"match","type":"string","eval":"in","f1":"a","f2":"item.t"}`, "nested", `[{"at":"n","t":["a"]}]`},
		{"literal", `"field":"args.params.items","clause":{"rule":"match","type":"string","eval":"!=","f1":"item.owner","f2":{"literal":"item.owner"}}`, "items", `[{"owner":"u1","n":1},{"owner":"u2","n":2},{"owner":"u1","n":3}]`},
		{"or in it", `"field":"args.params.items","clause":{"rule":"or","clauses":[{"rule":"match","type":"number","eval":"==","f1":"item.n","f2":2},` + mine + `]}`, "items", `[{"owner":"u1","n":1},{"owner":"u2","n":2},{"owner":"u1","n":3}]`},
		{"what it changes stays for those it keeps", `"field":"args.params.items","clause":{"rule":"and","clauses":[{"rule":"force","field":"args.params.last","value":"item.n"},{"rule":"match","type":"number","eval":"<","f1":"item.n","f2":3}]}`, "last", `2`},
		{"a filter in it", `"field":"args.params.items","clause":{"rule":"and","clauses":[{"rule":"filter","field":"args.params.lists","clause":{"rule":"match","type":"string","eval":"==","f1":"item.0","f2":"u1"}},` + mine + `]}`, "items", `[{"owner":"u1","n":1},{"owner":"u1","n":3}]`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := evaluate(t, `{"rule":"filter",`+tc.rule+`}`, args, nil)
			got := v.Args.Key("params").Key(tc.at)
			switch {
			case tc.want == "" && v.Outcome != Unknown:
				t.Errorf("got %v, with %s", v.Outcome, got)
			case tc.want != "" && v.Outcome != Yes:
				t.Errorf("got %v: %s", v.Outcome, v.Reason)
			case tc.want != "" && got.String() != tc.want:
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// A filter in a guard that is no, or in a branch that fails, changes nothing.
func TestFilterUndone(t *testing.T) {
	const args = `{"auth":{"id":"u1"},"params":{"items":[ {"owner":"u2"} ]}}`
	filter := `{"rule":"filter","field":"args.params.items","clause":` + mine + `}`
	for rule, want := range map[string]string{
		filter: `[]`,
		`{"rule":"or","clauses":[{"rule":"and","clauses":[` + filter + `,{"rule":"deny"}]},{"rule":"allow"}]}`:                                 `[ {"owner":"u2"} ]`,
		`{"rule":"force","field":"args.x","value":1,"clause":{"rule":"and","clauses":[` + filter + `,{"rule":"deny"}]}}`:                       `[ {"owner":"u2"} ]`,
		`{"rule":"and","clauses":[` + filter + `,{"rule":"match","type":"number","eval":"==","f1":"utils.length(args.params.items)","f2":0}]}`: `[]`,
	} {
		v := evaluate(t, rule, args, nil)
		if got := v.Args.Key("params").Key("items").String(); v.Outcome != Yes || got != want {
			t.Errorf("%s: got %v %s, want %s", rule, v.Outcome, got, want)
		}
	}
}

func TestFilterOfTheResponse(t *testing.T) {
	filter := func(rest string) string { return `{"rule":"filter","field":"res.items",` + rest + `}` }
	for _, tc := range []struct {
		name, rule, body, want string // want "": blocked
	}{
		{"what fits stays", filter(`"clause":` + mine), `{"items":[{"owner":"u1", "n":1.0},{"owner":"u2"}],"a": 1}`, `{"items":[{"owner":"u1", "n":1.0}],"a": 1}`},
		{"all stay", filter(`"clause":` + mine), `{ "items": [ {"owner":"u1"} ] }`, `{ "items": [ {"owner":"u1"} ] }`},
		{"an array on top", filter(`"clause":` + mine), `[{"items":[{"owner":"u2"}]},{"items":[{"owner":"u1"}]}]`, `[{"items":[]},{"items":[{"owner":"u1"}]}]`},
		{"unknown blocks", filter(`"clause":` + mine), `{"items":[{"owner":"u1"},{"secret":"u1"}]}`, ""},
		{"unknown drops", filter(`"onUnknown":"drop","clause":` + mine), `{"items":[{"owner":"u1"},{"secret":"u1"}]}`, `{"items":[{"owner":"u1"}]}`},
		{"nothing there", filter(`"onUnknown":"drop","clause":` + mine), `{"a":1}`, ""},
		{"no array", filter(`"onUnknown":"drop","clause":` + mine), `{"items":{"owner":"u1"}}`, ""},
		{"null", filter(`"clause":` + mine), `null`, `null`},
		{"after another action", `{"rule":"and","clauses":[{"rule":"remove","fields":["res.items.secret"]},` + filter(`"clause":`+mine) + `]}`, `{"items":[{"owner":"u1","secret":1},{"owner":"u2"}]}`, `{"items":[{"owner":"u1"}]}`},
		{"args as they were then", `{"rule":"and","clauses":[` + filter(`"clause":`+mine) + `,{"rule":"force","field":"args.auth.id","value":"u2"}]}`, `{"items":[{"owner":"u1"},{"owner":"u2"}]}`, `{"items":[{"owner":"u1"}]}`},
		{"each element with the same args", filter(`"clause":{"rule":"and","clauses":[` + mine + `,{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(args.seen)","f2":false},{"rule":"force","field":"args.seen","value":1}]}`), `{"items":[{"owner":"u1"},{"owner":"u1"}]}`, `{"items":[{"owner":"u1"},{"owner":"u1"}]}`},
		{"actions in its clause do not count", filter(`"clause":{"rule":"and","clauses":[{"rule":"remove","fields":["res.a"]},` + mine + `]}`), `{"items":[{"owner":"u1"}],"a":1}`, `{"items":[{"owner":"u1"}],"a":1}`},
		{"nor in one of the request", `{"rule":"filter","field":"args.list","clause":{"rule":"remove","fields":["res.a"]}}`, `{"a":1}`, `{"a":1}`},
		{"of a branch that failed", `{"rule":"or","clauses":[{"rule":"and","clauses":[` + filter(`"clause":`+mine) + `,{"rule":"deny"}]},{"rule":"allow"}]}`, `{"items":[{"owner":"u2"}]}`, `{"items":[{"owner":"u2"}]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := evaluate(t, tc.rule, `{"auth":{"id":"u1"},"list":[1]}`, nil)
			if v.Outcome != Yes {
				t.Fatalf("got %v %s", v.Outcome, v.Reason)
			}
			got, err := ApplyResponse(tc.body, v.Response, 16, 0)
			switch {
			case err == nil && tc.want == "":
				t.Errorf("passed as %s", got)
			case err != nil && tc.want != "":
				t.Errorf("blocked: %v", err)
			case err != nil && strings.Contains(err.Error(), "u1"):
				t.Errorf("the error holds a value: %v", err)
			case err == nil && got != tc.want:
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// The parts of the request that a filter of the response reads must be there when
// the request is decided.
func TestFilterWaits(t *testing.T) {
	for _, field := range []string{"res.items", "args.list"} {
		r := mustCompile(t, `{"rule":"filter","field":"`+field+`","clause":{"rule":"match","type":"string","eval":"==","f1":"item.owner","f2":"args.params.id"}}`)
		if !r.Uses("params") || r.Uses("item") || r.Uses("owner") || r.Changes("params") {
			t.Errorf("%s: want params to be read, and no more: %v %v", field, r.reads, r.writes)
		}
		args := mustParse(t, `{"list":[{"owner":"u1"}]}`)
		if v := r.Eval(&Input{Args: args.With("params", value.PendingValue)}, nil); v.Outcome != Waiting {
			t.Errorf("%s: got %v, want it to wait", field, v.Outcome)
		}
		if v := r.Eval(&Input{Args: args.With("params", mustParse(t, `{"id":"u1"}`)).With("other", value.PendingValue)}, nil); v.Outcome != Yes {
			t.Errorf("%s: got %v %s", field, v.Outcome, v.Reason)
		}
	}
}

func TestFilterFaults(t *testing.T) {
	filter := func(clause string) string {
		return `{"rule":"filter","field":"args.params.items","clause":` + clause + `}`
	}
	for rule, want := range map[string]string{
		filter(mine):        "",
		`{"rule":"filter"}`: "rule: a rule filter needs field\nrule: a rule filter needs clause",
		`{"rule":"filter","field":"item.a","clause":` + mine + `}`:                                                                         `rule.field: "item.a" is no path: want args.… or res.…`,
		`{"rule":"filter","field":"args.a","onUnknown":"keep","clause":` + mine + `}`:                                                      `rule.onUnknown: want one of block, drop, found "keep"`,
		`{"rule":"filter","field":"args.a","clause":{}}`:                                                                                   "rule.clause: want a rule with its name, such as {rule: allow}",
		filter(`{"rule":"query","db":"d","col":"c"}`):                                                                                      "rule.clause.rule: no query here: it would be asked for each element",
		filter(`{"rule":"or","clauses":[{"rule":"webhook","url":"https://x"}]}`):                                                           "rule.clause.clauses[0].rule: no webhook here: it would be asked for each element",
		filter(`{"rule":"force","field":"item.a","value":1}`):                                                                              `rule.clause.field: "item.a" is no path: want args.… or res.…`,
		filter(`{"rule":"remove","fields":["item.a"]}`):                                                                                    `rule.clause.fields[0]: "item.a" is no path: want args.… or res.…`,
		filter(`{"rule":"force","field":"args.x","value":"item.a"}`):                                                                       "",
		filter(`{"rule":"force","field":"args.x[item.k]","value":"item.a"}`):                                                               "",
		filter(`{"rule":"match","type":"string","eval":"==","f1":"item.a..b","f2":"x"}`):                                                   `rule.clause.f1: path "item.a..b" has an empty key`,
		filter(`{"rule":"match","type":"number","eval":"==","f1":"utils.length(item.a)","f2":1}`):                                          "",
		filter(`{"rule":"match","type":"date","eval":"<","f1":"utils.addDuration(item.a, '1h')","f2":"utils.now()"}`):                      "",
		`{"rule":"match","type":"number","eval":"==","f1":"item.a","f2":1}`:                                                                `rule.f1: "item.a" is no reference: want args.… or utils.…; to compare texts, use type: string`,
		`{"rule":"match","type":"string","eval":"==","f1":"args.x[item.a]","f2":"x"}`:                                                      `rule.f1: in the brackets of "args.x[item.a]": "item.a" is no path: want args.…`,
		`{"rule":"and","clauses":[` + filter(mine) + `,{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(item.a)","f2":true}]}`: `rule.clauses[1].f1: "item.a" is no path: want args.… or a call`,
	} {
		_, faults := Compile(mustParse(t, rule), "rule", testEnv())
		if got := strings.TrimSpace(faultText(faults)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", rule, got, want)
		}
	}
}

func faultText(fs Faults) string {
	if len(fs) == 0 {
		return ""
	}
	return fs.Error()
}

// Outside of a filter, item.… is text.
func TestItemIsTextOutside(t *testing.T) {
	if v := evaluate(t, `{"rule":"match","type":"string","eval":"==","f1":"args.a","f2":"item.x"}`, `{"a":"item.x","auth":{}}`, nil); v.Outcome != Yes {
		t.Errorf("got %v %s", v.Outcome, v.Reason)
	}
}

// The number of elements is bounded, with drop too.
func TestFilterOfManyElements(t *testing.T) {
	for n, want := range map[int]Outcome{maxElements: Yes, maxElements + 1: Unknown} {
		args := `{"list":[1` + strings.Repeat(",1", n-1) + `]}`
		if v := evaluate(t, `{"rule":"filter","field":"args.list","onUnknown":"drop","clause":{"rule":"deny"}}`, args, nil); v.Outcome != want {
			t.Errorf("%d elements: got %v", n, v.Outcome)
		}
	}
	args := `{"list":[1` + strings.Repeat(",1", 999) + `]}`
	if v := evaluate(t, `{"rule":"filter","field":"args.list","clause":{"rule":"filter","field":"args.list","clause":{"rule":"allow"}}}`, args, nil); v.Outcome != Unknown {
		t.Errorf("a filter in a filter: got %v", v.Outcome)
	}
}
