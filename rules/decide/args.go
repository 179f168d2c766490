package decide

import (
	"fmt"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// databaseRoots are the parts of a database operation: their name in args and
// in the body.
var databaseRoots = [...][2]string{
	{"op", "op"}, {"find", "find"}, {"doc", "doc"}, {"update", "update"}, {"pipeline", "pipe"}, {"opts", "options"},
}

// prepare builds args from what the headers tell, with Pending for what the
// body will bring. A root that the rule does not use is left out.
func (s *Stream) prepare(req *Request) *Refusal {
	var ms []value.Member
	add := func(root string, v value.Value) { ms = append(ms, value.Member{Key: root, Value: v}) }
	if s.verified && s.uses("auth") {
		add("auth", s.claims)
	}
	if s.verified && s.uses("token") {
		add("token", value.Str(s.token))
	}
	if req.Ask != nil {
		for _, root := range [...]string{"request", "peer"} {
			if s.uses(root) {
				req.Ask(req, root)
			}
		}
	}
	if req.Peer.Kind() != value.Missing && s.uses("peer") {
		add("peer", req.Peer)
	}
	if s.uses("request") {
		v, err := s.request(req)
		if err != nil {
			return malformed(err.Error())
		}
		add("request", v)
	}
	params, err := s.headParams()
	if err != nil {
		return malformed("query: " + err.Error())
	}
	if params.Kind() != value.Missing {
		add("params", params)
	}
	if s.resource.Kind == policy.Database && !s.ended {
		s.pending = true
		for _, root := range databaseRoots {
			if s.uses(root[0]) {
				add(root[0], value.PendingValue)
			}
		}
	}
	s.args = value.Obj(ms...)
	if s.ended && (s.resource.Kind == policy.Database) {
		return malformed("a database operation needs a body")
	}
	return nil
}

// headParams is args.params as far as the headers tell: Pending when the body
// tells more.
func (s *Stream) headParams() (value.Value, error) {
	if !s.uses("params") {
		return value.Value{}, nil
	}
	switch s.resource.Kind {
	case policy.File:
		s.params = fromPath
		return value.Obj(s.vars...), nil
	case policy.Route:
		if s.ended {
			return s.bodyless()
		}
		s.pending = true
		return value.PendingValue, nil
	case policy.Service:
		if s.ended {
			return value.Value{}, nil
		}
		s.pending = true
		return value.PendingValue, nil
	}
	return value.Value{}, nil
}

// bodyless is args.params of a route's request without a body: the query
// parameters of methods that have no use for a body, else nothing.
func (s *Stream) bodyless() (value.Value, error) {
	switch s.head.method {
	case "GET", "HEAD", "DELETE":
		ps, err := httpfield.ParseForm(s.head.query)
		if err != nil {
			return value.Value{}, err
		}
		s.params = fromQuery
		return object(ps), nil
	}
	return value.Value{}, nil
}

// request is args.request.
func (s *Stream) request(req *Request) (value.Value, error) {
	h := s.head
	query, err := httpfield.ParseForm(h.query)
	if err != nil {
		return value.Value{}, fmt.Errorf("query: %w", err)
	}
	fields := grouped{members: make([]value.Member, 0, len(h.fields))}
	for _, f := range h.fields {
		if !utf8.ValidString(f[1]) {
			return value.Value{}, fmt.Errorf("header %q: %w", f[0], httpfield.ErrUTF8)
		}
		fields.add(f[0], f[1])
	}
	ms := []value.Member{
		{Key: "method", Value: value.Str(h.method)},
		{Key: "scheme", Value: value.Str(h.scheme)},
		{Key: "host", Value: value.Str(h.host)},
		{Key: "path", Value: value.Str(h.path)},
		{Key: "vars", Value: value.Obj(s.vars...)},
		{Key: "query", Value: object(query)},
		{Key: "headers", Value: fields.object()},
	}
	if req.IP != "" {
		ms = append(ms, value.Member{Key: "ip", Value: value.Str(req.IP)})
	}
	id := req.ID
	if id == "" {
		id = s.Header("x-request-id")
	}
	if id != "" {
		ms = append(ms, value.Member{Key: "id", Value: value.Str(id)})
	}
	return value.Obj(ms...), nil
}
