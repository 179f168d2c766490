package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// rows returns a JSON array of about size bytes.
func rows(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size-150; i++ {
		fmt.Fprintf(&b, `,{"id":%d,"name":"Person \"%d\"","email":"p%d@example.com","owner":"user-%d","password":"secret-%08d","ssn":"000-00-%04d","card":"4111111111111111","active":true,"score":%d.5,"tags":["a","b"]}`,
			i, i, i, i%10, i, i%10000, i%100)
	}
	return "[" + b.String()[1:] + "]"
}

// masked is the rule that changes three fields of each row.
var masked = object{"rule": "and", "clauses": array{
	claim,
	object{"rule": "remove", "fields": array{"res.password", "res.ssn"}},
	object{"rule": "force", "field": "res.card", "value": "****"},
}}

// bodies adds the works that read and change bodies.
func (s *suite) bodies(ctx context.Context) error {
	if s.wants("force") {
		if err := s.force(ctx); err != nil {
			return err
		}
	}
	if s.wants("mask") {
		if err := s.mask(ctx); err != nil {
			return err
		}
	}
	if s.wants("rows") {
		return s.rows(ctx)
	}
	return nil
}

// contest adds the three contenders of a work on bodies.
func (s *suite) contest(ctx context.Context, w *work, listener, at, script string, policy object, a answer, r request, check func(string) error) error {
	s.conf.listen(listener+"-none", nil, a)
	s.conf.listen(listener+"-lua", lua(jsonLua+script), a)
	if err := s.rulegate(ctx, listener, "rulegate", policy, a); err != nil {
		return err
	}
	w.contenders = append(w.contenders,
		contender{name: none, at: at, listener: listener + "-none", good: r, clients: several},
		contender{name: luaName, at: at, listener: listener + "-lua", good: r, check: check, clients: several},
	)
	c := s.yesNo(contender{name: ours, at: at, listener: listener, check: check})
	c.good = r
	if r.body != "" {
		c.bad.method, c.bad.body = r.method, r.body
	}
	w.contenders = append(w.contenders, c)
	return nil
}

func (s *suite) force(ctx context.Context) error {
	s.conf.cluster("upstream", s.upstream, false)
	body := `{"owner":"somebody-else","n":5,"items":` + rows(900) + `}`
	r := request{method: http.MethodPost, path: "/", body: body, tokens: []string{s.admin}}
	rule := object{"rule": "and", "clauses": array{claim, object{"rule": "force", "field": "args.params.owner", "value": "args.auth.sub"}}}
	w := work{name: "force", title: "One field forced in a request of 1 KB", bases: []string{none, luaName}}
	// The upstream sends the body back.
	err := s.contest(ctx, &w, "force", "", forceLua, s.policy(rule, nil), answer{cluster: "upstream"}, r, func(text string) error {
		var got struct{ Owner string }
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.Owner != userID {
			return fmt.Errorf("the upstream did not get the forced field: %v", err)
		}
		return nil
	})
	s.works = append(s.works, w)
	return err
}

func (s *suite) mask(ctx context.Context) error {
	w := work{name: "mask", title: "Three fields masked in each row of a response", per: "response", bases: []string{none, luaName}}
	for _, kb := range []int{1, 10, 100} {
		err := s.contest(ctx, &w, fmt.Sprintf("mask-%d", kb), fmt.Sprintf("%d KB", kb), maskLua, s.policy(masked, nil),
			answer{text: rows(kb << 10)}, get(s.admin), checkMasked)
		if err != nil {
			return err
		}
	}
	s.works = append(s.works, w)
	return nil
}

func checkMasked(text string) error {
	var list []map[string]any
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return err
	}
	for _, row := range list {
		if row["password"] != nil || row["ssn"] != nil || row["card"] != "****" || row["name"] == nil {
			return errors.New("a row that is not masked")
		}
	}
	return nil
}

// rows adds the work that decides about each row.
func (s *suite) rows(ctx context.Context) error {
	guard := object{"rule": "match", "type": "string", "eval": "!=", "f1": "item.owner", "f2": "args.auth.sub"}
	rule := object{"rule": "and", "clauses": array{claim, object{"rule": "each", "field": "res.rows", "clauses": array{
		object{"rule": "remove", "fields": array{"item.card"}, "clause": guard},
	}}}}
	w := work{name: "rows", title: "One field masked in each row of somebody else", per: "response", bases: []string{none, luaName}}
	for _, kb := range []int{1, 10, 100} {
		err := s.contest(ctx, &w, fmt.Sprintf("rows-%d", kb), fmt.Sprintf("%d KB", kb), rowsLua, s.policy(rule, nil),
			answer{text: `{"rows":` + rows(kb<<10) + `}`}, get(s.admin), checkRows)
		if err != nil {
			return err
		}
	}
	s.works = append(s.works, w)
	return nil
}

func checkRows(text string) error {
	var doc struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return err
	}
	for _, row := range doc.Rows {
		if (row["owner"] == userID) != (row["card"] != nil) {
			return errors.New("a row that is not masked by its owner")
		}
	}
	return nil
}

// echo serves the upstream, which sends each body back.
func echo() (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := readAll(r.Body) // a body that broke off gets an answer that the contender counts as wrong
		w.Header().Set("content-type", "application/json")
		io.WriteString(w, body)
	})}
	go server.Serve(listener)
	return listener.Addr().String(), func() { server.Close() }, nil
}
