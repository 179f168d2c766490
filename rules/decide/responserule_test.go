package decide_test

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/value"
)

// responding is a policy of one route with a rule on the response.
func responding(rule, response string) parts {
	return parts{routes: `{"name": "x", "match": {"path": "/x"}, "rule": ` + rule + `, "response": ` + response + `}`}
}

// letThrough returns the Response to a request of alice's.
func letThrough(t *testing.T, p parts, text string) *decide.Response {
	t.Helper()
	g, pol := p.load(t)
	req, body := request(tokens(t, pol).Replace(text + "\nauthorization: Bearer {alice}"))
	if before, after, more := strings.Cut(text, "\n\n"); more {
		req, body = request(tokens(t, pol).Replace(before + "\nauthorization: Bearer {alice}\n\n" + after))
	}
	e := drive(g, req, body, func(c rules.Call) rules.Reply { return oneRow(c) })
	if e.Action != decide.Continue || e.Response == nil {
		t.Fatalf("got %+v", e.Step)
	}
	return e.Response
}

func oneRow(c rules.Call) rules.Reply {
	return rules.Reply{ID: c.ID, Rows: value.Arr(value.Obj(value.Member{Key: "name", Value: value.Str("row")}))}
}

var jsonHeaders = [][2]string{{":status", "200"}, {"content-type", "application/json"}}

const (
	authenticated = `{"rule": "authenticated"}`
	ownerRule     = `{"rule": "match", "type": "string", "eval": "==", "f1": "args.res.owner", "f2": "args.auth.id", "error": "not yours"}`
	askRule       = `{"rule": "query", "db": "db", "col": "c", "find": {"owner": "args.res.owner"}}`
)

func TestResponseRule(t *testing.T) {
	for _, tt := range []struct {
		name, response, body string
		status               int // 0: it passes
		want                 string
	}{
		{name: "yes", response: ownerRule, body: `{"owner": "alice" }`, want: `{"owner": "alice" }`},
		{name: "no", response: ownerRule, body: `{"owner": "SECRET" }`, status: 403},
		{name: "unknown", response: ownerRule, body: `{"x": "SECRET" }`, status: 403},
		{name: "no JSON", response: ownerRule, body: `SECRET`, status: 502},
		{name: "changed", response: `{"rule": "remove", "fields": ["args.res.x"]}`, body: `{"x":"SECRET","y":1}`, want: `{"y":1}`},
		{name: "emptied", response: `{"rule": "remove", "fields": ["args.res"]}`, body: `{"x":"SECRET"}`, want: ""},
		{name: "replaced", response: `{"rule": "force", "field": "args.res", "value": "args.auth.roles"}`, body: `{"x":"SECRET"}`, want: `["a","b"]`},
		{name: "undone", response: `{"rule": "or", "clauses": [{"rule": "and", "clauses": [{"rule": "force", "field": "args.res.x", "value": 2}, {"rule": "deny"}]}, {"rule": "allow"}]}`,
			body: `{"x": 1}`, want: `{"x": 1}`},
		{name: "own action", response: `{"rule": "remove", "fields": ["res.x"], "clause": ` + ownerRule + `}`, body: `{"owner":"alice","x":"SECRET"}`, want: `{"owner":"alice"}`},
		{name: "own action that cannot be", response: `{"rule": "hash", "fields": ["res.x"]}`, body: `{"y":"SECRET"}`, status: 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := letThrough(t, responding(authenticated, tt.response), "GET /x")
			step := m.Headers(jsonHeaders, false)
			if step.Action != decide.AwaitBody {
				t.Fatalf("got %+v", step)
			}
			step = m.Body(tt.body)
			got := tt.body
			if step.Changes.Body != nil {
				got = *step.Changes.Body
			}
			switch {
			case tt.status == 0 && (step.Action != decide.Continue || got != tt.want):
				t.Errorf("got %v %q (%s), want %q", step.Action, got, step.Refusal.Reason, tt.want)
			case tt.status != 0 && (step.Action != decide.Refuse || step.Refusal.Status != tt.status || step.Changes.Body != nil):
				t.Errorf("got %+v, want %d", step, tt.status)
			case strings.Contains(step.Refusal.Body+step.Refusal.Reason, "SECRET"):
				t.Errorf("the refusal holds what it hides: %+v", step.Refusal)
			}
			if again := m.Body(tt.body); again.Action != decide.Refuse {
				t.Errorf("a second body: got %+v", again)
			}
		})
	}
}

// A rule that reads only the headers decides without the body, and leaves
// accept-encoding unchanged.
func TestResponseRuleOnHeaders(t *testing.T) {
	p := responding(authenticated, `{"rule": "and", "clauses": [
		{"rule": "match", "type": "number", "eval": "==", "f1": "args.response.status", "f2": 200},
		{"rule": "match", "type": "string", "eval": "in", "f1": "b", "f2": "args.response.headers.x-tag"}]}`)
	g, pol := p.load(t)
	req, _ := request(tokens(t, pol).Replace("GET /x\nauthorization: Bearer {alice}\naccept-encoding: gzip"))
	_, step := req.begin(g)
	if strings.Contains(strings.Join(step.Changes.RemoveHeaders, " "), "accept-encoding") {
		t.Error("accept-encoding is taken away for nothing")
	}
	for _, tt := range []struct {
		name    string
		headers [][2]string
		want    decide.Action
		status  int
	}{
		{name: "repeated, any case, any type", headers: [][2]string{{":status", "200"}, {"X-Tag", "a"}, {"x-tag", "b"}, {"content-encoding", "gzip"}}, want: decide.Continue},
		{name: "one alone is no list", headers: [][2]string{{":status", "200"}, {"x-tag", "b"}}, want: decide.Refuse, status: 403},
		{name: "another status", headers: [][2]string{{":status", "201"}, {"x-tag", "a"}, {"x-tag", "b"}}, want: decide.Refuse, status: 403},
		{name: "no status", headers: [][2]string{{"x-tag", "a"}, {"x-tag", "b"}}, want: decide.Refuse, status: 502},
		{name: "no text", headers: [][2]string{{":status", "200"}, {"x-tag", "b"}, {"x-tag", "\xff"}}, want: decide.Refuse, status: 403},
		{name: "no text elsewhere", headers: [][2]string{{":status", "200"}, {"x-tag", "a"}, {"x-tag", "b"}, {"x-name", "\xff"}}, want: decide.Continue},
	} {
		t.Run(tt.name, func(t *testing.T) {
			step := letThrough(t, p, "GET /x").Headers(tt.headers, false)
			if step.Action != tt.want || step.Refusal.Status != tt.status {
				t.Errorf("got %+v", step)
			}
		})
	}
}

func TestResponseRuleCalls(t *testing.T) {
	for _, tt := range []struct {
		name    string
		replies []rules.Reply
		status  int // 0: it passes
	}{
		{name: "a row", replies: []rules.Reply{oneRow(rules.Call{ID: "routes[0].response"})}},
		{name: "no row", replies: []rules.Reply{{ID: "routes[0].response", Rows: value.Arr()}}, status: 403},
		{name: "failed", replies: []rules.Reply{{ID: "routes[0].response", Err: "timeout"}}, status: 503},
		{name: "no reply", status: 503},
		{name: "the reply to another call", replies: []rules.Reply{oneRow(rules.Call{ID: "routes[0].rule"})}, status: 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := letThrough(t, responding(authenticated, askRule), "GET /x")
			if m.Headers(jsonHeaders, false).Action != decide.AwaitBody {
				t.Fatal("the body is not awaited")
			}
			step := m.Body(`{"owner":"SECRET"}`)
			if step.Action != decide.AwaitReplies || len(step.Calls) != 1 || step.Calls[0].Find.String() != `{"owner":"SECRET"}` {
				t.Fatalf("got %+v", step)
			}
			step = m.Replies(tt.replies)
			switch {
			case tt.status == 0 && step.Action != decide.Continue:
				t.Errorf("got %+v", step.Refusal)
			case tt.status != 0 && (step.Action != decide.Refuse || step.Refusal.Status != tt.status):
				t.Errorf("got %+v, want %d", step, tt.status)
			}
			if again := m.Replies([]rules.Reply{oneRow(rules.Call{ID: "routes[0].response"})}); again.Action != decide.Refuse {
				t.Errorf("late replies: got %+v", again)
			}
		})
	}
}

// limits.calls counts the calls of both rules together. Here it is 3.
func TestResponseRuleCallsTogether(t *testing.T) {
	queries := func(n int) string {
		one := `{"rule": "query", "db": "db", "col": "c"}`
		return `{"rule": "and", "clauses": [` + one + strings.Repeat(","+one, n-1) + `]}`
	}
	for n, want := range map[int]decide.Action{1: decide.AwaitReplies, 2: decide.Refuse} {
		m := letThrough(t, responding(queries(2), queries(n)), "GET /x")
		step := m.Headers(jsonHeaders, false)
		if step.Action != want || want == decide.Refuse && step.Refusal.Status != 413 {
			t.Errorf("%d more: got %+v", n, step)
		}
	}
}

// A verb out of turn refuses.
func TestResponseOutOfTurn(t *testing.T) {
	for name, call := range map[string]func(m *decide.Response) decide.Step{
		"body before headers":    func(m *decide.Response) decide.Step { return m.Body(`{"owner":"alice"}`) },
		"replies before headers": func(m *decide.Response) decide.Step { return m.Replies(nil) },
		"headers twice": func(m *decide.Response) decide.Step {
			m.Headers(jsonHeaders, false)
			return m.Headers(jsonHeaders, true)
		},
		"replies instead of the body": func(m *decide.Response) decide.Step {
			m.Headers(jsonHeaders, false)
			return m.Replies(nil)
		},
	} {
		if step := call(letThrough(t, responding(authenticated, ownerRule), "GET /x")); step.Action != decide.Refuse || step.Refusal.Status != 502 {
			t.Errorf("%s: got %+v", name, step)
		}
	}
	var zero decide.Response
	if zero.Headers(jsonHeaders, true).Action != decide.Refuse {
		t.Error("the zero mask lets a response out")
	}
}

// The rule on the response sees the args that the request's rule has changed, but
// args.res and args.response are the upstream's.
func TestResponseRuleArgs(t *testing.T) {
	const webhook = `{"rule": "webhook", "url": "https://h/"}`
	rule := `{"rule": "and", "clauses": [{"rule": "force", "field": "args.params.by", "value": "args.auth.id"}, {"rule": "force", "field": "args.res.owner", "value": 1}, {"rule": "force", "field": "args.response.status", "value": 1}]}`
	p := responding(rule, webhook)
	p.auth = `"forward": true}, "webhooks": {"allow": ["h"]`
	m := letThrough(t, p, "POST /x\ncontent-type: application/json\n\n"+`{"a":1}`)
	step := m.Headers([][2]string{{":status", "204"}, {"x-a", "b"}}, true)
	if step.Action != decide.AwaitReplies {
		t.Fatalf("got %+v", step)
	}
	body := step.Calls[0].Body
	for root, want := range map[string]string{"params": `{"a":1,"by":"alice"}`, "response": `{"status":204,"headers":{"x-a":"b"}}`, "res": "null"} {
		if got := body.Key(root).String(); got != want {
			t.Errorf("%s: got %s, want %s", root, got, want)
		}
	}
	if body.Key("res").Kind() != value.Missing {
		t.Error("args.res is there, and the response has no body")
	}
}
