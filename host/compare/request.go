package compare

import (
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/simulate"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// Case is a request of the comparison as a test of a policy has it.
type Case struct {
	Method, Host, Path string
	Event              string // its type; "": it is no event
	Token              bool   // it has a token
	Valid              bool   // which is valid
	Provider           string
	// Args are the parts of args that are chosen: auth, params, request, peer, the
	// parts of a database operation.
	Args value.Value
	// Response is the upstream's: res, and response with status and headers.
	Response value.Value
	Now      time.Time
	Replies  []Reply
	Cost     int // the smallest request has the least

	body, query value.Value // as the request has them
	answered    bool        // some rule reads or changes the response
}

// Reply is the answer to a call of the case.
type Reply struct {
	Call  rules.Call
	Reply rules.Reply
	of    *component
}

// roots are the roots of args that make up a request, in the order of its parts.
var requestRoots = []string{
	rules.RootAuth, rules.RootParams, rules.RootRequest, rules.RootPeer,
	rules.RootOp, rules.RootFind, rules.RootDoc, rules.RootUpdate, rules.RootPipeline, rules.RootOpts,
}

// current returns the request at hand.
func (x *explorer) current() *Case {
	c := &Case{Now: Now, Args: value.Obj(), answered: x.answered()}
	all := value.Obj()
	t := x.meeting.targets[0]
	for _, k := range x.components {
		chosen := x.chosen(k)
		c.Cost += chosen.cost
		if k.target {
			t = chosen.target
		}
		for i, slot := range k.slots {
			v := chosen.values[i]
			if slot == x.space.now {
				if v.Kind() != value.Missing {
					c.Now = timeOf(v)
				}
			} else if v.Kind() != value.Missing {
				all, _ = all.Set(slot.keys(), v)
			}
		}
	}
	if x.shape != nil {
		shape := x.chosen(x.shape).shape
		if shape.Kind() == value.Array || shape.Kind() != value.Missing && all.Key(rules.RootParams).Kind() == value.Missing {
			all = all.With(rules.RootParams, shape)
			c.Cost += x.chosen(x.shape).cost
		}
	}
	c.Method, c.Host, c.Path, c.Event = t.method, t.host, t.path(), t.event
	for _, root := range requestRoots {
		c.Args = c.Args.With(root, all.Key(root))
	}
	if all.Key(rules.RootRes).Kind() == value.Missing && !x.space.root.at(rules.RootRes).whole() {
		all = all.With(rules.RootRes, value.Obj())
	}
	c.Response = value.Obj().With(rules.RootRes, all.Key(rules.RootRes)).With(rules.RootResponse, all.Key(rules.RootResponse))
	if x.token != nil {
		k := x.chosen(x.token)
		c.Token, c.Valid, c.Provider = k.token.sent, k.token.valid, k.token.provider
		c.Cost += k.cost
	}
	return c
}

// answered reports whether some rule reads or changes the response.
func (x *explorer) answered() bool {
	return len(x.shown) > 0 || slices.ContainsFunc(x.meeting.resources[:], func(r *policy.Resource) bool {
		return r != nil && (r.Response != nil || r.Rule.HasResponse())
	})
}

// kind is the kind of the meeting's resources.
func (x *explorer) kind() policy.Kind {
	for _, r := range x.meeting.resources {
		if r != nil {
			return r.Kind
		}
	}
	return policy.Route
}

// encode writes a case as a request. ok is false for one that cannot be sent.
func (x *explorer) encode(c *Case) (r *simulate.Request, ok bool) {
	r = &simulate.Request{Method: c.Method, Target: c.Path, Host: c.Host, Now: c.Now, Peer: c.Args.Key(rules.RootPeer)}
	request := c.Args.Key(rules.RootRequest)
	r.ID, _ = request.Key("id").Text()
	if r.IP, _ = request.Key("ip").Text(); r.IP == "" {
		r.IP = "127.0.0.1"
	}
	r.Scheme, _ = request.Key("scheme").Text()
	fields, ok := pairs(request.Key("headers"))
	if !ok || slices.ContainsFunc(fields, func(f [2]string) bool { return ownHeader(f[0]) }) {
		return nil, false
	}
	query, ok := pairs(request.Key("query"))
	if !ok {
		return nil, false
	}
	body, form, ok := x.encodeBody(c)
	if !ok || len(form) > 0 && len(query) > 0 && !slices.Equal(form, query) {
		return nil, false
	}
	if len(query) == 0 {
		query = form
	}
	if readsQuery(c.Method) && body.Kind() != value.Missing && len(query) > 0 {
		return nil, false // decide refuses both
	}
	if r.Target += encodeQuery(query); body.Kind() != value.Missing {
		r.Body = body.String()
		fields = append(fields, [2]string{"content-type", "application/json"})
	}
	c.body = body
	if c.query = request.Key("query"); c.query.Len() == 0 && len(form) > 0 {
		c.query = c.Args.Key(rules.RootParams)
	}
	if c.Token {
		claims := c.Args.Key(rules.RootAuth)
		if claims.Kind() == value.Missing {
			claims = value.Obj()
		}
		placed, err := x.engine.withToken(append([][2]string{{":path", r.Target}}, fields...), &tokenChoice{c.Token, c.Valid, c.Provider}, claims)
		if err != nil {
			return nil, false
		}
		r.Target, fields = placed[0][1], placed[1:]
	}
	r.Headers = fields
	r.Response = c.response()
	return r, true
}

// ownHeader reports whether a header cannot be chosen, because the comparison or
// the protocol sets it.
func ownHeader(name string) bool {
	switch name {
	case "content-type", "content-length", "x-request-id", "x-forwarded-proto", "authorization", "cookie":
		return true
	}
	return httpfield.Protected(name) || !httpfield.IsToken(name) || strings.ToLower(name) != name
}

func readsQuery(method string) bool { return method == "GET" || method == "HEAD" || method == "DELETE" }

// encodeBody returns the body of a case, or the query parameters that take its
// place.
func (x *explorer) encodeBody(c *Case) (body value.Value, form [][2]string, ok bool) {
	params := c.Args.Key(rules.RootParams)
	switch x.kind() {
	case policy.File:
		return value.Value{}, nil, true
	case policy.Event:
		body := value.Obj(value.Member{Key: "type", Value: value.Str(c.Event)})
		return body.With("payload", params), nil, true
	case policy.Service, policy.Query:
		if params.Kind() == value.Missing {
			return value.Value{}, nil, true
		}
		return value.Obj(value.Member{Key: "params", Value: params}), nil, true
	case policy.Database:
		return x.operation(c), nil, true
	}
	if readsQuery(c.Method) {
		if form, ok := pairs(params); ok {
			return value.Value{}, form, true
		}
	}
	k := params.Kind()
	return params, nil, k == value.Missing || k == value.Object || k == value.Array
}

// operation is the body of a database operation.
func (x *explorer) operation(c *Case) value.Value {
	op, _ := c.Args.Key(rules.RootOp).Text()
	if op == "" {
		op = "one"
	}
	body := value.Obj(value.Member{Key: "op", Value: value.Str(op)})
	for _, p := range [...][2]string{{rules.RootFind, "find"}, {rules.RootUpdate, "update"}, {rules.RootPipeline, "pipe"}, {rules.RootOpts, "options"}} {
		body = body.With(p[1], c.Args.Key(p[0]))
	}
	doc := c.Args.Key(rules.RootDoc)
	if x.creates() {
		if doc.Kind() == value.Missing {
			doc = value.Obj()
		}
		if op == "all" {
			doc = value.Arr(doc)
		}
	}
	return body.With("doc", doc)
}

func (x *explorer) creates() bool {
	return slices.ContainsFunc(x.meeting.resources[:], func(r *policy.Resource) bool { return r != nil && r.Op == "create" })
}

// pairs are the fields of an object of texts, in its order. ok is false for another
// value.
func pairs(v value.Value) (out [][2]string, ok bool) {
	if v.Kind() == value.Missing {
		return nil, true
	}
	if !textMap.has(v) {
		return nil, false
	}
	v.Each(func(name string, x value.Value) bool {
		if s, one := x.Text(); one {
			out = append(out, [2]string{name, s})
		}
		for _, e := range x.Elements() {
			s, _ := e.Text()
			out = append(out, [2]string{name, s})
		}
		return true
	})
	return out, true
}

func encodeQuery(query [][2]string) string {
	var b strings.Builder
	for i, p := range query {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(httpfield.Escape(p[0]) + "=" + httpfield.Escape(p[1]))
	}
	return b.String()
}

// response is the upstream's response.
func (c *Case) response() *simulate.Response {
	out := &simulate.Response{Status: 200, Headers: [][2]string{{"content-type", "application/json"}}}
	if n, ok := value.Index(c.Response.Key(rules.RootResponse).Key("status")); ok {
		out.Status = n
	}
	headers, _ := pairs(c.Response.Key(rules.RootResponse).Key("headers"))
	for _, h := range headers {
		if h[0] != "content-type" {
			out.Headers = append(out.Headers, h)
		}
	}
	if body := c.Response.Key(rules.RootRes); body.Kind() != value.Missing {
		out.Body = body.String()
	}
	return out
}
