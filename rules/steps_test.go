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

// TestSteps: a rule that needs one step more than it may take is unknown, whatever
// its clauses make of the end of a search, and it ends soon.
func TestSteps(t *testing.T) {
	kinds := stepKinds(t)
	some := `{"rule":"some","field":"args.texts","clause":{"rule":"match","type":"string","eval":"in","f1":"item","f2":"args.few"}}`
	kinds["not"] = stepKind{`{"rule":"not","clause":` + some + `}`, kinds["clauses"].args}
	kinds["or"] = stepKind{`{"rule":"or","clauses":[` + some + `,{"rule":"allow"}]}`, kinds["clauses"].args}
	kinds["guard"] = stepKind{`{"rule":"remove","fields":["args.few"],"clause":` + some + `}`, kinds["clauses"].args}
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			r, args := mustCompile(t, k.rule), mustParse(t, k.args)
			eval := func(most int) Verdict {
				return r.Eval(&Input{Args: args.Opened(), Now: testNow, MaxSteps: most}, nil)
			}
			full := eval(1 << 30)
			if full.Outcome != Yes || full.Steps < 2000 {
				t.Fatalf("%v: %s after %d steps", full.Outcome, full.Reason, full.Steps)
			}
			if v := eval(full.Steps); v.Outcome != Yes || v.Steps != full.Steps {
				t.Errorf("%v: %s after %d steps, with as many as it takes", v.Outcome, v.Reason, v.Steps)
			}
			for _, most := range []int{full.Steps - 1, full.Steps / 2, full.Steps / 9} {
				v := eval(most)
				if v.Outcome != Unknown || !v.Exhausted || v.Reason != TooManySteps || len(v.Response) > 0 {
					t.Errorf("%d steps: %v: %s", most, v.Outcome, v.Reason)
				}
				// Steps are counted before the work, also those of a list that is too long.
				if v.Steps > most+full.Steps/2+1000 {
					t.Errorf("%d steps, want at most %d", v.Steps, most)
				}
			}
		})
	}
}

// TestStepsOfAResponse: actions that ask a clause of each element of the response
// count on, from the evaluation's own limit.
func TestStepsOfAResponse(t *testing.T) {
	rule := mustCompile(t, `{"rule":"filter","field":"res.rows","onUnknown":"drop","clause":{"rule":"match","type":"string","eval":"in","f1":"item","f2":"args.b"}}`)
	in := &Input{Args: mustParse(t, `{"b":`+list("b", 400)+`}`), Now: testNow, MaxSteps: 20_000}
	v := rule.Eval(in, nil)
	if v.Outcome != Yes {
		t.Fatal(v.Reason)
	}
	if out, err := ApplyResponse(`{"rows":`+list("a", 4000)+`}`, v.Response, 64, 0); err == nil || !strings.Contains(err.Error(), TooManySteps) {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := ApplyResponse(`{"rows":`+list("b", 10)+`}`, v.Response, 64, 0); err != nil {
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
