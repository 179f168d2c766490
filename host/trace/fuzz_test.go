package trace

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// marker is a text that only args.auth.email has.
const marker = "marker-7f3a9c"

// FuzzRecorder: whatever the rule and the request, the record is JSON, and it does not
// show the sensitive claim.
func FuzzRecorder(f *testing.F) {
	for _, rule := range []string{
		`{"rule":"and","clauses":[{"rule":"force","field":"args.params.a","value":"args.auth"},{"rule":"match","type":"any","eval":"==","f1":"args.params.a.email","f2":"args.auth.email"}]}`,
		`{"rule":"or","clauses":[{"rule":"every","field":"utils.values(args.auth)","clause":{"rule":"match","type":"string","eval":"contains","f1":"item","f2":"args.auth[args.params.k]"}},{"rule":"query","db":"d","col":"c","find":{"a":"args.auth.email"}}]}`,
		`{"rule":"each","field":"args.params.list","clauses":[{"rule":"force","field":"item.a","value":"utils.concat('x', args.auth.email)"},{"rule":"remove","fields":["item.b"],"clause":{"rule":"match","type":"string","eval":"!=","f1":"item.a","f2":"args.auth.email"}}]}`,
		`{"rule":"webhook","url":"http://h/","body":{"a":["args.auth"]},"claims":{"b":"utils.keys(args.auth)"}}`,
		`{"rule":"filter","field":"res.rows","clause":{"rule":"match","type":"any","eval":"==","f1":"item.x","f2":"args.auth.email"}}`,
	} {
		f.Add(rule, `{"params":{"k":"email","a":{},"list":[{"b":1}]}}`, `{"rows":[{"x":1},{"x":"`+marker+`"}]}`)
	}
	f.Fuzz(func(t *testing.T, rule, args, response string) {
		spec, err := value.Parse(rule, 32)
		if err != nil || strings.Contains(rule, "marker") || strings.Contains(args, "marker") {
			return
		}
		r, faults := rules.Compile(spec, "rule", &rules.Env{AESKey: make([]byte, 16), CanSign: true})
		a, err := value.Parse(args, 32)
		if faults != nil || err != nil || a.Kind() != value.Object {
			return
		}
		a = a.With("auth", value.Obj(value.Member{Key: "id", Value: value.Str("ana")}, value.Member{Key: "email", Value: value.Str(marker)}))
		mask := NewMask()
		mask.AddPath("auth", "email")
		rec, memo := NewRecorder(Options{Mask: mask}), rules.Memo{}
		in := &rules.Input{Args: a, Verified: true, Now: testNow, Tracer: rec}
		v := r.Eval(in, memo)
		for range 40 {
			for _, c := range v.Calls {
				memo[c.ID] = rules.Reply{Rows: value.Arr(value.Obj(value.Member{Key: "x", Value: value.Int(1)})), Status: 200, Body: `{"ok":true}`}
			}
			if v.Outcome != rules.Waiting {
				break
			}
			v = r.Eval(in, memo)
		}
		if v.Outcome == rules.Yes {
			_, _ = rules.ApplyResponse(response, v.Response, 32, rules.DefaultSteps)
		}
		shown, err := json.Marshal(rec.Evaluations(r))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(shown), marker) {
			t.Fatalf("%s\nshows the claim: %s", rule, shown)
		}
	})
}
