package rules

import (
	"strings"
	"testing"
)

func TestResponse(t *testing.T) {
	act := func(rest string) string { return `{` + rest + `}` }
	remove := func(p string) string { return act(`"rule":"remove","fields":["` + p + `"]`) }
	hash := act(`"rule":"hash","fields":["res.a"]`)
	for _, tc := range []struct {
		name, rule, body, want string // want "": blocked
	}{
		{"remove", remove("res.a"), `{"a":1,"b":2}`, `{"b":2}`},
		{"untouched parts keep their bytes", remove("res.a"), "{\"a\":1,\"b\":{ \"x\\u0041\" : 1.50e1 , \"y\":[ 1 ]},\"\\u0063\":\"\\u00e9\"}", "{\"b\":{ \"x\\u0041\" : 1.50e1 , \"y\":[ 1 ]},\"\\u0063\":\"\\u00e9\"}"},
		{"nothing to remove", remove("res.a"), `{ "b":2 }`, `{ "b":2 }`},
		{"each element at the top", remove("res.a"), `[{"a":1},{"b":1},{"a":2,"c":3}]`, `[{},{"b":1},{"c":3}]`},
		{"each element inside", remove("res.items.a"), `{"items":[{"a":1},{"a":2,"b":1}]}`, `{"items":[{},{"b":1}]}`},
		{"arrays in arrays", remove("res.a"), `[[{"a":1}],[]]`, `[[{}],[]]`},
		{"an absent parent", remove("res.x.a"), `{"a":1}`, ""},
		{"a scalar parent", remove("res.x.a"), `{"x":1}`, ""},
		{"an odd element", remove("res.a"), `[{"a":1},5]`, ""},
		{"a null element", remove("res.a"), `[{"a":1},null]`, ""},
		{"a digit is a key", remove("res.0"), `{"0":1,"1":2}`, `{"1":2}`},
		{"hash is hex", hash, `{"a":"abc"}`, `{"a":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}`},
		{"hash in base64", act(`"rule":"hash","encoding":"base64","fields":["res.a"]`), `{"a":"abc"}`, `{"a":"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}`},
		{"hash of nothing", hash, `{"b":"abc"}`, ""},
		{"hash of a number", hash, `{"a":1}`, ""},
		{"hash of an array of strings", hash, `{"a":["abc",""]}`, `{"a":["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}`},
		{"hash of an array with a number", hash, `{"a":["abc",1]}`, ""},
		{"hash of an array of arrays", hash, `{"a":[["abc"]]}`, ""},
		{"encrypt", act(`"rule":"encrypt","fields":["res.a"]`), `{"a":"username1"}`, `{"a":"BXioRN4GyvZs"}`},
		{"decrypt", act(`"rule":"decrypt","fields":["res.a"]`), `{"a":"EWmu"}`, `{"a":"abc"}`},
		{"decrypt of what was not encrypted", act(`"rule":"decrypt","fields":["res.a"]`), `{"a":"?"}`, ""},
		{"force", act(`"rule":"force","field":"res.b.c","value":"args.auth.id"`), `{"a":1}`, `{"a":1,"b":{"c":"u1"}}`},
		{"force in each", act(`"rule":"force","field":"res.a","value":null`), `[{"a":1},{}]`, `[{"a":null},{"a":null}]`},
		{"force through null", act(`"rule":"force","field":"res.a.b","value":1`), `{"a":null}`, ""},
		{"null passes", hash, ` null `, ` null `},
		{"no body passes", hash, ``, ``},
		{"a scalar", hash, `"abc"`, ""},
		{"an empty array", hash, `[]`, `[]`},
		{"no JSON", hash, `<html>`, ""},
		{"repeated keys", hash, `{"a":"abc","a":"x"}`, ""},
		{"trailing text", hash, `{"a":"abc"} x`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := evaluate(t, tc.rule, `{"auth":{"id":"u1"}}`, nil)
			if v.Outcome != Yes {
				t.Fatalf("got %v %s", v.Outcome, v.Reason)
			}
			got, err := ApplyResponse(tc.body, v.Response, 16, 0)
			switch {
			case err == nil && tc.want == "" && tc.body != "":
				t.Errorf("passed as %s", got)
			case err != nil && (tc.want != "" || tc.body == ""):
				t.Errorf("blocked: %v", err)
			case err != nil && strings.Contains(err.Error(), "abc"):
				t.Errorf("the error holds a value: %v", err)
			case err == nil && got != tc.want:
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
