package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
	_ "modernc.org/sqlite"
)

const (
	companionCluster = "rulegate-companion"
	databaseSetup    = `CREATE TABLE bans (id TEXT PRIMARY KEY); INSERT INTO bans VALUES ('` + banned + `')`
)

// startServers starts the servers that Envoy asks.
func (s *suite) startServers(ctx context.Context) (err error) {
	if s.wants("query") {
		if err := s.startQueryServers(ctx); err != nil {
			return err
		}
	}
	if s.o.opa == "" {
		return nil
	}
	if s.opa, err = freeAddress(); err != nil {
		return err
	}
	return s.helper(ctx, "opa", s.opa, []string{"LISTEN=" + s.opa, "KEYS=" + s.keySet, "ISSUER=" + issuer}, s.o.opa)
}

func (s *suite) startQueryServers(ctx context.Context) (err error) {
	file := filepath.Join(s.dir, "bans.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	_, err = db.Exec(databaseSetup)
	db.Close()
	if err != nil {
		return err
	}
	text, err := json.Marshal(s.queryPolicy("0s"))
	if err != nil {
		return err
	}
	policy := filepath.Join(s.dir, "companion.yaml")
	if err := os.WriteFile(policy, text, 0o600); err != nil {
		return err
	}
	if s.companion, err = freeAddress(); err != nil {
		return err
	}
	if s.authz, err = freeAddress(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := s.helper(ctx, "authz", s.authz, nil, self, authzCommand, s.authz, file); err != nil {
		return err
	}
	return s.helper(ctx, "companion", s.companion, nil, s.o.command, "serve", policy, "--listen", s.companion)
}

// queryPolicy lets a user through who has no row in bans.
func (s *suite) queryPolicy(cache string) object {
	query := object{
		"rule": "query", "db": "social", "col": "bans", "find": object{"id": "args.auth.sub"},
		"clause": object{"rule": "match", "type": "number", "eval": "==", "f1": "utils.length(args.result)", "f2": 0},
	}
	if cache != "0s" {
		query["cache"] = cache
	}
	p := s.policy(query, nil)
	p["companion"] = object{"cluster": companionCluster, "timeout": "10s"}
	p["databases"] = object{"social": object{"type": "embedded", "conn": filepath.Join(s.dir, "bans.db")}}
	return p
}

// query adds the work that asks a database.
func (s *suite) query(ctx context.Context) error {
	if !s.wants("query") {
		return nil
	}
	s.conf.cluster("authz", s.authz, false)
	s.conf.listen("authz", extAuthzHTTP("authz", s.authz), answer{text: "ok"})
	if err := s.rulegate(ctx, "query", "rulegate", s.queryPolicy("0s"), answer{text: "ok"}); err != nil {
		return err
	}
	if err := s.rulegate(ctx, "query-cached", "rulegate", s.queryPolicy("1m"), answer{text: "ok"}); err != nil {
		return err
	}
	token := func(id string) (string, error) { return s.keys.token(jose.HS256, user{id: id, role: "admin"}, 0) }
	good, err := token(userID)
	if err != nil {
		return err
	}
	bad, err := token(banned)
	if err != nil {
		return err
	}
	w := work{name: "query", title: "One query on SQLite", per: "clients", bases: []string{authzGo}}
	for _, n := range []int{1, 8, 100, 1000} {
		for _, c := range []contender{
			{name: none, listener: "none"},
			{name: authzGo, listener: "authz", helper: "authz"},
			{name: ours + " and companion", listener: "query", helper: "companion"},
			{name: ours + ", cache: 1m", listener: "query-cached", helper: "companion"},
		} {
			c.at, c.clients, c.good = fmt.Sprint(n), n, get(good)
			if c.name != none {
				c.bad, c.denied = get(bad), http.StatusForbidden
			}
			w.contenders = append(w.contenders, c)
		}
	}
	s.works = append(s.works, w)
	return nil
}

// helper starts a server that Envoy asks, and waits until it accepts connections.
func (s *suite) helper(ctx context.Context, name, address string, env []string, path string, args ...string) error {
	p, err := start(s.dir, name, env, path, args...)
	if err != nil {
		return err
	}
	s.helpers[name] = p
	return p.await(ctx, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// freeAddress returns an address of this machine that no program listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
