package cases

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/console/engine"
	"github.com/rulegate/rulegate/host/console/evaltest"
	"github.com/rulegate/rulegate/host/eval"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/policytest"
	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// TestPage runs the cases in the evaluator of the console's page, compiled to wasm and
// run by Node.js: each request that a file with tests can say. Its decisions must be
// those of the case, which the module has too; the same as natively, with the whole
// trace; and its rule must come out as rulegate eval says.
func TestPage(t *testing.T) {
	page := evaltest.Start(t)
	single, err := eval.New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	said, all, evaluated := 0, 0, 0
	cases := harness.LoadCases(t)
	for _, c := range cases {
		all += len(c.Requests)
		tests := convert(t, c)
		if len(tests) == 0 {
			continue
		}
		said += len(tests)
		t.Run(c.Name, func(t *testing.T) {
			r := &pageRunner{t: t, page: page, c: c, now: time.Now().UTC()}
			r.suite(tests)
			for _, x := range tests {
				evaluated += r.request(x, single)
			}
		})
	}
	t.Logf("%d of %d requests were decided in the page, and the rules of %d by rulegate eval too", said, all, evaluated)
	whole := len(harness.Chosen(cases)) == len(cases)
	if said < all/2 || whole && evaluated < said/4 {
		t.Error("want at least half of the requests, and the rules of a quarter of these")
	}
}

// pageRunner decides the requests of a case in the page's evaluator.
type pageRunner struct {
	t    *testing.T
	page *evaltest.Evaluator
	c    *harness.Case
	now  time.Time
}

func (r *pageRunner) question(op string, files policyfile.Memory) *engine.Question {
	files["policy.yaml"] = r.c.Policy
	return &engine.Question{Op: op, Files: files, Policy: "policy.yaml", Env: r.c.Environ(), Tests: "policy_test.json"}
}

// suite runs the requests as tests, which want what the case wants.
func (r *pageRunner) suite(tests []converted) {
	doc, err := json.Marshal(map[string]any{"now": r.now.Format(time.RFC3339Nano), "tests": tests})
	if err != nil {
		r.t.Fatal(err)
	}
	var got struct {
		Error, Why string
		Passed     int
		Results    []json.RawMessage
	}
	r.page.Ask(r.question("test", policyfile.Memory{"policy_test.json": string(doc)}), &got)
	if got.Error != "" || got.Why != "" || got.Passed != len(tests) {
		r.t.Errorf("%d of %d requests pass: %s %s %s", got.Passed, len(tests), got.Error, got.Why, got.Results)
	}
}

// request decides one request in the page and natively. It returns 1 if rulegate eval was
// asked about its rule too.
func (r *pageRunner) request(x converted, single *eval.Evaluator) int {
	test := maps.Clone(x)
	delete(test, "want")
	test["now"] = r.now.Format(time.RFC3339Nano)
	doc, err := json.Marshal(map[string]any{"tests": []any{test}})
	if err != nil {
		r.t.Fatal(err)
	}
	q := r.question("decide", policyfile.Memory{})
	q.Request = doc
	var got struct {
		Trace *struct {
			Rule []struct{ Outcome string }
		}
	}
	var page json.RawMessage
	r.page.Ask(q, &page)
	text, err := json.Marshal(q)
	if err != nil {
		r.t.Fatal(err)
	}
	answer := engine.Answer(text)
	if native := strings.TrimSpace(string(answer)); native != string(page) {
		r.t.Errorf("%s: in the page\n%s\nand natively\n%s", x["name"], page, native)
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		r.t.Fatal(err)
	}
	if got.Trace == nil {
		r.t.Errorf("%s: no decision: %s", x["name"], answer)
		return 0
	}
	if len(got.Trace.Rule) != 1 || got.Trace.Rule[0].Outcome == "waiting" { // the request was refused before
		return 0
	}
	outcome, ok := r.evaluate(doc, single)
	if !ok {
		return 0
	}
	if outcome != got.Trace.Rule[0].Outcome {
		r.t.Errorf("%s: the rule is %s in the page, and %s by rulegate eval", x["name"], got.Trace.Rule[0].Outcome, outcome)
	}
	return 1
}

// evaluate asks rulegate eval about the rule of a request, with the args that the rule
// had. ok is false for what eval cannot have: variables, keys and limits of the policy,
// names of other rules.
func (r *pageRunner) evaluate(doc []byte, single *eval.Evaluator) (outcome string, ok bool) {
	p, f, _, err := policyfile.LoadFrom(policyfile.Memory{"policy.yaml": r.c.Policy}, "policy.yaml", policy.Options{Getenv: r.getenv})
	if err != nil {
		r.t.Fatal(err)
	}
	request, err := value.Parse(string(doc), policy.MaxDepth)
	if err != nil {
		r.t.Fatal(err)
	}
	q, err := policytest.Single(request, p, f)
	if err != nil {
		r.t.Fatal(err)
	}
	args := &argsOf{}
	q.Tracer = args
	result, err := simulate.New(p, simulate.Options{}).Decide(q)
	if err != nil || result.Resource == nil || args.in == nil || f.Doc.Key("limits").Kind() != value.Missing {
		return "", false
	}
	rule := f.Value(args.rule.Place())
	// Webhooks with claims do not get what stands at the policy's places of tokens.
	if text := rule.String(); strings.Contains(text, "${") || strings.Contains(text, `"claims"`) || strings.Contains(text, `"use"`) || strings.Contains(text, "crypt") || strings.Contains(text, "hmac") || strings.Contains(text, `"res.`) {
		return "", false
	}
	given := args.in.Args
	if given.Key(rules.RootAuth).Kind() == value.Missing && args.in.Verified { // no clause reads the claims
		given = given.With(rules.RootAuth, value.Obj())
	}
	var replies []any
	for _, call := range result.Calls {
		replies = append(replies, replyOf(&call))
	}
	line, err := json.Marshal(map[string]any{
		"rule": json.RawMessage(rule.String()), "args": json.RawMessage(given.String()), "now": r.now.Format(time.RFC3339Nano), "replies": replies,
	})
	if err != nil {
		return "", false // args with a body that was not read
	}
	outcome, ok = single.Answer(line).Key("outcome").Text()
	return outcome, ok
}

func (r *pageRunner) getenv(name string) (string, bool) {
	v, ok := r.c.Environ()[name]
	return v, ok
}

func replyOf(c *simulate.Call) map[string]any {
	reply := map[string]any{"kind": c.Kind.String()}
	switch {
	case c.Reply.Err != "":
		reply["error"] = c.Reply.Err
	case c.Kind == rules.Query:
		reply["col"], reply["rows"] = c.Col, json.RawMessage(c.Reply.Rows.String())
	default:
		reply["status"], reply["body"] = c.Reply.Status, c.Reply.Body
	}
	return reply
}

// argsOf keeps the rule of a request and its input, as of the last evaluation.
type argsOf struct {
	rule *rules.Rule
	in   *rules.Input
}

// Begin implements rules.Tracer.
func (a *argsOf) Begin(r *rules.Rule, in *rules.Input) {
	if a.rule == nil || a.rule == r {
		copied := *in
		a.rule, a.in = r, &copied
	}
}

// Enter implements rules.Tracer.
func (a *argsOf) Enter(*rules.Rule, rules.Moment) {}

// Exit implements rules.Tracer.
func (a *argsOf) Exit(*rules.Rule, rules.Moment, *rules.Verdict) {}

// Asked implements rules.Tracer.
func (a *argsOf) Asked(*rules.Call, *rules.Reply) {}

// End implements rules.Tracer.
func (a *argsOf) End(*rules.Rule, *rules.Verdict) {}
