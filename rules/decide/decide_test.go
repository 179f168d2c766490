package decide_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
)

// frame is a policy with gaps for the parts that a test sets.
const frame = `{
	"project": "shop",
	"auth": {
		"tokens": [
			{"name": "own", "alg": "HS256", "secret": "a secret of more than thirty-two bytes", "primary": true, "kid": "k1"},
			{"name": "partner", "alg": "HS256", "secret": "another secret of more than 32 bytes", "kid": "p1"}
		]%s
	},
	"companion": {"cluster": "companion", "timeout": "1s", "secret": "yet another secret of more than 32 bytes"},
	"limits": {"requestBody": %d, "depth": 8, "calls": 3},
	"databases": {"db": {"type": "embedded", "conn": "./x.db", "collections": {%s}, "queries": {%s}}},
	"events": {%s},
	"services": {"s": {"endpoints": {%s}}},
	"files": [%s],
	"routes": [%s]
}`

// parts of a policy, as JSON members and elements.
type parts struct {
	auth, collections, queries, events, endpoints, files, routes string
	requestBody                                                  int // bytes; 0: 200
}

func (p parts) load(t testing.TB) (*decide.Engine, *policy.Policy) {
	t.Helper()
	auth := p.auth
	if auth != "" {
		auth = ", " + auth
	}
	if p.requestBody == 0 {
		p.requestBody = 200
	}
	doc, err := value.Parse(fmt.Sprintf(frame, auth, p.requestBody, p.collections, p.queries, p.events, p.endpoints, p.files, p.routes), 64)
	if err != nil {
		t.Fatal(err)
	}
	pol, _, err := policy.Load(doc, policy.Options{Crypto: gocrypto.Crypto(), Getenv: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	return decide.New(pol, nil), pol
}

// route is a policy of one route under /x.
func route(rule string) parts {
	return parts{routes: `{"name": "x", "match": {"path": "/x"}, "rule": ` + rule + `}`}
}

// thumbprint is the SHA-256 of "a certificate", as a token has it.
const thumbprint = "gazXYhQPppKhQoItL75NxvVLyqUB9oqzflru0Lr-TZk"

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// tokens replaces the names of tokens in braces.
func tokens(t testing.TB, pol *policy.Policy) *strings.Replacer {
	t.Helper()
	mint := func(claims string) string {
		s, err := pol.Tokens.Mint(claims, "")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	exp := fmt.Sprint(now.Add(time.Hour).Unix())
	return strings.NewReplacer(
		"{alice}", mint(`{"id":"alice","n":7,"roles":["a","b"],"bad":"x\r\ny","o":{},"exp":`+exp+`}`),
		"{bound}", mint(`{"id":"alice","cnf":{"x5t#S256":"`+thumbprint+`"},"exp":`+exp+`}`),
		"{expired}", mint(`{"id":"alice","exp":1}`),
		"{forged}", mint(`{"id":"alice"}`)+"A",
	)
}

// incoming is a request as a proxy shows it, with its Properties.
type incoming struct {
	headers     [][2]string
	end         bool
	certificate string // SHA-256 of the client's, in hex; "": none
}

func (*incoming) ClientIP() string { return "192.0.2.1" }

func (in *incoming) Peer() value.Value {
	if in.certificate == "" {
		return value.Value{}
	}
	return value.Obj(value.Member{Key: "sha256", Value: value.Str(in.certificate)})
}

// begin brings the headers.
func (in *incoming) begin(e *decide.Engine) (*decide.Request, decide.Step) {
	r := new(decide.Request)
	return r, in.beginIn(r, e)
}

func (in *incoming) beginIn(r *decide.Request, e *decide.Engine) decide.Step {
	e.Begin(r, in, now)
	return r.Headers(in.headers, in.end)
}

// request reads `METHOD /path`, header lines, an empty line and a body. Without
// the empty line the request ends with its headers.
func request(text string) (req *incoming, body string) {
	head, body, more := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	method, path, _ := strings.Cut(strings.TrimSpace(lines[0]), " ")
	req = &incoming{end: !more, headers: [][2]string{
		{":method", method}, {":scheme", "https"}, {":authority", "shop.example"}, {":path", path},
	}}
	for _, l := range lines[1:] {
		pseudo := strings.HasPrefix(l, ":")
		name, value, _ := strings.Cut(strings.TrimPrefix(l, ":"), ":")
		if pseudo {
			name = ":" + name
		}
		req.headers = append(req.headers, [2]string{name, strings.TrimSpace(value)})
	}
	return req, body
}

// ending is the last step of a request.
type ending struct {
	decide.Step
	calls    []rules.Call // of all steps
	readBody bool         // a step was AwaitBody
}

// drive carries out the steps of a request until the last. reply answers each call.
func drive(g *decide.Engine, req *incoming, body string, reply func(rules.Call) rules.Reply) (e ending) {
	return driveIn(new(decide.Request), g, req, body, reply)
}

// driveIn does so in the memory of r.
func driveIn(r *decide.Request, g *decide.Engine, req *incoming, body string, reply func(rules.Call) rules.Reply) (e ending) {
	step := req.beginIn(r, g)
	for {
		switch step.Action {
		case decide.AwaitBody:
			e.readBody = true
			step = r.Body(body)
		case decide.AwaitReplies:
			e.calls = append(e.calls, step.Calls...)
			var rs []rules.Reply
			for _, c := range step.Calls {
				reply := reply(c)
				reply.ID = c.ID
				rs = append(rs, reply)
			}
			step = r.Replies(rs)
		default:
			e.Step = step
			return e
		}
	}
}

// sent is the request as the upstream gets it, pseudo-headers as `METHOD path`.
func (e ending) sent(req *incoming, body string) string {
	method, path := "", ""
	var fields [][2]string
	replaced := map[string]bool{}
	for _, n := range e.Changes.RemoveHeaders {
		replaced[n] = true
	}
	for _, h := range e.Changes.SetHeaders {
		replaced[h[0]] = true
	}
	for _, h := range req.headers {
		switch {
		case h[0] == ":method":
			method = h[1]
		case h[0] == ":path":
			path = h[1]
		case !strings.HasPrefix(h[0], ":") && !replaced[h[0]]:
			fields = append(fields, h)
		}
	}
	fields = append(fields, e.Changes.SetHeaders...)
	if e.Changes.Path != "" {
		path = e.Changes.Path
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", method, path)
	for _, h := range fields {
		fmt.Fprintf(&b, "%s: %s\n", h[0], h[1])
	}
	if e.Changes.Body != nil {
		body = *e.Changes.Body
	}
	return b.String() + "\n" + body
}

func noCalls(rules.Call) rules.Reply { return rules.Reply{Err: "no call was expected"} }

// test is a request and its expected end.
type test struct {
	name    string
	request string
	status  int            // 0: forwarded
	sent    string         // a part of the request that the upstream gets
	without string         // a text that the upstream must not get
	unread  bool           // no step was AwaitBody
	outcome decide.Outcome // of the refusal
}

func (tt test) run(t *testing.T, g *decide.Engine, pol *policy.Policy, reply func(rules.Call) rules.Reply) ending {
	t.Helper()
	req, body := request(tokens(t, pol).Replace(tt.request))
	e := drive(g, req, body, reply)
	if e.Action == decide.Continue {
		if tt.status != 0 {
			t.Fatalf("forwarded, want %d", tt.status)
		}
		sent := e.sent(req, body)
		if want := tokens(t, pol).Replace(tt.sent); !strings.Contains(sent, want) {
			t.Errorf("sent\n%s\nwant in it\n%s", sent, want)
		}
		if tt.without != "" && strings.Contains(sent, tt.without) {
			t.Errorf("sent\n%s\nwant nothing of %q in it", sent, tt.without)
		}
	} else if e.Refusal.Status != tt.status {
		t.Fatalf("refused with %d (%s), want %d", e.Refusal.Status, e.Refusal.Reason, tt.status)
	}
	if tt.outcome != "" && e.Refusal.Outcome != tt.outcome {
		t.Errorf("outcome %q, want %q", e.Refusal.Outcome, tt.outcome)
	}
	if tt.unread && e.readBody {
		t.Error("the body was asked for")
	}
	if e.Action == decide.Refuse {
		if b, err := value.Parse(e.Refusal.Body, 2); err != nil || b.Key("error").Kind() != value.String {
			t.Errorf("body %q", e.Refusal.Body)
		}
	}
	return e
}

func runAll(t *testing.T, p parts, tests []test) {
	t.Helper()
	g, pol := p.load(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, g, pol, noCalls) })
	}
}
