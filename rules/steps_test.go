package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

// list writes a JSON array of n strings that start with prefix.
func list(prefix string, n int) string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("%q", fmt.Sprint(prefix, i))
	}
	return "[" + strings.Join(texts, ",") + "]"
}

const inBoth = `{"rule":"match","type":"string","eval":"in","f1":"item","f2":"args.b"}`

// TestSteps: a rule that takes too many steps is unknown, whatever its clauses
// make of the end of a search.
func TestSteps(t *testing.T) {
	args := mustParse(t, `{"a":`+list("a", 400)+`,"b":`+list("b", 400)+`,"text":"`+strings.Repeat("x ", 20_000)+`"}`)
	some := `{"rule":"some","field":"args.a","clause":` + inBoth + `}`
	for name, rule := range map[string]string{
		"some":    some,
		"every":   `{"rule":"every","field":"args.a","clause":` + inBoth + `}`,
		"not":     `{"rule":"not","clause":` + some + `}`,
		"or":      `{"rule":"or","clauses":[` + some + `,{"rule":"allow"}]}`,
		"filter":  `{"rule":"filter","field":"args.a","onUnknown":"drop","clause":` + inBoth + `}`,
		"notIn":   `{"rule":"every","field":"args.a","clause":` + strings.Replace(inBoth, `"in"`, `"notIn"`, 1) + `}`,
		"split":   `{"rule":"every","field":"args.a","clause":{"rule":"match","type":"string","eval":"notIn","f1":"item","f2":"utils.split(args.text, ' ')"}}`,
		"exists":  `{"rule":"every","field":"args.a","clause":{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(args.text.x)","f2":false}}`,
		"guard":   `{"rule":"remove","fields":["args.b"],"clause":` + some + `}`,
		"force":   `{"rule":"each","field":"args.a","clauses":[{"rule":"force","field":"item","value":"utils.concat(args.text, 'x')"}]}`,
		"default": `{"rule":"every","field":"args.a","clause":{"rule":"match","type":"string","eval":"!=","f1":"utils.default(args.text, 'x')","f2":"y"}}`,
		"matches": `{"rule":"every","field":"args.a","clause":{"rule":"match","type":"string","eval":"matches","f1":"args.text","f2":"^(x )+$"}}`,
		"any":     `{"rule":"every","field":"args.a","clause":{"rule":"match","type":"any","eval":"==","f1":"args.b","f2":"args.b"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			in := &Input{Args: args, Now: testNow, MaxSteps: 20_000}
			v := mustCompile(t, rule).Eval(in, nil)
			if v.Outcome != Unknown || !v.Exhausted || v.Reason != TooManySteps || len(v.Response) > 0 {
				t.Errorf("%v: %s after %d steps", v.Outcome, v.Reason, v.Steps)
			}
			// The clause that runs when the budget is gone may still finish.
			if most := 20_000 + 40_000; v.Steps > most {
				t.Errorf("%d steps, want at most %d", v.Steps, most)
			}
			in.MaxSteps = 100_000_000
			if v := mustCompile(t, rule).Eval(in, nil); v.Exhausted {
				t.Errorf("%s after %d steps", v.Reason, v.Steps)
			}
		})
	}
}

// TestStepsOfAResponse: actions that ask a clause of each element of the response
// count on, from the evaluation's own limit.
func TestStepsOfAResponse(t *testing.T) {
	rule := mustCompile(t, `{"rule":"filter","field":"res.rows","onUnknown":"drop","clause":`+inBoth+`}`)
	in := &Input{Args: mustParse(t, `{"b":`+list("b", 400)+`}`), Now: testNow, MaxSteps: 20_000}
	v := rule.Eval(in, nil)
	if v.Outcome != Yes {
		t.Fatal(v.Reason)
	}
	if out, err := ApplyResponse(`{"rows":`+list("a", 400)+`}`, v.Response, 64); err == nil || !strings.Contains(err.Error(), TooManySteps) {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := ApplyResponse(`{"rows":`+list("b", 10)+`}`, v.Response, 64); err != nil {
		t.Errorf("%s, %v", out, err)
	}
}

// TestManyElementsAreFine: by default, one comparison of each of as many elements
// as a rule may visit is not too much.
func TestManyElementsAreFine(t *testing.T) {
	args := value.Obj(
		value.Member{Key: "a", Value: mustParse(t, list("a", maxElements))},
		value.Member{Key: "auth", Value: mustParse(t, `{"id":"a","email":"`+strings.Repeat("x", 500)+`"}`)},
	)
	rule := mustCompile(t, `{"rule":"every","field":"args.a","clause":{"rule":"match","type":"string","eval":"startsWith","f1":"item","f2":"args.auth.id"}}`)
	if v := rule.Eval(&Input{Args: args, Now: testNow}, nil); v.Outcome != Yes {
		t.Errorf("%v: %s after %d steps", v.Outcome, v.Reason, v.Steps)
	}
}

// TestSize: the size of a value is that of its text, or grows with its members.
func TestSize(t *testing.T) {
	text := mustParse(t, list("a", 1000))
	if text.Size() < 4000 || value.Arr(text.Elements()...).Size() < 4000 || value.Str("abc").Size() != 3 || (value.Value{}).Size() != 0 {
		t.Errorf("%d, %d", text.Size(), value.Arr(text.Elements()...).Size())
	}
}
