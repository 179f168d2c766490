package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/value"
)

// teller is a Tracer that writes a line for each call.
type teller struct {
	lines []string
	depth int
}

func (t *teller) tell(format string, args ...any) {
	t.lines = append(t.lines, strings.Repeat(" ", t.depth)+fmt.Sprintf(format, args...))
}

func (t *teller) Begin(*Rule, *Input) { t.lines = nil }
func (t *teller) End(_ *Rule, v *Verdict) {
	t.tell("end %v", v.Outcome)
}

func (t *teller) Enter(r *Rule, at Moment) {
	line := r.Kind()
	if typ, eval := r.Comparison(); typ != "" {
		line += " " + typ + " " + eval
	}
	if item := at.Item(); item.Kind() != value.Missing {
		line += " item=" + item.String()
	}
	t.tell("%s", line)
	t.depth++
	for _, o := range at.Operands(r) {
		shown := o.Value.String()
		if o.Err != nil {
			shown = o.Err.Error()
		}
		t.tell("%s %s = %s", o.Field, o.Text, shown)
		for _, read := range o.Reads {
			t.tell(" reads %v %v", read.Keys, read.Item)
		}
	}
	for _, target := range at.Targets(r) {
		t.tell("changes %s %v in %s", target.Root, target.Keys, at.Args())
	}
}

func (t *teller) Exit(_ *Rule, at Moment, v *Verdict) {
	t.depth--
	line := v.Outcome.String()
	if v.Reason != "" {
		line += ": " + v.Reason
	}
	for _, e := range at.Edits() {
		line += " [" + e.Op() + " " + strings.Join(e.Path(), ".") + "]"
	}
	t.tell("%s", line)
}

func (t *teller) Asked(c *Call, reply *Reply) {
	answer := "no reply"
	if reply != nil {
		answer = reply.Rows.String() + reply.Err
	}
	t.tell("asked %s: %s", c.Find, answer)
}

// told evaluates a rule with a teller, answers each query with one row, applies the
// response actions and returns the lines.
func told(t *testing.T, rule, args, response string) string {
	t.Helper()
	r, tell, memo := mustCompile(t, rule), &teller{}, Memo{}
	in := &Input{Args: mustParse(t, args), Now: testNow, Tracer: tell}
	v := r.Eval(in, memo)
	for range 10 {
		for _, c := range v.Calls {
			memo[c.ID] = Reply{ID: c.ID, Rows: mustParse(t, `[{"n":1}]`)}
		}
		if v = r.Eval(in, memo); v.Outcome != Waiting {
			break
		}
	}
	if _, err := ApplyResponse(response, v.Response, 64, 0); err != nil {
		tell.tell("%v", err)
	}
	return strings.Join(tell.lines, "\n")
}

func TestTracer(t *testing.T) {
	for name, c := range map[string]struct{ rule, args, response, want string }{
		"operands, and what decided": {
			rule: `{"rule":"or","clauses":[{"rule":"match","type":"string","eval":"==","f1":"args.a[args.k]","f2":"x"},{"rule":"match","type":"number","eval":"in","f1":"args.n","f2":["args.m",1,1,1,1,1,1,1,1]},{"rule":"deny"}]}`,
			args: `{"a":{"b":"y"},"k":"b","n":2,"m":2}`,
			want: `or
 match string ==
  f1 args.a[args.k] = "y"
   reads [{a false} { true}] false
   reads [{k false}] false
  f2 "x" = "x"
 no: args.a[args.k] == "x" does not hold
 match number in
  f1 args.n = 2
   reads [{n false}] false
  f2 ["args.m",1,1,1,1,1,1,1,1] = [2,1,1,1,1,1,1,1,1]
   reads [{m false}] false
 yes
yes
end yes`,
		},
		"an operand that is missing": {
			rule: `{"rule":"match","type":"string","eval":"matches","f1":"args.a.b","f2":"^x"}`,
			args: `{}`,
			want: `match string matches
 f1 args.a.b = args.a.b is missing
  reads [{a false} {b false}] false
 f2 ^x = "^x"
unknown: args.a.b is missing
end unknown`,
		},
		"the last evaluation alone, with its call; nothing is told ahead of its turn": {
			rule: `{"rule":"and","clauses":[{"rule":"query","db":"d","col":"c","find":{"a":"args.x"}},{"rule":"match","type":"any","eval":"==","f1":"args.result.0.n","f2":1}]}`,
			args: `{"x":7}`,
			want: `and
 query
  find  = {"a":7}
   reads [{x false}] false
  changes args [result] in {"x":7}
  asked {"a":7}: [{"n":1}]
 yes
 match any ==
  f1 args.result.0.n = 1
   reads [{result false} {0 false} {n false}] false
  f2 1 = 1
 yes
yes
end yes`,
		},
		"elements, and the clauses of the response's actions": {
			rule: `{"rule":"and","clauses":[{"rule":"some","field":"args.l","clause":{"rule":"match","type":"number","eval":">","f1":"item.n","f2":1}},
			  {"rule":"filter","field":"res.rows","clause":{"rule":"match","type":"string","eval":"==","f1":"item.o","f2":"args.o"}}]}`,
			args: `{"l":[{"n":1},{"n":2}],"o":"me"}`, response: `{"rows":[{"o":"me"},{"o":"you"}]}`,
			want: `and
 some
  field args.l = [{"n":1},{"n":2}]
   reads [{l false}] false
  match number > item={"n":1}
   f1 item.n = 1
    reads [{n false}] true
   f2 1 = 1
  no: item.n > 1 does not hold
  match number > item={"n":2}
   f1 item.n = 2
    reads [{n false}] true
   f2 1 = 1
  yes
 yes
 filter
  changes res [rows] in {"l":[{"n":1},{"n":2}],"o":"me"}
 yes [filter rows]
yes [filter rows]
end yes
match string == item={"o":"me"}
 f1 item.o = "me"
  reads [{o false}] true
 f2 args.o = "me"
  reads [{o false}] false
yes
match string == item={"o":"you"}
 f1 item.o = "you"
  reads [{o false}] true
 f2 args.o = "me"
  reads [{o false}] false
no: item.o == args.o does not hold`,
		},
		"a value that waits": {
			rule: `{"rule":"force","field":"args.a","value":"args.b","clause":{"rule":"authenticated"}}`,
			args: `{"b":1}`,
			want: `force
 value args.b = 1
  reads [{b false}] false
 changes args [a] in {"b":1}
 authenticated
 no: no verified token
yes
end yes`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := told(t, c.rule, c.args, c.response); got != c.want {
				t.Errorf("told:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// TestClausesOfARule walks a rule of every kind with Clauses.
func TestClausesOfARule(t *testing.T) {
	env := envWith(map[string]string{"named": `{"rule":"deny"}`})
	match := `{"rule":"match","type":"any","eval":"==","f1":"item","f2":1}`
	rule := `{"rule":"and","clauses":[{"rule":"or","clauses":[{"rule":"not","clause":{"rule":"allow"}}]},{"rule":"use","of":"named"},
	  {"rule":"every","field":"args.a","clause":` + match + `},{"rule":"query","db":"d","col":"c","clause":{"rule":"authenticated"}},
	  {"rule":"remove","fields":["args.a.x"],"clause":{"rule":"allow"}},{"rule":"each","field":"args.a","clauses":[{"rule":"force","field":"item.x","value":1}]},
	  {"rule":"filter","field":"args.a","clause":` + match + `}]}`
	r, faults := Compile(mustParse(t, rule), "rule", env)
	if faults != nil {
		t.Fatal(faults)
	}
	var lines []string
	var walk func(r *Rule, depth int)
	walk = func(r *Rule, depth int) {
		line := strings.Repeat(" ", depth) + r.Kind()
		for is, mark := range map[string]bool{"use": r.UsesName(), "loops": r.Loops(), "guarded": r.Guarded()} {
			if mark {
				line += " " + is
			}
		}
		lines = append(lines, line)
		for _, in := range r.Clauses() {
			walk(in, depth+1)
		}
	}
	walk(r, 0)
	want := []string{"and", " or", "  not", "   allow", " deny use", "  deny", " every loops", "  match", " query", "  authenticated",
		" remove guarded", "  allow", " each loops", "  force", " filter loops", "  match"}
	if !slices.Equal(lines, want) {
		t.Errorf("clauses:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// TestNoTracerCostsNothing counts the allocations of a match.
func TestNoTracerCostsNothing(t *testing.T) {
	r := mustCompile(t, benchRule)
	in := &Input{Args: mustParse(t, `{"auth":{"role":"admin"}}`), Now: testNow, Memory: new(Memory)}
	if n := testing.AllocsPerRun(100, func() { r.Eval(in, nil) }); n != 0 {
		t.Errorf("an evaluation without a tracer allocates %v times", n)
	}
	in.Tracer = &teller{}
	if n := testing.AllocsPerRun(100, func() { r.Eval(in, nil) }); n < 5 {
		t.Errorf("an evaluation with a tracer allocates %v times: the test counts nothing", n)
	}
}

// silent is a Tracer that does nothing.
type silent struct{}

func (silent) Begin(*Rule, *Input)          {}
func (silent) Enter(*Rule, Moment)          {}
func (silent) Exit(*Rule, Moment, *Verdict) {}
func (silent) Asked(*Call, *Reply)          {}
func (silent) End(*Rule, *Verdict)          {}

// BenchmarkTracer compares an evaluation without a tracer with one that tells a
// tracer which does nothing: the difference is the cost of telling.
func BenchmarkTracer(b *testing.B) {
	r := mustCompile(b, `{"rule":"and","clauses":[{"rule":"or","clauses":[{"rule":"deny"},{"rule":"deny"},{"rule":"allow"}]},{"rule":"allow"},{"rule":"allow"},{"rule":"allow"}]}`)
	for name, tracer := range map[string]Tracer{"none": nil, "silent": silent{}} {
		b.Run(name, func(b *testing.B) {
			in := &Input{Now: testNow, Tracer: tracer}
			b.ReportAllocs()
			for b.Loop() {
				if v := r.Eval(in, nil); v.Outcome != Yes {
					b.Fatal(v.Reason)
				}
			}
		})
	}
}
