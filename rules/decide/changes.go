package decide

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// forward turns what the rule left of args into changes of the request. What
// cannot be put back as it was asked for denies: the upstream would get another
// request than the one that was decided.
func (s *Stream) forward(v *rules.Verdict) Step {
	c, err := s.changes(v.Args)
	if err != nil {
		return s.refuse(undecided("request not changed: " + err.Error()))
	}
	step := Step{Action: Forward, Changes: c, Resource: s.resource}
	if step.Mask = s.mask(v); step.Mask != nil && step.Mask.reads() {
		step.Changes.RemoveHeaders = appendNew(c.RemoveHeaders, "accept-encoding") // a compressed body cannot be read
	}
	s.phase = over
	return step
}

func (s *Stream) changes(after value.Value) (c Changes, err error) {
	c.RemoveHeaders = s.stripped
	query := s.head.query
	if s.verified && !s.gate.policy.Forward {
		w := withhold(s.head, s.gate.policy.Sources)
		c.RemoveHeaders = append(c.RemoveHeaders, w.headers...)
		if w.cutCookies {
			c.replace("cookie", w.cookies)
		}
		query = w.query
	}
	if s.verified {
		if err = s.claimHeaders(&c); err != nil {
			return c, err
		}
	}
	if s.resource.Rule.Changes("request") {
		if err = s.headerChanges(&c, after); err != nil {
			return c, err
		}
	}
	if query, err = s.queryChanges(query, after); err != nil {
		return c, err
	}
	if query != s.head.query {
		c.Path = s.head.path
		if query != "" {
			c.Path += "?" + query
		}
	}
	body, changed, err := s.bodyChanges(after)
	if err != nil || !changed {
		return c, err
	}
	c.Body = &body
	c.replace("content-length", []string{strconv.Itoa(len(body))})
	return c, nil
}

// queryChanges brings what was changed under request.query, and under params
// where those are the query's, into the query.
func (s *Stream) queryChanges(query string, after value.Value) (string, error) {
	e := newEdits()
	if s.resource.Rule.Changes("request") {
		if err := e.compare(s.args.Key("request").Key("query"), after.Key("request").Key("query")); err != nil {
			return "", fmt.Errorf("query: %w", err)
		}
	}
	if s.params == fromQuery && s.resource.Rule.Changes("params") {
		if err := e.compare(s.args.Key("params"), after.Key("params")); err != nil {
			return "", fmt.Errorf("query: %w", err)
		}
	}
	if len(e.names) == 0 {
		return query, nil
	}
	ps, err := httpfield.ParseForm(query)
	if err != nil {
		return "", fmt.Errorf("query: %w", err)
	}
	return rewrite(ps, e), nil
}

var errNoBody = errors.New("there is no body to change")

// bodyChanges is the body with what was changed under the roots that it brought.
func (s *Stream) bodyChanges(after value.Value) (body string, changed bool, err error) {
	if s.resource.Kind == policy.Database {
		return s.operationChanges(after)
	}
	if s.params == fromQuery || !s.resource.Rule.Changes("params") {
		return "", false, nil
	}
	before, now := s.args.Key("params"), after.Key("params")
	if before.Kind() == now.Kind() && (now.Kind() == value.Pending || now.String() == before.String()) {
		return "", false, nil
	}
	switch s.params {
	case fromBody:
		if now.Kind() == value.Missing {
			return "", true, nil
		}
		return now.String(), true, nil
	case fromMember:
		return s.body.With("params", now).String(), true, nil
	case fromForm:
		e := newEdits()
		if err := e.compare(before, now); err != nil {
			return "", false, fmt.Errorf("form: %w", err)
		}
		return rewrite(s.pairs, e), true, nil
	case fromPath:
		return "", false, errors.New("params: the variables of a path cannot be changed")
	}
	return "", false, fmt.Errorf("params: %w", errNoBody)
}

func (s *Stream) operationChanges(after value.Value) (string, bool, error) {
	out, changed := s.body, false
	for _, root := range databaseRoots {
		if !s.resource.Rule.Changes(root[0]) {
			continue
		}
		before, now := s.body.Key(root[1]), after.Key(root[0])
		if before.Kind() != now.Kind() || before.String() != now.String() {
			out, changed = out.With(root[1], now), true
		}
	}
	if !changed {
		return "", false, nil
	}
	if fault := s.operationFault(out.Key("op"), out.Key("doc")); fault != "" {
		return "", false, errors.New(fault)
	}
	return out.String(), true, nil
}
