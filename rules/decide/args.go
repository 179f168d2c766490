package decide

import (
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// operationRoots are the parts of a database operation: their roots in args and
// their keys in the body.
var operationRoots = [...]struct{ root, key string }{
	{rules.RootOp, "op"}, {rules.RootFind, "find"}, {rules.RootDoc, "doc"},
	{rules.RootUpdate, "update"}, {rules.RootPipeline, "pipe"}, {rules.RootOpts, "options"},
}

// readHeaders builds args from the headers and the token. A root that the body
// will bring is Pending; a root that no rule uses is left out.
func (r *Request) readHeaders() *Refusal {
	if r.resource.Kind == policy.Database && r.bodyless {
		return noOperation()
	}
	if len(r.resource.Headers.List) > 0 {
		if refusal := r.checkHeaders(); refusal != nil {
			return refusal
		}
	}
	uses, ms := &r.resource.Uses, r.members[:0]
	add := func(root string, v value.Value) { ms = append(ms, value.Member{Key: root, Value: v}) }
	if r.verified && uses.Auth {
		add(rules.RootAuth, r.claims)
	}
	if r.token != "" && uses.Token {
		add(rules.RootToken, value.Str(r.token))
	}
	if r.properties != nil && uses.Peer {
		if peer := r.properties.Peer(); peer.Kind() != value.Missing {
			add(rules.RootPeer, peer)
		}
	}
	if uses.Request {
		v, err := r.requestArgs()
		if err != nil {
			return malformed(err.Error())
		}
		add(rules.RootRequest, v)
	}
	if uses.Params {
		params, err := r.headerParams()
		if err != nil {
			return malformed("query: " + err.Error())
		}
		if params.Kind() != value.Missing {
			add(rules.RootParams, params)
		}
	}
	if r.resource.Kind == policy.Database {
		r.bodyPending = true
		for _, o := range operationRoots {
			if r.uses(o.root) {
				add(o.root, value.PendingValue)
			}
		}
	}
	r.args = r.room.Obj(ms)
	return nil
}

// headerParams returns args.params as the headers tell it, or Pending if the
// body tells it.
func (r *Request) headerParams() (value.Value, error) {
	switch kind := r.resource.Kind; {
	case kind == policy.File:
		r.params = pathParams
		return value.Obj(r.vars...), nil
	case kind == policy.Route && r.bodyless:
		return r.bodylessParams()
	case kind == policy.Route && r.head.length > 0 && r.head.readsQuery() && r.head.query != "":
		return value.Value{}, errBodyAndQuery
	case kind == policy.Event:
		r.params = memberParams
		return r.body.Key("payload"), nil
	case kind == policy.Route || (kind == policy.Service || kind == policy.Query) && !r.bodyless:
		r.bodyPending = true
		return value.PendingValue, nil
	}
	return value.Value{}, nil
}

// bodylessParams returns args.params for a route's request without a body: the
// query parameters, if bodies have no meaning for its method.
func (r *Request) bodylessParams() (value.Value, error) {
	if !r.head.readsQuery() {
		return value.Value{}, nil
	}
	ps, err := r.parseQuery(r.resource.Params)
	if err != nil {
		return value.Value{}, err
	}
	r.params = queryParams
	return r.rooms().params.of(ps), nil
}

// readsQuery reports whether args.params are the query parameters if there is no
// body: bodies have no meaning for the method.
func (h *head) readsQuery() bool {
	return h.method == "GET" || h.method == "HEAD" || h.method == "DELETE"
}

var errBodyAndQuery = errors.New("a body beside a query, and servers read either")

// checkHeaders refuses a request with bytes that are no UTF-8 in a header that the
// rules name: the upstream would read it, and the rule cannot.
func (r *Request) checkHeaders() *Refusal {
	for _, f := range r.head.fields {
		if slices.Contains(r.resource.Headers.List, f[0]) && !utf8.ValidString(f[1]) {
			return undecided(lightfmt.Sprintf("header %q: %v", f[0], httpfield.ErrUTF8))
		}
	}
	return nil
}
