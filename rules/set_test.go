package rules

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

// odd are elements and operands, among them those that a set could confuse:
// numbers that share a double, other spellings of a number or an address, and
// values of another type.
var odd = []string{
	`"a"`, `"b"`, `"\u0061"`, `"é"`, `"e\u0301"`, `""`, `"1"`, `1`, `1.0`, `10e-1`, `-0`, `0`, `0.0`, `1e-400`, `-1e-400`,
	`9007199254740992`, `9007199254740993`, `9007199254740992.5`, `9007199254740994`, `-9007199254740993`,
	`1e400`, `10e399`, `1` + strings.Repeat("0", 400), `1` + strings.Repeat("0", 399) + `1`, `-1e400`, `1.5e400`,
	`"10.0.0.1"`, `"10.0.0.0/8"`, `"10.9.9.9/8"`, `"::ffff:10.0.0.1"`, `"::ffff:10.0.0.0/104"`, `"::ffff:0:0/90"`, `"::1"`, `"::/0"`, `"0.0.0.0/0"`, `"fe80::1%eth0"`, `"10.0.0.1/32"`, `"2001:db8::/32"`, `"2001:db8::1"`,
	`true`, `null`, `[]`, `["a"]`, `{}`,
}

// TestSetIsTheList: a list answers in and notIn alike as a text, which is walked,
// and as a set, whether it is written in the rule, at hand, or both.
func TestSetIsTheList(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	sets := 0
	for range 3000 {
		elems := make([]string, random.IntN(3*setFrom))
		for i := range elems {
			elems[i] = odd[random.IntN(len(odd))]
		}
		typ, eval := operandTypes[random.IntN(2)], []string{"in", "notIn"}[random.IntN(2)]
		if random.IntN(3) == 0 {
			typ = &ipType
		}
		text := "[" + strings.Join(elems, ",") + "]"
		args := mustParse(t, `{"v":`+odd[random.IntN(len(odd))]+`,"list":`+text+`}`)
		rule := func(f2 string) string {
			return fmt.Sprintf(`{"rule":"match","type":%q,"eval":%q,"f1":"args.v","f2":%s}`, typ.name, eval, f2)
		}
		read := mustCompile(t, rule(`"args.list"`))
		want := read.Eval(&Input{Args: args}, nil)

		indexed, _ := args.Indexed(1 << 20)
		for range 3 {
			got := read.Eval(&Input{Args: indexed}, nil)
			if got.Outcome != want.Outcome || got.Reason != want.Reason {
				t.Fatalf("%v %s of %v: %v, as a set %v", typ.name, eval, args, want, got)
			}
		}
		if indexed.Key("list").Derived().Load() != nil {
			sets++
		}
		written, faults := Compile(mustParse(t, rule(text)), "rule", testEnv())
		if faults != nil { // a text that is no address
			continue
		}
		if got := written.Eval(&Input{Args: args}, nil); got.Outcome != want.Outcome {
			t.Fatalf("%v %s of %v: %v, as a written set %v", typ.name, eval, args, want, got)
		}
	}
	if sets < 500 {
		t.Errorf("only %d lists became sets", sets)
	}
}

// TestSetIsMadeOnce: a list that is used once is walked, one that is used under
// two types serves both.
func TestSetIsMadeOnce(t *testing.T) {
	list, _ := mustParse(t, `["a","b","c","d","e","f","g","h",1]`).Indexed(100)
	args := value.Obj(value.Member{Key: "list", Value: list})
	text := mustCompile(t, `{"rule":"match","type":"string","eval":"in","f1":"h","f2":"args.list"}`)
	number := mustCompile(t, `{"rule":"match","type":"number","eval":"in","f1":1,"f2":"args.list"}`)
	for i, want := range []bool{false, true, true} {
		v := text.Eval(&Input{Args: args}, nil)
		if made := list.Derived().Load() != nil; v.Outcome != Yes || made != want {
			t.Errorf("use %d: %v, a set: %t", i, v, made)
		}
		if v := number.Eval(&Input{Args: args}, nil); v.Outcome != Yes && i > 0 {
			t.Errorf("use %d: %v", i, v)
		}
	}
}
