package policyfile

import (
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

// Flow writes few quotes and no escapes that YAML does not need, and what it writes is read as
// the same value.
func TestFlow(t *testing.T) {
	for text, want := range map[string]string{
		`{"status":403,"error":"not now"}`:                  `{status: 403, error: not now}`,
		`{"eval":"<=","f1":"args.params.n","f2":[1,"1"]}`:   `{eval: "<=", f1: args.params.n, f2: [1, "1"]}`,
		`["<b>&amp;","yes","null","a: b","# c","é","","-"]`: `["<b>&amp;", "yes", "null", "a: b", "# c", "é", "", "-"]`,
		`{"a b":{"on":[]},"c":{}}`:                          `{a b: {"on": []}, c: {}}`,
		`"\u001b[31m\u0085\u2028"`:                          `"\u001b[31m\u0085\u2028"`,
	} {
		v, err := value.Parse(text, 9)
		if err != nil {
			t.Fatal(err)
		}
		got := Flow(v)
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		f, err := ParseOther("flow.yaml", []byte("a: "+got+"\n"))
		if err != nil {
			t.Errorf("%s: %v", got, err)
		} else if !value.Equal(f.Doc.Key("a"), v) {
			t.Errorf("%s is read as %s", got, f.Doc.Key("a"))
		}
	}
}
