package rules

import (
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

var fuzzRules = []string{
	`{"rule":"match","type":"string","eval":"in","f1":"args.auth.id","f2":["a","args.params[args.auth.id].x"]}`,
	`{"rule":"or","clauses":[{"rule":"and","clauses":[{"rule":"query","db":"d","col":"a"},{"rule":"query","db":"d","col":"b","find":{"x":{"$in":"args.result"}}},{"rule":"deny"}]},{"rule":"query","db":"d","col":"c"}]}`,
	`{"rule":"and","clauses":[{"rule":"force","field":"args.params.a","value":"utils.addDuration(args.params.d, '1h')","clause":{"rule":"query","db":"d","col":"a","store":"args.params.r"}},{"rule":"webhook","url":"http://h/"},{"rule":"hash","fields":["args.params.a","res.b"]}]}`,
	`{"rule":"and","clauses":[{"rule":"query","db":"d","col":"a","clause":{"rule":"allow"}},{"rule":"filter","field":"args.result","onUnknown":"drop","clause":{"rule":"match","type":"string","eval":"==","f1":"item.x","f2":"args.params[item.k]"}},{"rule":"filter","field":"res.rows","clause":{"rule":"match","type":"number","eval":">","f1":"item.n","f2":"args.result.0.n"}}]}`,
	`{"rule":"filter","field":"args.params.list","onUnknown":"drop","clause":{"rule":"and","clauses":[{"rule":"force","field":"args.params.d","value":"item.d"},{"rule":"match","type":"string","eval":"in","f1":"args.params.d","f2":"args.params.list"},{"rule":"match","type":"number","eval":"!=","f1":"args.params.m[item.d]","f2":"utils.length(args.params)"}]}}`,
	`{"rule":"and","clauses":[{"rule":"every","field":"args.params.list","clause":{"rule":"some","field":"args.params.list","clause":{"rule":"match","type":"string","eval":"notIn","f1":"utils.concat(item, args.auth.id)","f2":"args.params.list"}}},{"rule":"each","field":"args.params.rows","clauses":[{"rule":"keep","field":"item","keys":"args.params.list"}]}]}`,
	`{"rule":"remove","fields":"args.params.list","clause":{"rule":"match","type":"number","eval":">","f1":"utils.length(args.params)","f2":0}}`,
	`{"rule":"query","db":"d","col":"c","find":{"$or":[{"a":{"$not":{"$regex":"^a"}}},{"_id":{"$oid":"args.params.a"}}]},"clause":{"rule":"match","type":"date","eval":"<","f1":"args.result.0.d","f2":"utils.now()"}}`,
}

var fuzzArgs = []string{
	`{"auth":{"id":"a"},"params":{"a":{"x":"a"},"d":"2020-01-01","list":["args.params.a","args.x"]}}`,
	`{"auth":{"id":"a"},"params":{"list":["a","b","c","d","e","f","g","h",{"d":"a"},{"d":"x"}],"m":{"a":1,"b":2},"rows":[{"a":1,"x":2},{"b":1}]}}`,
	`{"auth":{"id":"a"},"params":{"list":["a","b","c","d","e","f","g","h","a","b"],"rows":[{"a":1,"x":2},{"b":1}]}}`,
	`{"params":[1,2,{"a":null}],"result":["x"]}`,
	`[]`,
	`{"auth":null}`,
}

// fuzzReply answers each column in its own way.
func fuzzReply(c *Call) Reply {
	switch {
	case c.Kind == Webhook:
		return Reply{Status: 200, Body: `{"ok":true}`}
	case c.Col == "a":
		return Reply{Rows: value.Arr(value.Obj(value.Member{Key: "x", Value: value.Str("1")}))}
	case c.Col == "b":
		return Reply{Rows: value.Arr()}
	}
	return Reply{Err: "timeout"}
}

type allReplies struct{}

func (allReplies) Reply(c *Call) (Reply, bool) { return fuzzReply(c), true }

// FuzzEval: no rule, request or order of replies makes Eval panic or loop, and the
// verdict is that of having all replies at once.
func FuzzEval(f *testing.F) {
	for i, rule := range fuzzRules {
		f.Add(rule, fuzzArgs[i%len(fuzzArgs)], uint8(i))
		f.Add(rule, fuzzArgs[0], uint8(7*i))
	}
	f.Fuzz(func(t *testing.T, rule, args string, order uint8) {
		spec, err := value.Parse(rule, 32)
		if err != nil {
			return
		}
		r, faults := Compile(spec, "rule", testEnv())
		if faults != nil {
			return
		}
		a, err := value.Parse(args, 32)
		if err != nil {
			return
		}
		in := &Input{Args: a, Now: testNow}
		want := r.Eval(in, allReplies{})
		if want.Outcome == Waiting {
			t.Fatal("waits with every reply there")
		}
		env := testEnv()
		env.noMemory = true
		slow, _ := Compile(spec, "rule", env)
		if v := slow.Eval(in, allReplies{}); v.Outcome != want.Outcome || v.Reason != want.Reason || v.Args.String() != want.Args.String() {
			t.Fatalf("remembering values: %v %s %v; not: %v %s %v", want.Outcome, want.Reason, want.Args, v.Outcome, v.Reason, v.Args)
		}
		in.Tracer = &teller{} // which changes no verdict
		memo := Memo{}
		for range 200 {
			got := r.Eval(in, memo)
			if got.Outcome != Waiting {
				if got.Outcome != want.Outcome || got.Message != want.Message || got.Failed != want.Failed || len(got.Response) != len(want.Response) {
					t.Fatalf("one by one: %v %s; at once: %v %s", got.Outcome, got.Reason, want.Outcome, want.Reason)
				}
				return
			}
			if len(got.Calls) == 0 {
				t.Fatal("waits for nothing")
			}
			c := got.Calls[int(order)%len(got.Calls)]
			memo[c.ID] = fuzzReply(&c)
		}
		t.Fatal("never ends")
	})
}

// FuzzPath: an accepted path resolves against any value without a panic.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"args.a.b.0", "args.a[args.b].c", "args.a..b", "args.[", "args.a[args.b[args.c]]", "args.*.#.@this", "args.a]"} {
		f.Add(s, fuzzArgs[0])
	}
	f.Fuzz(func(t *testing.T, text, args string) {
		p, err := scope{}.readPath(text)
		if err != nil {
			return
		}
		if a, err := value.Parse(args, 32); err == nil {
			p.resolve(&run{most: DefaultSteps, args: a})
			if keys, _ := p.keys(&run{most: DefaultSteps, args: a}); keys != nil {
				if changed, o := a.Set(keys, value.NullValue); o == value.Free {
					if _, err := value.Parse(changed.String(), 64); err != nil && len(keys) < 16 {
						t.Fatalf("setting %q in %s gives %s: %v", text, args, changed, err)
					}
				}
			}
		}
	})
}

func FuzzCompile(f *testing.F) {
	for _, rule := range fuzzRules {
		f.Add(rule)
	}
	f.Add(`{"rule":"and","clauses":[{}]}`)
	f.Fuzz(func(t *testing.T, rule string) {
		spec, err := value.Parse(rule, 64)
		if err != nil {
			return
		}
		if r, faults := Compile(spec, "rule", testEnv()); (r == nil) == (faults == nil) {
			t.Fatal("neither a rule nor a fault, or both")
		}
	})
}

// FuzzResponse: a removed value never goes out.
func FuzzResponse(f *testing.F) {
	for _, s := range []string{`{"a":"SECRET"}`, `[{"a":"SECRET","b":1}]`, `{"b":{"a":"SECRET"}}`, `"SECRET"`, `{"\u0061":"SECRET"}`} {
		f.Add(s)
	}
	spec, err := value.Parse(`{"rule":"remove","fields":["res.a"]}`, 8)
	if err != nil {
		f.Fatal(err)
	}
	r, faults := Compile(spec, "rule", testEnv())
	if faults != nil {
		f.Fatal(faults)
	}
	actions := r.Eval(&Input{}, Memo{}).Response
	f.Fuzz(func(t *testing.T, body string) {
		out, err := ApplyResponse(body, actions, 16, 0)
		if err != nil || body == "" {
			return
		}
		v, err := value.Parse(out, 16)
		if err != nil {
			t.Fatalf("%q became %q: %v", body, out, err)
		}
		var look func(value.Value)
		look = func(v value.Value) {
			if v.Key("a").Kind() != value.Missing {
				t.Fatalf("%q became %q", body, out)
			}
			if v.Kind() == value.Array {
				v.Each(func(_ string, x value.Value) bool { look(x); return true })
			}
		}
		look(v)
	})
}
