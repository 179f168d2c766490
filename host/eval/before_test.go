package eval

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
)

// before is a rulegate of the time before not, some, every, keep, each and use, such as
// one built of commit 07a96c3.
var before = flag.String("before", "", "path of an older rulegate, which answers testdata/before.jsonl anew")

const beforeFile = "testdata/before.jsonl"

// beforeCase is a question, and the older answer to it.
type beforeCase struct {
	Question json.RawMessage
	Outcome  string
	Args     json.RawMessage
	Res      json.RawMessage `json:",omitempty"`
	Blocked  bool            `json:",omitempty"`
}

// TestRulesOfBefore: a random rule of the older language has the verdict and the changes
// that it had, in the recorded answers of the older rulegate.
func TestRulesOfBefore(t *testing.T) {
	if *before != "" {
		recordBefore(t, *before)
	}
	text, err := os.ReadFile(beforeFile)
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(fixed)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]int{}
	for line := range bytes.Lines(text) {
		var c beforeCase
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		got := readAnswer(t, e.Answer(c.Question).String())
		outcomes[got.Outcome]++
		if got.Outcome != c.Outcome || got.ResBlocked != c.Blocked || !same(t, got.Args, c.Args) || !same(t, got.Res, c.Res) {
			t.Errorf("%s\nbefore: %s %s %s %v\nnow:    %s %s %s %v: %s", c.Question, c.Outcome, c.Args, c.Res, c.Blocked,
				got.Outcome, got.Args, got.Res, got.ResBlocked, got.Reason)
		}
	}
	for _, outcome := range []string{"yes", "no", "unknown"} {
		if outcomes[outcome] != perOutcome {
			t.Errorf("%d answers are %s; want %d", outcomes[outcome], outcome, perOutcome)
		}
	}
}

type beforeAnswer struct {
	Outcome, Reason string
	Args, Res       json.RawMessage
	ResBlocked      bool
}

func readAnswer(t *testing.T, text string) (a beforeAnswer) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return a
}

func same(t *testing.T, a, b json.RawMessage) bool {
	t.Helper()
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		t.Fatalf("%s %s", a, b)
	}
	return reflect.DeepEqual(x, y)
}

// perOutcome is how many questions are recorded of each outcome.
const perOutcome = 150

// recordBefore asks the older rulegate random questions, the same each time.
func recordBefore(t *testing.T, program string) {
	g := &oldRules{rand.New(rand.NewPCG(7, 3))}
	var questions bytes.Buffer
	for range 8000 {
		q, err := json.Marshal(map[string]any{"now": fixed(), "rule": g.rule(3), "args": g.args(), "res": g.object(2)})
		if err != nil {
			t.Fatal(err)
		}
		questions.Write(append(q, '\n'))
	}
	cmd := exec.Command(program, "eval")
	cmd.Stdin = bytes.NewReader(questions.Bytes())
	answers, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	recorded := map[string]int{}
	asked := strings.Split(strings.TrimSpace(questions.String()), "\n")
	for i, line := range strings.Split(strings.TrimSpace(string(answers)), "\n") {
		a := readAnswer(t, line)
		if recorded[a.Outcome]++; recorded[a.Outcome] > perOutcome {
			continue
		}
		c, err := json.Marshal(beforeCase{json.RawMessage(asked[i]), a.Outcome, a.Args, a.Res, a.ResBlocked})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(c, '\n'))
	}
	if err := os.WriteFile(beforeFile, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// oldRules makes rules of the older language, over few names and values, so that
// operands are often there and often equal.
type oldRules struct{ *rand.Rand }

func oneOf[T any](g *oldRules, of ...T) T { return of[g.IntN(len(of))] }

func (g *oldRules) name() string { return oneOf(g, "a", "b", "c") }

func (g *oldRules) path(root string) string {
	path := root
	for range 1 + g.IntN(2) {
		path += "." + oneOf(g, "a", "b", "c", "0", "1")
	}
	return path
}

func (g *oldRules) scalar() any {
	return oneOf[any](g, "a", "b", "", "args.a", 0, 1, 2.5, -1, true, false, nil, "2026-01-02", "2026-01-02T03:04:05Z", "1")
}

func (g *oldRules) object(depth int) any {
	if depth == 0 || g.IntN(5) == 0 {
		return g.scalar()
	}
	if g.IntN(4) == 0 {
		list := []any{}
		for range g.IntN(3) {
			list = append(list, g.object(depth-1))
		}
		return list
	}
	o := map[string]any{}
	for range 1 + g.IntN(3) {
		o[g.name()] = g.object(depth - 1)
	}
	return o
}

func (g *oldRules) args() map[string]any {
	o := map[string]any{}
	for _, name := range []string{"a", "b", "c"} {
		o[name] = g.object(2)
	}
	if g.IntN(3) > 0 {
		o["auth"] = map[string]any{"a": g.scalar(), "b": g.scalar()}
	}
	return o
}

func (g *oldRules) operand() any {
	switch g.IntN(6) {
	case 0:
		return g.scalar()
	case 1:
		return oneOf(g, "utils.exists", "utils.length") + "(" + g.path("args") + ")"
	case 2:
		return oneOf(g, "utils.now()", "utils.addDuration(args.a, '1h')", "utils.roundUpDate(args.b, 'day')")
	}
	return g.path("args")
}

func (g *oldRules) rule(depth int) map[string]any {
	if depth == 0 || g.IntN(3) == 0 {
		return g.match()
	}
	switch g.IntN(8) {
	case 0:
		return map[string]any{"rule": oneOf(g, "allow", "deny", "authenticated")}
	case 1, 2, 3:
		clauses := []any{}
		for range 1 + g.IntN(3) {
			clauses = append(clauses, g.rule(depth-1))
		}
		return map[string]any{"rule": oneOf(g, "and", "or"), "clauses": clauses}
	}
	return g.action(depth)
}

func (g *oldRules) match() map[string]any {
	kind := oneOf(g, "string", "number", "bool", "date")
	eval := oneOf(g, "==", "!=")
	f2 := g.operand()
	switch {
	case kind != "bool" && kind != "date" && g.IntN(3) == 0:
		eval = oneOf(g, "in", "notIn")
		f2 = oneOf[any](g, g.path("args"), []any{g.operand(), g.operand()}, []any{g.scalar()})
	case (kind == "number" || kind == "date") && g.IntN(2) == 0:
		eval = oneOf(g, "<", "<=", ">", ">=")
	}
	return map[string]any{"rule": "match", "type": kind, "eval": eval, "f1": g.operand(), "f2": f2}
}

func (g *oldRules) action(depth int) map[string]any {
	field := g.path(oneOf(g, "args", "args", "res"))
	out := map[string]any{"rule": oneOf(g, "force", "remove", "hash", "filter")}
	switch out["rule"] {
	case "force":
		out["field"], out["value"] = field, oneOf(g, g.operand(), g.object(1))
	case "filter":
		out["field"], out["clause"] = field, g.match()
		out["clause"].(map[string]any)["f1"] = oneOf(g, "item.a", "item.b", g.path("args"))
		return out
	default:
		out["fields"] = oneOf[any](g, []any{field}, []any{field, g.path("args")}, g.path("args"))
	}
	if g.IntN(2) == 0 {
		out["clause"] = g.rule(depth - 1)
	}
	return out
}
