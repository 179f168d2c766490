package main

import (
	"context"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// The names of contenders.
const (
	none     = "no filter"
	empty    = "empty Go plugin"
	cached   = "jwt_authn (jwt_cache) + rbac"
	verified = "jwt_authn + rbac"
	luaName  = "Lua"
	opaName  = "OPA behind ext_authz"
	coraza   = "Coraza in a Go plugin"
	authzGo  = "Go server behind ext_authz"
	ours     = "rulegate"
)

// cold is the number of different tokens: more than any cache of a contender holds,
// so that none of them is known when its turn comes again.
const cold = 4096

// warm adds the listeners that most works share, and the work that all of them do.
func (s *suite) warm(ctx context.Context) error {
	s.conf.listen("none", nil, answer{text: "ok"})
	s.conf.listen("empty", wasm("empty", s.o.empty), answer{text: "ok"})
	s.conf.listen("cached", jwtAuthn(s.keySet, true), answer{text: "ok"})
	s.conf.listen("verified", jwtAuthn(s.keySet, false), answer{text: "ok"})
	s.conf.listen("lua", lua(claimLua), answer{text: "ok"})
	if err := s.rulegate(ctx, "allow", "rulegate", s.policy(object{"rule": "allow"}, nil), answer{text: "ok"}); err != nil {
		return err
	}
	if err := s.rulegate(ctx, "claim", "rulegate", s.policy(claim, nil), answer{text: "ok"}); err != nil {
		return err
	}
	owner := s.yesNo(contender{name: ours + ", match of a variable of the path", listener: "owner"})
	owner.good.path, owner.bad.path = "/users/"+userID, "/users/"+userID
	route := object{"match": object{"path": "/users/{id}"}, "rule": object{"rule": "match", "type": "string", "eval": "==", "f1": "args.auth.sub", "f2": "args.request.vars.id"}}
	policy := object{"project": "bench", "auth": s.auth, "routes": array{route}}
	if err := s.rulegate(ctx, "owner", "rulegate", policy, answer{text: "ok"}); err != nil {
		return err
	}
	w := work{
		name: "warm", title: "A known token and one match", bases: []string{none, empty, cached}, steady: true,
		contenders: []contender{
			{name: none, listener: "none", good: get(s.admin), clients: several},
			{name: empty, listener: "empty", good: get(s.admin), clients: several},
			{name: ours + ", rule allow", listener: "allow", good: get(s.admin), clients: several},
			s.yesNo(contender{name: ours, listener: "claim"}),
			owner,
			s.yesNo(contender{name: cached, listener: "cached"}),
			s.yesNo(contender{name: verified, listener: "verified"}),
			s.yesNo(contender{name: luaName + ", without verifying", listener: "lua"}),
		},
	}
	if s.o.coraza != "" {
		s.conf.listen("coraza", wasm("coraza", s.o.coraza), answer{text: "ok"})
		// Its rules know no claims: it refuses requests without a token.
		c := s.yesNo(contender{name: coraza + ", four rules", listener: "coraza"})
		c.bad = get()
		w.contenders = append(w.contenders, c)
	}
	if s.opa != "" {
		s.conf.cluster("opa", s.opa, true)
		s.conf.listen("opa", extAuthzGRPC("opa"), answer{text: "ok"})
		w.contenders = append(w.contenders, s.yesNo(contender{name: opaName, listener: "opa", helper: "opa"}))
	}
	s.works = append(s.works, w)
	return nil
}

// cold measures tokens that come once, so that no cache has them.
func (s *suite) cold() error {
	if !s.wants("cold") {
		return nil
	}
	w := work{name: "cold", title: "A new token", per: "algorithm", bases: []string{verified}, steady: true}
	n := cold
	if s.o.short {
		n = 64
	}
	for _, alg := range algorithms {
		s.o.progress("cold: %d tokens for %s", n, alg)
		tokens, err := s.keys.tokens(alg, user{id: userID, role: "admin"}, n)
		if err != nil {
			return err
		}
		guest, err := s.keys.token(alg, user{id: banned, role: "guest"}, n)
		if err != nil {
			return err
		}
		for _, c := range []contender{{name: verified, listener: "verified"}, {name: ours, listener: "claim"}} {
			c = s.yesNo(c)
			c.at, c.good, c.bad = string(alg), get(tokens...), get(guest)
			w.contenders = append(w.contenders, c)
		}
	}
	s.works = append(s.works, w)
	return nil
}

// clauses adds the work of longer rules.
func (s *suite) clauses(ctx context.Context) error {
	if !s.wants("clauses") {
		return nil
	}
	w := work{name: "clauses", title: "Longer rules", bases: []string{"1 clause"}}
	token, err := s.keys.token(jose.RS256, user{id: userID, role: "admin", roles: 50}, 0)
	if err != nil {
		return err
	}
	add := func(name, listener string, rule object) error {
		c := s.yesNo(contender{name: name, listener: listener})
		c.good = get(token)
		w.contenders = append(w.contenders, c)
		return s.rulegate(ctx, listener, "rulegate", s.policy(rule, nil), answer{text: "ok"})
	}
	for _, n := range []int{1, 20, 100} {
		list := array{claim}
		for i := range n - 1 {
			list = append(list, object{"rule": "match", "type": "string", "eval": "!=", "f1": "args.auth.org.plan", "f2": fmt.Sprintf("plan-%d", i)})
		}
		if err := add(plural(n, "clause"), fmt.Sprintf("clauses-%d", n), object{"rule": "and", "clauses": list}); err != nil {
			return err
		}
	}
	roles := object{"rule": "match", "type": "string", "eval": "in", "f1": "admin", "f2": "args.auth.roles"}
	if err := add("1 clause, the last of 50 roles", "roles", roles); err != nil {
		return err
	}
	s.works = append(s.works, w)
	return nil
}

// routes adds the work of larger policies, in a VM of their own.
func (s *suite) routes(ctx context.Context) error {
	if !s.wants("routes") {
		return nil
	}
	w := work{name: "routes", title: "Larger policies", bases: []string{"10 routes"}}
	for _, n := range []int{10, 100, 1000, 10000} {
		list := array{object{"match": object{"path": "/"}, "rule": claim}}
		for i := range n - 1 {
			list = append(list, object{"match": object{"path": fmt.Sprintf("/api/v1/things%d/{id}", i)}, "rule": claim})
		}
		listener := fmt.Sprintf("routes-%d", n)
		policy := object{"project": "bench", "auth": s.auth, "routes": list}
		if err := s.rulegate(ctx, listener, s.o.vm("routes"), policy, answer{text: "ok"}); err != nil {
			return err
		}
		w.contenders = append(w.contenders, s.yesNo(contender{name: plural(n, "route"), listener: listener}))
	}
	s.works = append(s.works, w)
	return nil
}

// claims adds the work of larger tokens. No token is read that is longer than 16 KiB.
func (s *suite) claims() error {
	if !s.wants("claims") {
		return nil
	}
	w := work{name: "claims", title: "Larger tokens", per: "token", bases: []string{cached}}
	for _, kb := range []int{1, 2, 4, 8, 16} {
		const signature, others = 420, 250 // with the header; the other claims
		pad := (kb<<10-signature)*3/4 - others
		token, err := s.keys.token(jose.RS256, user{id: userID, role: "admin", pad: pad}, 0)
		if err != nil {
			return err
		}
		guest, err := s.keys.token(jose.RS256, user{id: banned, role: "guest", pad: pad}, 0)
		if err != nil {
			return err
		}
		for _, c := range []contender{{name: cached, listener: "cached"}, {name: ours, listener: "claim"}} {
			c = s.yesNo(c)
			c.at, c.good, c.bad = fmt.Sprintf("%d KB", kb), get(token), get(guest)
			w.contenders = append(w.contenders, c)
		}
	}
	s.works = append(s.works, w)
	return nil
}

// connections adds the work of many clients, and the work on two workers.
func (s *suite) connections() {
	if s.wants("connections") {
		w := work{name: "connections", title: "Many connections", per: "connections", bases: []string{none, cached}}
		for _, n := range s.o.connections() {
			for _, c := range []contender{{name: none, listener: "none"}, {name: cached, listener: "cached"}, {name: ours, listener: "claim"}} {
				c.at, c.good, c.clients = fmt.Sprint(n), get(s.admin), n
				w.contenders = append(w.contenders, c)
			}
		}
		s.works = append(s.works, w)
	}
	if s.wants("workers") {
		w := work{name: "workers", title: "Two workers, both busy", bases: []string{none, empty, cached}, workers: s.o.busyWorkers()}
		for _, c := range []contender{{name: none, listener: "none"}, {name: empty, listener: "empty"}, {name: cached, listener: "cached"}, {name: ours, listener: "claim"}} {
			c.good, c.clients = get(s.admin), 2*several
			w.contenders = append(w.contenders, c)
		}
		s.works = append(s.works, w)
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
