package decide_test

import (
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/value"
)

// Rules for the tests below.
const (
	open      = `{"rule": "allow"}`
	member    = `{"rule": "authenticated"}`
	alice     = `{"rule": "match", "type": "string", "eval": "==", "f1": "args.auth.id", "f2": "alice"}`
	bob       = `{"rule": "match", "type": "string", "eval": "==", "f1": "args.auth.id", "f2": "bob"}`
	owner     = `{"rule": "match", "type": "string", "eval": "==", "f1": "args.auth.id", "f2": "args.params.user"}`
	adult     = `{"rule": "match", "type": "number", "eval": ">=", "f1": "args.params.age", "f2": 18}`
	listed    = `{"rule": "query", "db": "db", "col": "users", "find": {"id": "args.auth.id"}}`
	collected = `"users": {"rules": {"read": {"rule": "allow"}}}`
)

func both(clauses ...string) string {
	return `{"rule": "and", "clauses": [` + strings.Join(clauses, ",") + `]}`
}

func either(clauses ...string) string {
	return `{"rule": "or", "clauses": [` + strings.Join(clauses, ",") + `]}`
}

func force(field, value string) string {
	return `{"rule": "force", "field": "` + field + `", "value": ` + value + `}`
}

// there is yes if a path leads somewhere.
func there(path string) string {
	return `{"rule": "match", "type": "bool", "eval": "==", "f1": "utils.exists(` + path + `)", "f2": true}`
}

func TestCoverage(t *testing.T) {
	runAll(t, parts{routes: `{"name": "x", "match": {"methods": ["GET"], "path": "/x"}, "rule": ` + open + `}`}, []test{
		{name: "covered", request: "GET /x", sent: "GET /x"},
		{name: "with a query", request: "GET /x?a=1", sent: "GET /x?a=1"},
		{name: "HEAD as GET", request: "HEAD /x"},
		{name: "another path", request: "GET /y", status: 403, outcome: "uncovered"},
		{name: "another method", request: "POST /x", status: 403, outcome: "uncovered"},
		{name: "an empty segment", request: "GET //x", status: 400, outcome: "invalid"},
		{name: "a dot segment", request: "GET /./x", status: 400, outcome: "invalid"},
		{name: "an encoded slash", request: "GET /x%2fy", status: 400, outcome: "invalid"},
		{name: "a fragment", request: "GET /x#y", status: 400, outcome: "invalid"},
		{name: "a fragment after the query", request: "GET /x?a#y", status: 400, outcome: "invalid"},
		{name: "two lengths", request: "GET /x\ncontent-length: 1\ncontent-length: 2", status: 400, outcome: "invalid"},
		{name: "a length that is none", request: "GET /x\ncontent-length: +1", status: 400, outcome: "invalid"},
		{name: "a length and chunks", request: "GET /x\ncontent-length: 1\ntransfer-encoding: chunked", status: 400, outcome: "invalid"},
		{name: "chunks and a length", request: "GET /x\ntransfer-encoding: chunked\ncontent-length: 1", status: 400, outcome: "invalid"},
		{name: "chunks", request: "GET /x\ntransfer-encoding: chunked"},
		{name: "a host beside :authority", request: "GET /x\nhost: other.example", status: 400, outcome: "invalid"},
		{name: "the same host beside :authority", request: "GET /x\nhost: Shop.Example"},
		{name: "two hosts", request: "GET /x\nhost: other.example\nhost: shop.example", status: 400, outcome: "invalid"},
		{name: "a semicolon", request: "GET /x;y", status: 400, outcome: "invalid"},
		{name: "another method by a header", request: "GET /x\nx-http-method: DELETE", status: 400, outcome: "invalid"},
		{name: "the same method by a header", request: "GET /x\nx-http-method:  get "},
		{name: "a repeated pseudo-header", request: "GET /x\n:path: /x", status: 400, outcome: "invalid"},
	})
}

func TestToken(t *testing.T) {
	runAll(t, parts{routes: strings.Join([]string{
		`{"name": "open", "match": {"path": "/open"}, "rule": ` + open + `}`,
		`{"name": "member", "match": {"path": "/member"}, "rule": ` + member + `}`,
		`{"name": "alice", "match": {"path": "/alice"}, "rule": ` + alice + `}`,
		`{"name": "required", "match": {"path": "/required"}, "auth": "required", "rule": ` + open + `}`,
		`{"name": "optional", "match": {"path": "/optional"}, "auth": "optional", "rule": ` + either(alice, `{"rule":"match","type":"bool","eval":"==","f1":"utils.exists(args.auth)","f2":false}`) + `}`,
		`{"name": "none", "match": {"path": "/none"}, "auth": "none", "rule": ` + open + `}`,
		`{"name": "own", "match": {"path": "/own"}, "auth": {"providers": ["own"]}, "rule": ` + open + `}`,
		`{"name": "partner", "match": {"path": "/partner"}, "auth": {"providers": ["partner"]}, "rule": ` + open + `}`,
	}, ",")}, []test{
		{name: "allow does not look", request: "GET /open\nauthorization: Bearer {forged}"},
		{name: "valid", request: "GET /member\nauthorization: Bearer {alice}"},
		{name: "missing", request: "GET /member", status: 401, outcome: "token"},
		{name: "forged", request: "GET /member\nauthorization: Bearer {forged}", status: 401, outcome: "token"},
		{name: "expired", request: "GET /member\nauthorization: Bearer {expired}", status: 401, outcome: "token"},
		{name: "another scheme", request: "GET /member\nauthorization: Basic {alice}", status: 401},
		{name: "two spaces", request: "GET /member\nauthorization: Bearer  {alice}", status: 401},
		{name: "lower case scheme", request: "GET /member\nauthorization: bearer {alice}"},
		{name: "two headers", request: "GET /member\nauthorization: Bearer {alice}\nauthorization: Bearer {alice}", status: 401},
		{name: "a claim", request: "GET /alice\nauthorization: Bearer {alice}"},
		{name: "missing, where the rule needs one", request: "GET /alice", status: 401},
		{name: "required by allow", request: "GET /required\nauthorization: Bearer {alice}"},
		{name: "required by allow, missing", request: "GET /required", status: 401},
		{name: "optional, missing", request: "GET /optional"},
		{name: "optional, valid", request: "GET /optional\nauthorization: Bearer {alice}"},
		{name: "optional, bad", request: "GET /optional\nauthorization: Bearer {forged}", status: 401},
		{name: "optional, none of ours", request: "GET /optional\nauthorization: Basic x"},
		{name: "none reads none", request: "GET /none\nauthorization: Bearer {alice}"},
		{name: "none does not mind a bad one", request: "GET /none\nauthorization: Bearer {forged}"},
		{name: "the provider's", request: "GET /own\nauthorization: Bearer {alice}"},
		{name: "another provider's", request: "GET /partner\nauthorization: Bearer {alice}", status: 401},
	})
}

func TestChallenge(t *testing.T) {
	g, pol := route(member).load(t)
	for _, c := range []struct{ request, want string }{
		{"GET /x", "Bearer"},
		{"GET /x\nauthorization: Basic x", "Bearer"},
		{"GET /x\nauthorization: Bearer", `Bearer error="invalid_token"`},
		{"GET /x\nauthorization: Bearer {forged}", `Bearer error="invalid_token"`},
		{"GET /x\nauthorization: Bearer {alice}\nauthorization: Bearer {alice}", `Bearer error="invalid_token"`},
	} {
		e := test{request: c.request, status: 401}.run(t, g, pol, noCalls)
		if h := e.Refusal.Headers; len(h) != 2 || h[1] != [2]string{"www-authenticate", c.want} {
			t.Errorf("%q: headers %q, want the challenge %s", c.request, h, c.want)
		}
	}
}

func TestBodyThatIsNeeded(t *testing.T) {
	const json = "POST /x\ncontent-type: application/json"
	runAll(t, parts{routes: `{"name": "x", "match": {"path": "/x"}, "auth": "none", "rule": ` + adult + `}`}, []test{
		{name: "yes", request: json + "\n\n{\"age\":18}"},
		{name: "no", request: json + "\n\n{\"age\":17}", status: 403, outcome: "no"},
		{name: "unknown", request: json + "\n\n{}", status: 403, outcome: "unknown"},
		{name: "wrong type of operand", request: json + "\n\n{\"age\":\"18\"}", status: 403, outcome: "unknown"},
		{name: "an array", request: json + "\n\n[18]", status: 403, outcome: "unknown"},

		{name: "malformed", request: json + "\n\n{\"age\":18", status: 400},
		{name: "repeated keys", request: json + "\n\n{\"age\":18,\"age\":1}", status: 400},
		{name: "repeated keys, escaped", request: json + "\n\n{\"age\":18,\"\\u0061ge\":1}", status: 400},
		{name: "invalid UTF-8", request: json + "\n\n{\"age\":18,\"n\":\"\xff\"}", status: 400},
		{name: "trailing text", request: json + "\n\n{\"age\":18} {}", status: 400},
		{name: "as deep as allowed", request: json + "\n\n{\"age\":18,\"d\":[[[[[[[]]]]]]]}"},
		{name: "too deep", request: json + "\n\n{\"age\":18,\"d\":[[[[[[[[]]]]]]]]}", status: 400},
		{name: "a scalar", request: json + "\n\n18", status: 400},
		{name: "a string", request: json + "\n\n\"age\"", status: 400},
		{name: "null", request: json + "\n\nnull", status: 400},
		{name: "white space alone", request: json + "\n\n ", status: 400},

		{name: "as long as allowed", request: json + "\n\n{\"age\":18}" + strings.Repeat(" ", 190)},
		{name: "too long", request: json + "\n\n{\"age\":18}" + strings.Repeat(" ", 191), status: 413},
		{name: "too long by its length", request: json + "\ncontent-length: 201\n\n", status: 413, unread: true},

		{name: "no type", request: "POST /x\n\n{\"age\":18}", status: 415},
		{name: "no type, by its length", request: "POST /x\ncontent-length: 10\n\n{\"age\":18}", status: 415, unread: true},
		{name: "another type", request: "POST /x\ncontent-type: text/plain\n\n{\"age\":18}", status: 415, unread: true},
		{name: "two types", request: json + "\ncontent-type: text/plain\n\n{\"age\":18}", status: 415, unread: true},
		{name: "an encoding", request: json + "\ncontent-encoding: gzip\n\n{\"age\":18}", status: 415, unread: true},
		{name: "charset utf-8", request: json + "; charset=UTF-8\n\n{\"age\":18}"},
		{name: "another charset", request: json + "; charset=utf-16\n\n{\"age\":18}", status: 415, unread: true},
		{name: "+json", request: "PATCH /x\ncontent-type: application/merge-patch+json\n\n{\"age\":18}"},

		{name: "an upgrade", request: "GET /x\nconnection: upgrade\nupgrade: websocket\n\n{\"age\":18}", status: 415, unread: true},
		{name: "an upgrade in HTTP/2", request: "GET /x\ncontent-type: application/json\n:protocol: websocket\n\n{\"age\":18}", status: 415, unread: true},
		{name: "no upgrade in HTTP/2", request: "GET /x\ncontent-type: application/json\n\n{\"age\":18}"},
		{name: "POST without a body", request: "POST /x?age=18", status: 403, outcome: "unknown"},
		{name: "POST with an empty body", request: "POST /x?age=18\n\n", status: 403, outcome: "unknown"},
		{name: "DELETE with a body", request: "DELETE /x\ncontent-type: application/json\n\n{\"age\":18}"},
		{name: "a form holds texts, not numbers", request: "POST /x\ncontent-type: application/x-www-form-urlencoded\n\nage=18", status: 403, outcome: "unknown"},
	})
}

func TestBodyThatNobodyReads(t *testing.T) {
	long := strings.Repeat("x", 500)
	runAll(t, parts{routes: `{"name": "x", "match": {"path": "/x"}, "rule": ` + alice + `}, {"name": "o", "match": {"path": "/o"}, "auth": "optional", "rule": ` + either(alice, owner) + `}`}, []test{
		{name: "of any type and length", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: video/mp4\ncontent-encoding: gzip\ncontent-length: 500\n\n" + long, sent: long, unread: true},
		{name: "refused before it comes", request: "POST /x\n\n" + long, status: 401, unread: true},
		{name: "decided before it comes", request: "POST /o\nauthorization: Bearer {alice}\n\n" + long, unread: true},
	})
	runAll(t, route(both(bob, owner)), []test{
		{name: "condemned before it comes", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: text/plain\n\n" + long, status: 403, unread: true},
	})
	runAll(t, route(both(alice, owner)), []test{
		{name: "needed after all", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\n\n{\"user\":\"alice\"}"},
		{name: "needed after all, and not as it should be", request: "POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\n\n{\"user\":\"bob\"}", status: 403},
	})
}

func TestMessage(t *testing.T) {
	for _, tt := range []struct{ rule, want string }{
		{`{"rule": "deny"}`, `{"error":"not allowed"}`},
		{`{"rule": "deny", "error": "\"no\" means no"}`, `{"error":"\"no\" means no"}`},
	} {
		g, pol := route(tt.rule).load(t)
		e := test{request: "GET /x", status: 403, outcome: "no"}.run(t, g, pol, noCalls)
		if e.Refusal.Body != tt.want {
			t.Errorf("got %s, want %s", e.Refusal.Body, tt.want)
		}
	}
}

func TestFailedCalls(t *testing.T) {
	row := func(rules.Call) rules.Reply {
		return rules.Reply{Rows: value.Arr(value.Obj(value.Member{Key: "id", Value: value.Str("alice")}))}
	}
	none := func(rules.Call) rules.Reply { return rules.Reply{Rows: value.Arr()} }
	failed := func(rules.Call) rules.Reply { return rules.Reply{Err: "timeout"} }
	strange := func(rules.Call) rules.Reply { return rules.Reply{Rows: value.Str("x")} }
	for _, tt := range []struct {
		name  string
		rule  string
		reply func(rules.Call) rules.Reply
		test
	}{
		{"a row", listed, row, test{}},
		{"no row", listed, none, test{status: 403, outcome: "no"}},
		{"failed", listed, failed, test{status: 503, outcome: "error"}},
		{"no rows at all", listed, strange, test{status: 503, outcome: "error"}},
		{"failed, but another branch holds", either(listed, alice), failed, test{}},
		{"failed, and another branch says no", either(listed, bob), failed, test{status: 503, outcome: "error"}},
		{"as many calls as allowed", both(listed, listed, listed), row, test{}},
		{"too many calls", both(listed, listed, listed, listed), row, test{status: 413, outcome: "invalid"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := route(tt.rule)
			p.collections = collected
			g, pol := p.load(t)
			tt.request = "GET /x\nauthorization: Bearer {alice}"
			tt.run(t, g, pol, tt.reply)
		})
	}
}

func TestOutOfTurn(t *testing.T) {
	p := route(both(listed, owner))
	p.collections = collected
	g, pol := p.load(t)
	begin := func() (*decide.Request, decide.Step) {
		req, _ := request(tokens(t, pol).Replace("POST /x\nauthorization: Bearer {alice}\ncontent-type: application/json\n\n"))
		return req.begin(g)
	}
	refused := func(step decide.Step) {
		t.Helper()
		if step.Action != decide.Refuse || step.Refusal.Status == 0 {
			t.Errorf("got %+v", step)
		}
	}
	s, step := begin()
	if step.Action != decide.AwaitBody {
		t.Fatalf("got %+v, want the body before anybody is asked", step)
	}
	refused(s.Replies(nil))
	refused(s.Body(`{"user":"alice"}`))
	s, _ = begin()
	if step = s.Body(`{"user":"alice"}`); step.Action != decide.AwaitReplies {
		t.Fatalf("got %+v", step)
	}
	refused(s.Body(`{"user":"alice"}`))
	s, _ = begin()
	step = s.Body(`{"user":"alice"}`)
	refused(s.Replies(nil)) // no reply at all is a failed one
	s, _ = begin()
	step = s.Body(`{"user":"alice"}`)
	reply := rules.Reply{ID: step.Calls[0].ID, Rows: value.Arr(value.Obj())}
	if step = s.Replies([]rules.Reply{{ID: "other", Err: "x"}, reply}); step.Action != decide.Continue {
		t.Fatalf("got %+v", step)
	}
	refused(s.Replies([]rules.Reply{reply}))
	var zero decide.Step
	if zero.Action != decide.Refuse {
		t.Error("the zero step does not refuse")
	}
}

func TestRepliesThatNobodyAskedFor(t *testing.T) {
	p := route(both(listed, `{"rule": "query", "db": "db", "col": "users", "find": {"id": "args.result.0.id"}}`))
	p.collections = collected
	g, pol := p.load(t)
	req, _ := request(tokens(t, pol).Replace("GET /x\nauthorization: Bearer {alice}"))
	rows := value.Arr(value.Obj(value.Member{Key: "id", Value: value.Str("alice")}))
	s, first := req.begin(g)
	second := s.Replies([]rules.Reply{{ID: first.Calls[0].ID, Rows: rows}})
	if second.Action != decide.AwaitReplies {
		t.Fatalf("got %+v", second)
	}
	s, _ = req.begin(g)
	step := s.Replies([]rules.Reply{
		{ID: first.Calls[0].ID, Rows: rows}, {ID: first.Calls[0].ID, Err: "again"}, {ID: second.Calls[0].ID, Rows: rows},
	})
	if step.Action != decide.AwaitReplies || len(step.Calls) != 1 || step.Calls[0].ID != second.Calls[0].ID {
		t.Errorf("got %+v, want the second call", step)
	}
}

// Connection options do not name a header that the policy sets or reads.
func TestConnectionOptions(t *testing.T) {
	p := parts{auth: `"claimsToHeaders": {"x-user-id": "id"}`, routes: `{"name": "x", "match": {"path": "/x"}, "rule": ` + open + `}, {"name": "y", "match": {"path": "/y"}, "auth": "none", "rule":
		{"rule": "match", "type": "string", "eval": "==", "f1": "args.request.headers.x-role", "f2": "user"}}`}
	runAll(t, p, []test{
		{name: "upgrade", request: "GET /x\nconnection: Upgrade, keep-alive, x-other\nupgrade: websocket"},
		{name: "a claim's header", request: "GET /x\nconnection: Upgrade, X-User-Id\nupgrade: websocket", status: 400, outcome: "invalid"},
		{name: "a WebSocket with a body", request: "GET /x\nconnection: Upgrade\nupgrade: WebSocket\ncontent-length: 5\n\n12345", status: 400, outcome: "invalid"},
		{name: "its twin", request: "GET /x\nconnection: x_user_id", status: 400, outcome: "invalid"},
		{name: "the token", request: "GET /x\nconnection: close\nconnection: authorization", status: 400, outcome: "invalid"},
		{name: "a header that the rule reads", request: "GET /y\nx-role: user\nconnection: x-role", status: 400, outcome: "invalid"},
		{name: "one that it does not", request: "GET /y\nx-role: user\nconnection: x-roles"},
	})
}
