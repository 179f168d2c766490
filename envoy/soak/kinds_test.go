package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

// kind is a kind of request, and the answer that it must get.
type kind struct {
	name, method, path string
	claims             string // "": no token
	cold               bool   // each token is new
	body               string
	status             int
	marked             bool // the answer says which policy decided
	reaches            bool // the upstream gets it
	aborted            bool // the client leaves before the answer
}

var kinds = []kind{
	{name: "warm token", path: "/v1/read", claims: `{"id":"ana"}`, status: 200, marked: true, reaches: true},
	{name: "cold token", path: "/v1/read", claims: `{"id":"ana","jti":"%d"}`, cold: true, status: 200, marked: true, reaches: true},
	{name: "refused", path: "/v1/read", claims: `{"id":"eve"}`, status: 403, marked: true},
	{name: "no token", path: "/v1/read", status: 401},
	{name: "not covered", path: "/v1/other", claims: `{"id":"ana"}`, status: 403},
	{name: "body", method: "POST", path: "/v1/orders", claims: `{"id":"ana"}`, body: `{"amount":7,"buyer":"eve","note":%q}`, status: 200, marked: true, reaches: true},
	{name: "body, refused", method: "POST", path: "/v1/orders", claims: `{"id":"ana"}`, body: `{"amount":700,"note":%q}`, status: 403, marked: true},
	{name: "malformed body", method: "POST", path: "/v1/orders", claims: `{"id":"ana"}`, body: `{"amount":7,"amount":8,"note":%q}`, status: 400},
	{name: "mask", path: "/v1/people", claims: `{"id":"ana"}`, status: 200, marked: true, reaches: true},
	{name: "query", path: "/v1/users/ana", claims: `{"id":"ana"}`, status: 200, marked: true, reaches: true},
	{name: "query, refused", path: "/v1/users/eve", claims: `{"id":"ana"}`, status: 403},
	{name: "aborted", method: "POST", path: "/v1/orders", claims: `{"id":"ana"}`, body: `{"amount":7,"note":%q}`, aborted: true},
	{name: "aborted query", path: "/v1/users/ana", claims: `{"id":"ana"}`, aborted: true},
}

// policyText is the policy with a mark, which each of its answers has.
func policyText(mark, database string) string {
	return strings.NewReplacer("MARK", mark, "DATABASE", database).Replace(`project: soak
auth: {tokens: [{name: own, alg: HS256, secret: the-own-secret-of-the-test-cases, primary: true}]}
companion: {timeout: 10s}
databases: {social: {type: embedded, conn: "DATABASE"}}
routes:
  - name: read
    match: {methods: [GET], path: /v1/read}
    rule:
      rule: and
      clauses:
        - {rule: match, type: string, eval: "==", f1: args.auth.id, f2: ana, error: refused by MARK}
        - {rule: force, field: args.request.headers.x-policy, value: MARK}
  - name: order
    match: {methods: [POST], path: /v1/orders}
    rule:
      rule: and
      clauses:
        - {rule: match, type: number, eval: "<=", f1: args.params.amount, f2: 100, error: refused by MARK}
        - {rule: force, field: args.params.buyer, value: args.auth.id}
        - {rule: force, field: args.request.headers.x-policy, value: MARK}
  - name: people
    match: {methods: [GET], path: /v1/people}
    rule: {rule: force, field: args.request.headers.x-policy, value: MARK}
    response: {rule: remove, fields: [args.res.salary]}
  - name: user
    match: {methods: [GET], path: "/v1/users/{id}"}
    rule:
      rule: and
      clauses:
        - {rule: query, db: social, col: users, find: {id: args.request.vars.id}}
        - {rule: force, field: args.request.headers.x-policy, value: MARK}
`)
}

// one sends a request of some kind and records its answer. Request n is of the same kind
// in each run.
func (s *target) one(n int64) {
	k := &kinds[n%int64(len(kinds))]
	answer, err := s.send(k, n)
	if k.aborted {
		s.count(k.name)
		return
	}
	if err == nil {
		err = k.judge(&answer)
	}
	if err != nil {
		s.wrong(fmt.Sprintf("%s: %v", k.name, err))
		s.mu.Lock()
		s.lost++
		s.mu.Unlock()
		return
	}
	s.count(k.name)
	if k.marked {
		s.count("policy " + answer.mark)
	}
}

type answer struct {
	status int
	mark   string // of the policy that decided; "" if it does not say
	body   string
}

func (s *target) send(k *kind, n int64) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if k.aborted {
		time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, cancel)
	}
	method, body := k.method, ""
	if method == "" {
		method = http.MethodGet
	}
	if k.body != "" {
		body = fmt.Sprintf(k.body, strings.Repeat("x", rand.IntN(20_000)))
	}
	r, err := http.NewRequestWithContext(ctx, method, s.url+k.path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("X-Policy", "the client")
	r.Header.Set("X-Target", s.name)
	if k.aborted {
		r.Header.Set("X-Target", "aborted")
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if k.claims != "" {
		token, err := s.token(k, n)
		if err != nil {
			return answer{}, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, body: string(text)}, err
}

func (s *target) token(k *kind, n int64) (string, error) {
	if k.cold {
		return harness.SignToken("own", fmt.Sprintf(k.claims, n), "", false)
	}
	if token, ok := s.tokens.Load(k.claims); ok {
		return token.(string), nil
	}
	token, err := harness.SignToken("own", k.claims, "", false)
	if err == nil {
		s.tokens.Store(k.claims, token)
	}
	return token, err
}

// judge checks an answer and finds the policy's mark in it.
func (k *kind) judge(a *answer) error {
	if a.status != k.status {
		return fmt.Errorf("want %d, found %d %s", k.status, a.status, a.body)
	}
	if !k.marked {
		return nil
	}
	var seen struct{ Error, Policy, Buyer, Salary string }
	if err := json.Unmarshal([]byte(a.body), &seen); err != nil {
		return fmt.Errorf("%w: %q", err, a.body)
	}
	mark := seen.Policy
	if k.status == 403 {
		mark, _ = strings.CutPrefix(seen.Error, "refused by ")
	}
	switch {
	case mark != "a" && mark != "b":
		return fmt.Errorf("decided by no policy: %s", a.body)
	case seen.Salary != "":
		return errors.New("not masked")
	case k.name == "body" && seen.Buyer != "ana":
		return fmt.Errorf("the buyer is %q", seen.Buyer)
	}
	a.mark = mark
	return nil
}
