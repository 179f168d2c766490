package decide_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/decide"
	"github.com/rulegate/rulegate/rules/value"
)

// ruleMaker makes rules of which the claims alone decide about every second.
type ruleMaker struct{ *rand.Rand }

func (m ruleMaker) one(texts ...string) string { return texts[m.IntN(len(texts))] }

func (m ruleMaker) rule(depth int) string {
	if depth > 0 && m.IntN(3) > 0 {
		switch m.IntN(3) {
		case 0:
			return `{"rule": "not", "clause": ` + m.rule(depth-1) + `}`
		case 1:
			return `{"rule": "and", "clauses": [` + m.rule(depth-1) + `, ` + m.action() + `]}`
		}
		return fmt.Sprintf(`{"rule": %q, "clauses": [%s, %s]}`, m.one("and", "or"), m.rule(depth-1), m.rule(depth-1))
	}
	if m.IntN(4) > 0 {
		return m.one(
			`{"rule": "match", "type": "string", "eval": "==", "f1": "args.auth.id", "f2": "alice"}`,
			`{"rule": "match", "type": "string", "eval": "in", "f1": "admin", "f2": "args.auth.roles"}`,
			`{"rule": "match", "type": "number", "eval": ">", "f1": "args.auth.level", "f2": 1, "status": 404, "error": "no"}`,
			`{"rule": "some", "field": "args.auth.roles", "clause": {"rule": "match", "type": "string", "eval": "==", "f1": "item", "f2": "args.auth.id"}}`,
			`{"rule": "authenticated"}`)
	}
	return m.one(
		`{"rule": "match", "type": "string", "eval": "==", "f1": "args.request.method", "f2": "GET"}`,
		`{"rule": "match", "type": "string", "eval": "==", "f1": "args.auth.id", "f2": "args.params.id"}`,
		`{"rule": "match", "type": "date", "eval": "<", "f1": "utils.now()", "f2": "2026-01-02T03:05:00Z"}`,
		`{"rule": "match", "type": "string", "eval": "startsWith", "f1": "args.token", "f2": "e"}`,
		`{"rule": "query", "db": "db", "col": "c", "find": {"id": "args.auth.id"}}`)
}

// whole is a rule that most often has an action.
func (m ruleMaker) whole() string {
	return `{"rule": "and", "clauses": [` + m.rule(2) + `, ` + m.action() + `]}`
}

func (m ruleMaker) action() string {
	return m.one(
		`{"rule": "remove", "fields": ["res.secret"], "optional": true}`,
		`{"rule": "force", "field": "res.by", "value": "args.auth.id"}`,
		`{"rule": "force", "field": "res.at", "value": "utils.now()"}`,
		`{"rule": "force", "field": "res.with", "value": "args.token"}`,
		`{"rule": "hash", "fields": ["res.name"], "optional": true}`,
		`{"rule": "encrypt", "algorithm": "aes-gcm", "fields": ["res.name"], "optional": true}`,
		`{"rule": "filter", "field": "res.rows", "clause": {"rule": "match", "type": "string", "eval": "==", "f1": "item.owner", "f2": "args.auth.id"}}`,
		`{"rule": "each", "field": "res.rows", "clauses": [{"rule": "force", "field": "item.by", "value": "args.auth.id"}]}`,
		`{"rule": "force", "field": "args.request.headers.x-user", "value": "args.auth.id"}`)
}

// TestMemoIsTheRule: random sequences of requests end alike with and without the
// answers that are kept with tokens.
func TestMemoIsTheRule(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	m := ruleMaker{random}
	ends := map[decide.Action]int{}
	for range 150 {
		p := parts{
			auth: `"leeway": "5s"}, "crypto": {"aesKey": "Olw6AhA/GzSxfhwKLxO7JJsUL6VUwwGEFTgxzoZPy9g="`, collections: `"c": {"rules": {}}`,
			routes: fmt.Sprintf(`{"name": "x", "match": {"path": "/x"}, "rule": %s}, {"name": "y", "match": {"path": "/y"}, "auth": {"providers": [%q]}, "rule": %s}`,
				m.whole(), m.one("own", "partner"), m.rule(3)),
		}
		kept, pol := p.load(t)
		each, _ := p.load(t)
		each.ForgetAnswers()
		var raw []string
		for _, claims := range []string{
			`{"id":"alice","roles":["admin"],"level":2,"exp":%d}`, `{"id":"bob","roles":["bob"],"level":1,"exp":%d}`, `{"id":"eve"}`, `{"id":"alice","level":"2"}`,
		} {
			if strings.Contains(claims, "%d") {
				claims = fmt.Sprintf(claims, now.Unix()+60)
			}
			text, err := pol.Tokens.Mint(claims, "")
			if err != nil {
				t.Fatal(err)
			}
			raw = append(raw, text)
		}
		at := now
		for range 30 {
			at = at.Add(time.Duration(random.IntN(5)) * time.Second)
			req, _ := request(m.one("GET", "POST") + " " + m.one("/x", "/y", "/x?id=alice") + "\nauthorization: Bearer " + m.one(raw...))
			got, want := finish(kept, req, at), finish(each, req, at)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s\nat %v\n%+v\nwant\n%+v", p.routes, at, got, want)
			}
			ends[got.action]++
		}
	}
	if ends[decide.Continue] < 500 || ends[decide.Refuse] < 500 {
		t.Errorf("the requests end in one way: %v", ends)
	}
}

// ended is the outcome of a request and its response.
type ended struct {
	action   decide.Action
	refusal  decide.Refusal
	changes  decide.Changes
	response decide.Changes
	withheld string
}

// rows answers the queries of a step with n rows.
func rows(step decide.Step, n int) (replies []rules.Reply) {
	for _, c := range step.Calls {
		replies = append(replies, rules.Reply{ID: c.ID, Rows: value.Arr(slices.Repeat([]value.Value{value.Obj()}, n)...)})
	}
	return replies
}

func finish(e *decide.Engine, in *incoming, at time.Time) (out ended) {
	// Nonces and replies differ from request to request.
	r := &decide.Request{Rand: bytes.NewReader(bytes.Repeat([]byte{byte(at.Second())}, 1000))}
	e.Begin(r, in, at)
	step := r.Headers(in.headers, in.end)
	for step.Action == decide.AwaitReplies {
		step = r.Replies(rows(step, at.Second()%2))
	}
	out = ended{action: step.Action, refusal: step.Refusal, changes: step.Changes}
	if step.Response == nil {
		return out
	}
	after := step.Response.Headers([][2]string{{":status", "200"}, {"content-type", "application/json"}}, false)
	if after.Action == decide.AwaitBody {
		after = step.Response.Body(`{"secret":1,"name":"n","rows":[{"owner":"alice"},{"owner":"bob"}]}`)
	}
	out.response, out.withheld = after.Changes, after.Refusal.Reason
	return out
}
