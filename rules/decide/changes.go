package decide

import (
	"errors"
	"slices"
	"strconv"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// forward turns the rule's changes to args into changes of the request. A change
// that cannot be made denies: else the upstream would get another request than
// the rule has allowed.
func (r *Request) forward(v *rules.Verdict) Step {
	c, err := r.changes(v.Args)
	if err == nil && r.body.Kind() != value.Missing && r.misspells() {
		err = errMisspelt
	}
	if err == errOtherCase || err == errMisspelt {
		return r.refuse(malformed("body: " + err.Error()))
	}
	if err != nil {
		return r.refuse(undecided("request not changed: " + err.Error()))
	}
	step := Step{Action: Continue, Changes: c, Response: r.response(v)}
	if step.Response != nil {
		r.forget()
	}
	if step.Response != nil && step.Response.needsBody() {
		if r.head.conditionalChange() {
			return r.refuse(&Refusal{Status: 412, Outcome: Invalid, Reason: "a change under a condition on a representation that the client does not get"})
		}
		// A compressed body could not be read.
		if _, n := r.head.count("accept-encoding"); n > 0 {
			step.Changes.RemoveHeaders = appendNew(step.Changes.RemoveHeaders, "accept-encoding")
		}
		step.Changes.RemoveHeaders = r.head.appendConditions(step.Changes.RemoveHeaders)
	}
	return step
}

// forget drops what the Response does not need: a body may be large, and an
// upstream may take its time.
func (r *Request) forget() {
	r.body, r.args, r.input = value.Value{}, value.Value{}, rules.Input{}
	r.pairs, r.docs = nil, nil
}

// conditions make the response depend on the body as the upstream has it (RFC 9110,
// sections 13.1 and 14.2): by guesses of its etag or date a client would learn of
// a body that it may not see. Apache takes Request-Range for Range.
var conditions = [...]string{"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range", "request-range"}

// conditionalChange reports whether a request that changes something does so only
// under a condition: without that, it would be another request.
func (h *head) conditionalChange() bool {
	return h.method != "GET" && h.method != "HEAD" && len(h.appendConditions(nil)) > 0
}

// appendConditions appends the names of the conditions that the request has.
func (h *head) appendConditions(names []string) []string {
	for _, f := range h.fields {
		if isCondition(f[0]) {
			names = appendNew(names, f[0])
		}
	}
	return names
}

// isCondition reports whether a server could take a field for one of conditions.
func isCondition(name string) bool {
	return (name[0] == 'i' || name[0] == 'r') && slices.Contains(conditions[:], name) || hasMark(name) && hasTwin(conditions[:], name)
}

func (r *Request) changes(after value.Value) (c Changes, err error) {
	c.RemoveHeaders = append(r.removed[:0], r.reserved...)
	query := r.head.query
	if r.verified && !r.engine.policy.Forward {
		var w tokenless
		w, c.RemoveHeaders = withhold(&r.head, r.engine.policy.Sources, c.RemoveHeaders)
		if w.cookiesChanged {
			c.setHeader("cookie", w.cookies)
		}
		query = w.query
	}
	if r.verified && len(r.engine.policy.ClaimHeaders) > 0 {
		if err = r.claimHeaders(&c); err != nil {
			return c, err
		}
	}
	changes := r.resource.Rule.ChangesArgs()
	if changes {
		if query, err = r.fieldChanges(&c, query, after); err != nil {
			return c, err
		}
	}
	if query != r.head.query {
		c.Path = r.head.path
		if query != "" {
			c.Path += "?" + query
		}
	}
	if changes {
		err = r.changeBody(&c, after)
	}
	return c, err
}

// fieldChanges writes the rule's changes of headers into c, and those of the query into
// that.
func (r *Request) fieldChanges(c *Changes, query string, after value.Value) (string, error) {
	if r.resource.Rule.Changes(rules.RootRequest) {
		if err := r.headerChanges(c, after); err != nil {
			return "", err
		}
	}
	return r.queryChanges(query, after)
}

// changeBody writes the rule's changes of the body into c.
func (r *Request) changeBody(c *Changes, after value.Value) error {
	body, changed, err := r.bodyChanges(after)
	if err != nil || !changed {
		return err
	}
	changedBody := body // only here it is moved to the heap
	c.Body = &changedBody
	if c.SetHeaders == nil {
		c.SetHeaders = r.set[:0]
	}
	c.setHeader("content-length", []string{strconv.Itoa(len(body))})
	return nil
}

// queryChanges writes the changes of request.query, and of params if the query
// is their source, into the query.
func (r *Request) queryChanges(query string, after value.Value) (string, error) {
	ofParams := r.params == queryParams && r.resource.Rule.Changes(rules.RootParams)
	if !ofParams && !r.resource.Rule.Changes(rules.RootRequest) {
		return query, nil
	}
	e := newEdits()
	if r.resource.Rule.Changes(rules.RootRequest) {
		before := r.args.Key(rules.RootRequest).Key("query")
		if err := e.compare(before, after.Key(rules.RootRequest).Key("query")); err != nil {
			return "", lightfmt.Errorf("query: %w", err)
		}
	}
	if ofParams {
		if err := e.compare(r.args.Key(rules.RootParams), after.Key(rules.RootParams)); err != nil {
			return "", lightfmt.Errorf("query: %w", err)
		}
	}
	if len(e.names) == 0 {
		return query, nil
	}
	ps, err := httpfield.ParseForm(query)
	if err != nil {
		return "", lightfmt.Errorf("query: %w", err)
	}
	return rewritePairs(ps, e), nil
}

// bodyChanges returns the body with the changes of the roots that it brought.
func (r *Request) bodyChanges(after value.Value) (body string, changed bool, err error) {
	if r.resource.Kind == policy.Database {
		return r.operationChanges(after)
	}
	if r.params == queryParams || !r.resource.Rule.Changes(rules.RootParams) {
		return "", false, nil
	}
	before, now := r.args.Key(rules.RootParams), after.Key(rules.RootParams)
	if now.Same(before) || now.Kind() == value.Pending && before.Kind() == value.Pending {
		return "", false, nil
	}
	text := now.String()
	if before.Kind() == now.Kind() && text == before.String() {
		return "", false, nil
	}
	if (r.params == bodyParams || r.params == memberParams) && r.otherCase(rules.RootParams, now) {
		return "", false, errOtherCase // a force set the second key
	}
	switch r.params {
	case bodyParams:
		if now.Kind() == value.Missing {
			return "", true, nil
		}
		return text, true, nil
	case memberParams:
		return r.body.With(r.paramsKey(), now).String(), true, nil
	case formParams:
		e := newEdits()
		if err := e.compare(before, now); err != nil {
			return "", false, lightfmt.Errorf("form: %w", err)
		}
		return rewritePairs(r.pairs, e), true, nil
	case pathParams:
		return "", false, errors.New("params: the variables of a path cannot be changed")
	}
	return "", false, errors.New("params: there is no body to change")
}

func (r *Request) operationChanges(after value.Value) (body string, changed bool, err error) {
	out := r.body
	for _, o := range operationRoots {
		if !r.resource.Rule.Changes(o.root) {
			continue
		}
		before, now := r.body.Key(o.key), after.Key(o.root)
		if before.Kind() != now.Kind() || before.String() != now.String() {
			out, changed = out.With(o.key, now), true
			if r.otherCaseInPart(o.root, now) {
				return "", false, errOtherCase
			}
		}
	}
	if !changed {
		return "", false, nil
	}
	if err := r.checkOperation(out.Key("op"), out.Key("doc")); err != nil {
		return "", false, err
	}
	return out.String(), true, nil
}
