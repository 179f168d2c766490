package rules

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

const testKey = "Olw6AhA/GzSxfhwKLxO7JJsUL6VUwwGEFTgxzoZPy9g="

var testNow = time.Date(2026, 3, 4, 5, 6, 7, 891000000, time.UTC)

func mustParse(t testing.TB, text string) value.Value {
	t.Helper()
	v, err := value.Parse(text, 64)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func testEnv() *Env {
	key, err := base64.StdEncoding.DecodeString(testKey)
	if err != nil {
		panic(err)
	}
	return &Env{AESKey: key, CanSign: true}
}

func mustCompile(t testing.TB, rule string) *Rule {
	t.Helper()
	r, faults := Compile(mustParse(t, rule), "rule", testEnv())
	if faults != nil {
		t.Fatalf("%s: %v", rule, faults)
	}
	return r
}

func evaluate(t testing.TB, rule, args string, replies Memo) Verdict {
	t.Helper()
	a := mustParse(t, args)
	token, _ := a.Key("token").Text()
	return mustCompile(t, rule).Eval(&Input{Args: a, Verified: a.Key("auth").Kind() != value.Missing, Token: token, Now: testNow}, replies)
}

func TestMatch(t *testing.T) {
	args := `{"auth":{"id":"u1","role":"admin","n":18,"big":9007199254740993,"neg":-9007199254740993,"t":true,"null":null,"list":["a",1,null,"b"],"empty":[],"obj":{},
		"ip":"10.1.2.3","mapped":"::ffff:10.1.2.3","d":"2020-01-02T03:04:05+02:00","float":1.5,"one":1.0,"ref":"args.auth.id","huge":1e400}}`
	for _, tc := range []struct {
		rule string
		want Outcome
	}{
		{`"type":"string","eval":"==","f1":"args.auth.id","f2":"u1"`, Yes},
		{`"type":"string","eval":"==","f1":"args.auth.id","f2":"u2"`, No},
		{`"type":"string","eval":"!=","f1":"args.auth.id","f2":"u2"`, Yes},
		{`"type":"string","eval":"!=","f1":"args.auth.none","f2":"u2"`, Unknown},
		{`"type":"string","eval":"!=","f1":"args.auth.n","f2":"u2"`, Unknown},
		{`"type":"string","eval":"==","f1":"args.auth.null","f2":"args.auth.null"`, Unknown},
		{`"type":"string","eval":"==","f1":"args.auth.obj","f2":"args.auth.obj"`, Unknown},
		{`"type":"string","eval":"==","f1":"args.auth.ref","f2":{"literal":"args.auth.id"}`, Yes},
		{`"type":"string","eval":"==","f1":"args.auth.ref","f2":"u1"`, No},
		{`"type":"string","eval":"startsWith","f1":"args.auth.role","f2":"ad"`, Yes},
		{`"type":"string","eval":"startsWith","f1":"args.auth.role","f2":"min"`, No},
		{`"type":"string","eval":"endsWith","f1":"args.auth.role","f2":"min"`, Yes},
		{`"type":"string","eval":"contains","f1":"args.auth.role","f2":"dmi"`, Yes},
		{`"type":"string","eval":"contains","f1":"args.auth.role","f2":"x"`, No},
		{`"type":"string","eval":"in","f1":"args.auth.role","f2":["user","admin"]`, Yes},
		{`"type":"string","eval":"in","f1":"args.auth.role","f2":["user"]`, No},
		{`"type":"string","eval":"notIn","f1":"args.auth.role","f2":["user",5,null]`, Yes},
		{`"type":"string","eval":"notIn","f1":"args.auth.role","f2":["user","args.auth.none"]`, Unknown},
		{`"type":"string","eval":"in","f1":"args.auth.role","f2":["admin","args.auth.none"]`, Unknown},
		{`"type":"string","eval":"in","f1":"args.auth.id","f2":["args.auth.id"]`, Yes},
		{`"type":"string","eval":"in","f1":"b","f2":"args.auth.list"`, Yes},
		{`"type":"string","eval":"in","f1":"c","f2":"args.auth.list"`, No},
		{`"type":"string","eval":"notIn","f1":"c","f2":"args.auth.none"`, Unknown},
		{`"type":"string","eval":"notIn","f1":"c","f2":"args.auth.obj"`, Unknown},
		{`"type":"string","eval":"notIn","f1":"c","f2":"args.auth.empty"`, Yes},
		{`"type":"string","eval":"in","f1":"c","f2":[]`, No},
		{`"type":"number","eval":"==","f1":"args.auth.n","f2":18`, Yes},
		{`"type":"number","eval":"==","f1":"args.auth.n","f2":18.0`, Yes},
		{`"type":"number","eval":">=","f1":"args.auth.n","f2":18.5`, No},
		{`"type":"number","eval":"<","f1":"args.auth.float","f2":2`, Yes},
		{`"type":"number","eval":"==","f1":"args.auth.big","f2":9007199254740992`, No},
		{`"type":"number","eval":"==","f1":"args.auth.big","f2":9007199254740993`, Yes},
		{`"type":"number","eval":">","f1":"args.auth.big","f2":9007199254740992`, Yes},
		{`"type":"number","eval":"<","f1":"args.auth.neg","f2":-9007199254740992`, Yes},
		{`"type":"number","eval":"<","f1":"args.auth.big","f2":"args.auth.huge"`, Yes},
		{`"type":"number","eval":"<","f1":"args.auth.big","f2":90071992547409930`, Yes},
		{`"type":"number","eval":"==","f1":"args.auth.big","f2":9007199254740993e0`, Yes},
		{`"type":"number","eval":"==","f1":"args.auth.id","f2":1`, Unknown},
		{`"type":"number","eval":"in","f1":"args.auth.n","f2":[1,"18","args.auth.n"]`, Yes},
		{`"type":"number","eval":"in","f1":"args.auth.n","f2":["18"]`, No},
		{`"type":"bool","eval":"==","f1":"args.auth.t","f2":true`, Yes},
		{`"type":"bool","eval":"!=","f1":"args.auth.t","f2":true`, No},
		{`"type":"bool","eval":"==","f1":"args.auth.n","f2":true`, Unknown},
		{`"type":"bool","eval":"==","f1":"utils.exists(args.auth.null)","f2":true`, Yes},
		{`"type":"bool","eval":"==","f1":"utils.exists(args.auth.none)","f2":false`, Yes},
		{`"type":"date","eval":"==","f1":"args.auth.d","f2":"2020-01-02T01:04:05Z"`, Yes},
		{`"type":"date","eval":"<","f1":"args.auth.d","f2":"2020-01-02"`, No},
		{`"type":"date","eval":">","f1":"args.auth.d","f2":"2020-01-02"`, Yes},
		{`"type":"date","eval":">","f1":"args.auth.id","f2":"2020-01-02"`, Unknown},
		{`"type":"date","eval":"<","f1":"utils.now()","f2":"utils.addDuration(utils.now(), '1h')"`, Yes},
		{`"type":"ip","eval":"in","f1":"args.auth.ip","f2":["10.0.0.0/8"]`, Yes},
		{`"type":"ip","eval":"in","f1":"args.auth.mapped","f2":["10.0.0.0/8"]`, Yes},
		{`"type":"ip","eval":"notIn","f1":"args.auth.mapped","f2":["10.0.0.0/8"]`, No},
		{`"type":"ip","eval":"in","f1":"args.auth.ip","f2":["::ffff:10.0.0.0/104"]`, Yes},
		{`"type":"ip","eval":"in","f1":"args.auth.ip","f2":["2001:db8::/32","10.1.2.4"]`, No},
		{`"type":"ip","eval":"==","f1":"args.auth.ip","f2":"10.1.2.3"`, Yes},
		{`"type":"ip","eval":"==","f1":"args.auth.id","f2":"10.1.2.3"`, Unknown},
	} {
		v := evaluate(t, `{"rule":"match",`+tc.rule+`}`, args, nil)
		if v.Outcome != tc.want {
			t.Errorf("%s: got %v (%s), want %v", tc.rule, v.Outcome, v.Reason, tc.want)
		}
		if v.Outcome != Yes && (v.Reason == "" || v.Place == "") {
			t.Errorf("%s: denied without a reason or a place", tc.rule)
		}
	}
}

// A force stores the value of an operand, where the test can read it.
func TestOperands(t *testing.T) {
	args := `{"auth":{"scope":"read write","s":"AbÄ","n":"12.50","list":[1,[2,3]],"oid":"0123456789abcdefABCDEF01","null":null,"key":"b","i":1,"f":1.5,"one":1.0,"str1":"1",
		"d":"2020-03-29T01:30:45.123456789+01:00","obj":{"a":1,"b":"B","1":"one","*":"star","a.b":"dot","x|y":"pipe","@this":"at","#":"hash"}}}`
	for ref, want := range map[string]string{
		"args.auth.list.1.0":                       "2",
		"args.auth.list.2":                         "",
		"args.auth.list.01":                        "",
		"args.auth.list.+1":                        "",
		"args.auth.list.-1":                        "",
		"args.auth.obj.b":                          `"B"`,
		"args.auth.obj.1":                          `"one"`,
		"args.auth.obj.*":                          `"star"`,
		"args.auth.obj.?":                          "",
		"args.auth.obj.x|y":                        `"pipe"`,
		"args.auth.obj.@this":                      `"at"`,
		"args.auth.obj.#":                          `"hash"`,
		"args.auth.list.#":                         "",
		"args.auth.null":                           "null",
		"args.auth.null.a":                         "",
		"args.auth.s.a":                            "",
		"args.auth.obj[args.auth.key]":             `"B"`,
		"args.auth.obj[args.auth.i]":               "",
		"args.auth.obj[args.auth.str1]":            `"one"`,
		"args.auth.list[args.auth.i]":              "[2,3]",
		"args.auth.list[args.auth.one]":            "[2,3]",
		"args.auth.list[args.auth.str1].1":         "3",
		"args.auth.list[args.auth.f]":              "",
		"args.auth.list[args.auth.none]":           "",
		"utils.length(args.auth.list)":             "2",
		"utils.length(args.auth.obj)":              "8",
		"utils.length(args.auth.s)":                "4",
		"utils.length(args.auth.i)":                "",
		"utils.exists(args.auth.null)":             "true",
		"utils.exists(args.auth.none)":             "false",
		"utils.split(args.auth.scope, ' ')":        `["read","write"]`,
		`utils.split(args.auth.scope,"d")`:         `["rea"," write"]`,
		"utils.split(args.auth.i, ' ')":            "",
		"utils.number(args.auth.n)":                "12.50",
		"utils.number(args.auth.s)":                "",
		"utils.number(args.auth.i)":                "",
		"utils.lower(args.auth.s)":                 `"abÄ"`,
		"utils.stringToObjectId(args.auth.oid)":    `{"$oid":"0123456789abcdefabcdef01"}`,
		"utils.stringToObjectId(args.auth.s)":      "",
		"utils.now()":                              `"2026-03-04T05:06:07.891Z"`,
		"utils.addDuration(args.auth.d, '-1h30m')": `"2020-03-29T00:00:45.123456789+01:00"`,
		"utils.addDuration('args.auth.d', 24h)":    `"2020-03-30T01:30:45.123456789+01:00"`,
		"utils.addDuration(2020-01-01, \"1h\")":    `"2020-01-01T01:00:00Z"`,
		"utils.roundUpDate(args.auth.d, 'month')":  `"2020-03-01T00:00:00+01:00"`,
		"utils.roundUpDate(args.auth.d, second)":   `"2020-03-29T01:30:45+01:00"`,
		"utils.roundUpDate(utils.addDuration(args.auth.d, '24h'), 'day')": `"2020-03-30T00:00:00+01:00"`,
		"utils.roundUpDate('2020-06-07T08:09:10.5-03:30', 'hour')":        `"2020-06-07T08:00:00-03:30"`,
		"utils.addDuration(args.auth.none, '1h')":                         "",
		"utils.addDuration(args.auth.s, '1h')":                            "",
		"utils.objectIdToString(args.auth.oid)":                           `"0123456789abcdefABCDEF01"`,
		"utils.objectIdToString(args.auth.s)":                             "",
		"utils.addDuration('2020-01-01T00:00:00+00:00', '0s')":            `"2020-01-01T00:00:00Z"`,
		"utils.addDuration('9999-12-31T23:59:59Z', '1h')":                 "",
		"utils.roundUpDate(args.auth.obj, 'day')":                         "",
		"utils.length(args.auth.obj[args.auth.key])":                      "1",
		"utils.exists(args.auth.list[args.auth.f])":                       "false",
		"utils.split(args.auth.s, ',')":                                   `["AbÄ"]`,
		"utils.roundUpDate(args.auth.d, 'year')":                          `"2020-01-01T00:00:00+01:00"`,
		"utils.roundUpDate(args.auth.d, 'minute')":                        `"2020-03-29T01:30:00+01:00"`,
	} {
		v := evaluate(t, `{"rule":"force","field":"args.out","value":`+value.Str(ref).String()+`}`, args, nil)
		if want == "" {
			if v.Outcome != Unknown {
				t.Errorf("%s: got %v %s, want unknown", ref, v.Outcome, v.Args.Key("out"))
			}
		} else if got := v.Args.Key("out").String(); got != want {
			t.Errorf("%s: got %s (%s), want %s", ref, got, v.Reason, want)
		}
	}
}

// Adding a day keeps the date's offset where the machine's own zone would change
// it: Berlin's summer begins on 2020-03-29.
func TestDatesKeepTheirZone(t *testing.T) {
	berlin := time.FixedZone("here", 3600)
	if zone, err := time.LoadLocation("Europe/Berlin"); err == nil {
		berlin = zone
	}
	old := time.Local
	time.Local = berlin
	defer func() { time.Local = old }()
	v := evaluate(t, `{"rule":"force","field":"args.out","value":"utils.addDuration('2020-03-28T12:00:00+01:00', '24h')"}`, `{}`, nil)
	if got, _ := v.Args.Key("out").Text(); got != "2020-03-29T12:00:00+01:00" {
		t.Errorf("got %s", got)
	}
}

func TestActions(t *testing.T) {
	args := `{"auth":{"id":"u1","list":["args.params.a","args.params.c"],"none":[],"bad":["foo"],"res":["res.a"]},"params":{"a":"abc","b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"username1"}}`
	guard := func(eval string) string {
		return `"clause":{"rule":"match","type":"string","eval":"==","f1":"` + eval + `","f2":"u1"}`
	}
	for _, tc := range []struct {
		rule string
		want string // args.params afterwards; "" denied
	}{
		{`"rule":"force","field":"args.params.a","value":"args.auth.id"`, `{"a":"u1","b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"username1"}`},
		{`"rule":"force","field":"args.params.b.y.z","value":1`, `{"a":"abc","b":{"x":1,"y":{"z":1}},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"username1"}`},
		{`"rule":"force","field":"args.params","value":{"a":"args.auth.id"}`, `{"a":"args.auth.id"}`},
		{`"rule":"force","field":"args.params","value":{"literal":"args.auth.id"}`, `"args.auth.id"`},
		{`"rule":"force","field":"args.params.a.x","value":1`, ``},
		{`"rule":"force","field":"args.params.null.x","value":1`, ``},
		{`"rule":"force","field":"args.params.arr.0.s","value":1`, ``},
		{`"rule":"force","field":"args.params.a","value":"args.auth.nothing"`, ``},
		{`"rule":"force","field":"args.params[args.auth.id]","value":1`, `{"a":"abc","b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"username1","u1":1}`},
		{`"rule":"force","field":"args.params[args.params.b.x]","value":1`, ``},
		{`"rule":"remove","fields":["args.params.a","args.params.zzz"]`, `{"b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"username1"}`},
		{`"rule":"remove","fields":["args.params.zzz.a"]`, ``},
		{`"rule":"remove","fields":["args.params.a.b"]`, ``},
		{`"rule":"remove","fields":["args.params.arr.0"]`, ``},
		{`"rule":"remove","fields":["args.params"]`, `null`},
		{`"rule":"remove","fields":[]`, `{"a":"abc","b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"username1"}`},
		{`"rule":"remove","fields":"args.auth.none"`, `{"a":"abc","b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"username1"}`},
		{`"rule":"remove","fields":"args.auth.list"`, `{"b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu"}`},
		{`"rule":"remove","fields":"args.auth.bad"`, ``},
		{`"rule":"remove","fields":"args.auth.nothing"`, ``},
		{`"rule":"remove","fields":"args.auth.id"`, ``},
		{`"rule":"encrypt","fields":"args.auth.list"`, `{"a":"EWmu","b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"BXioRN4GyvZs"}`},
		{`"rule":"decrypt","fields":["args.params.e"]`, `{"a":"abc","b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"abc","c":"username1"}`},
		{`"rule":"decrypt","fields":["args.params.a"]`, ``},
		{`"rule":"encrypt","fields":["args.params.b"]`, ``},
		{`"rule":"encrypt","fields":["args.params.zzz"]`, ``},
		{`"rule":"encrypt","fields":["args.params.arr.0.s"]`, ``},
		{`"rule":"hash","fields":["args.params.a"]`, `{"a":"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=","b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"username1"}`},
		{`"rule":"hash","encoding":"hex","fields":["args.params.a"]`, `{"a":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"username1"}`},
		{`"rule":"remove","fields":["args.params.a"],` + guard("args.auth.id"), `{"b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"username1"}`},
		{`"rule":"remove","fields":["args.params.a"],` + guard("u2"), `{"a":"abc","b":{"x":1},"arr":[{"s":"abc"}],"null":null,"e":"EWmu","c":"username1"}`},
		{`"rule":"remove","fields":["args.params.a"],` + guard("args.auth.nothing"), ``},
	} {
		v := evaluate(t, `{`+tc.rule+`}`, args, nil)
		switch {
		case tc.want == "" && v.Outcome != Unknown:
			t.Errorf("%s: got %v %s, want unknown", tc.rule, v.Outcome, v.Args.Key("params"))
		case tc.want != "" && v.Outcome != Yes:
			t.Errorf("%s: got %v: %s", tc.rule, v.Outcome, v.Reason)
		case tc.want != "" && v.Args.Key("params").String() != tc.want:
			t.Errorf("%s:\n got %s\nwant %s", tc.rule, v.Args.Key("params"), tc.want)
		}
	}
}

func TestGCMRoundTrip(t *testing.T) {
	v := evaluate(t, `{"rule":"and","clauses":[{"rule":"encrypt","algorithm":"aes-gcm","fields":["args.a"]},{"rule":"force","field":"args.sealed","value":"args.a"},
		{"rule":"decrypt","algorithm":"aes-gcm","fields":["args.a"]}]}`, `{"a":"secret"}`, nil)
	if got, _ := v.Args.Key("a").Text(); v.Outcome != Yes || got != "secret" {
		t.Errorf("got %v %q", v.Outcome, got)
	}
	sealed, _ := v.Args.Key("sealed").Text()
	for _, bad := range []string{"A" + sealed[1:], sealed[:8], "", "!" + sealed[1:]} {
		if bad == sealed {
			continue
		}
		v := evaluate(t, `{"rule":"decrypt","algorithm":"aes-gcm","fields":["args.a"]}`, `{"a":`+value.Str(bad).String()+`}`, nil)
		if v.Outcome != Unknown {
			t.Errorf("a forged %q decrypts", bad)
		}
	}
}

func TestUndo(t *testing.T) {
	force := func(field string) string { return `{"rule":"force","field":"` + field + `","value":true}` }
	deny := `{"rule":"deny"}`
	lost := `{"rule":"match","type":"string","eval":"==","f1":"args.none","f2":"x"}`
	for _, tc := range []struct {
		name, rule, args string
		want             Outcome
		response         int
	}{
		{"a failed or branch", `{"rule":"or","clauses":[{"rule":"and","clauses":[` + force("args.a") + `,` + force("res.a") + `,` + deny + `]},` + force("args.b") + `]}`, `{"b":true}`, Yes, 0},
		{"an unknown or branch", `{"rule":"or","clauses":[{"rule":"and","clauses":[` + force("args.a") + `,` + lost + `]},` + force("res.b") + `]}`, `{}`, Yes, 1},
		{"no branch", `{"rule":"or","clauses":[{"rule":"and","clauses":[` + force("args.a") + `,` + deny + `]},` + deny + `]}`, `{}`, No, 0},
		{"one unknown branch", `{"rule":"or","clauses":[` + lost + `,` + deny + `]}`, `{}`, Unknown, 0},
		{"unknown, then yes", `{"rule":"or","clauses":[` + lost + `,{"rule":"allow"}]}`, `{}`, Yes, 0},
		{"no, then unknown in an and", `{"rule":"and","clauses":[` + deny + `,` + lost + `]}`, `{}`, No, 0},
		{"unknown, then no in an and", `{"rule":"and","clauses":[` + lost + `,` + deny + `]}`, `{}`, Unknown, 0},
		{"a guard that was no", `{"rule":"force","field":"args.b","value":1,"clause":{"rule":"and","clauses":[` + force("args.a") + `,` + deny + `]}}`, `{}`, Yes, 0},
		{"a guard that was yes", `{"rule":"force","field":"args.b","value":1,"clause":{"rule":"and","clauses":[` + force("args.a") + `,` + force("res.a") + `]}}`, `{"a":true,"b":1}`, Yes, 0},
		{"changes are seen", `{"rule":"and","clauses":[` + force("args.a") + `,{"rule":"match","type":"bool","eval":"==","f1":"args.a","f2":true}]}`, `{"a":true}`, Yes, 0},
		{"actions in order", `{"rule":"and","clauses":[` + force("res.a") + `,{"rule":"remove","fields":["res.b","res.c"]}]}`, `{}`, Yes, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := evaluate(t, tc.rule, `{}`, nil)
			if v.Outcome != tc.want || v.Args.String() != tc.args && tc.want == Yes || len(v.Response) != tc.response {
				t.Errorf("got %v %s with %d response actions", v.Outcome, v.Args, len(v.Response))
			}
		})
	}
}

func TestMessages(t *testing.T) {
	no := func(msg string) string { return `{"rule":"deny","error":"` + msg + `"}` }
	for rule, want := range map[string]string{
		no("a"): "a",
		`{"rule":"and","error":"outer","clauses":[` + no("inner") + `]}`:                                                                                       "outer",
		`{"rule":"and","error":"","clauses":[` + no("inner") + `]}`:                                                                                            "inner",
		`{"rule":"or","clauses":[` + no("a") + `,` + no("b") + `,{"rule":"deny"}]}`:                                                                            "b",
		`{"rule":"and","clauses":[{"rule":"allow","error":"not on the path"},{"rule":"deny"}]}`:                                                                "",
		`{"rule":"force","field":"args.a","value":1,"clause":{"rule":"match","error":"guard","type":"bool","eval":"==","f1":"args.no","f2":true}}`:             "guard",
		`{"rule":"force","error":"action","field":"args.a","value":1,"clause":{"rule":"match","error":"x","type":"bool","eval":"==","f1":"args.n","f2":true}}`: "action",
	} {
		if got := evaluate(t, rule, `{}`, nil); got.Message != want {
			t.Errorf("%s: got %q, want %q", rule, got.Message, want)
		}
	}
}

func TestReasonsHoldNoValues(t *testing.T) {
	v := evaluate(t, `{"rule":"or","clauses":[{"rule":"match","type":"string","eval":"==","f1":"args.auth.id","f2":"args.params.id"},
		{"rule":"hash","fields":["args.auth"]},{"rule":"force","field":"args.auth.id.x","value":1}]}`, `{"auth":{"id":"SECRET1"},"params":{"id":"SECRET2"}}`, nil)
	if v.Outcome != Unknown || strings.Contains(v.Reason, "SECRET") {
		t.Errorf("got %v %s", v.Outcome, v.Reason)
	}
}
