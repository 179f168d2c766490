package decide

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// quick decides most requests by a few looks: those that a known token lets through,
// of which nothing is odd. It only says yes. Every other request, and everything that
// it does not know, goes the general way, from the beginning. So a mistake here can
// allow a request, but refuse none; FuzzQuick and the cases compare the two ways.
type quick struct {
	// source is the only place of tokens, a header; nil: nothing is decided quickly.
	source    *policy.Source
	resources []quickness // by policy.Resource.Index
}

// quickness says on which part of a request a resource's answer depends.
type quickness uint8

const (
	onMore    quickness = iota // the general way
	onClaims                   // alone, and a yes is kept with the token
	onToken                    // it is yes for every request with a token
	onNothing                  // it is yes for every request
)

func newQuick(p *policy.Policy) quick {
	q := quick{resources: make([]quickness, len(p.Resources()))}
	if len(p.Sources) == 1 {
		if src := &p.Sources[0]; src.Header != "" && !src.APIKeys && isPlain(src.Header) && new(plainHead).field(src.Header, "") {
			q.source = src
		}
	}
	for i, r := range p.Resources() {
		q.resources[i] = quicknessOf(r)
	}
	return q
}

func quicknessOf(r *policy.Resource) quickness {
	if r.Kind != policy.Route || r.Response != nil || r.Rule.HasResponse() || len(r.Reserved) > 0 {
		return onMore
	}
	withToken := r.Auth.Reads()
	switch {
	case withToken && r.Auth.Bound():
	case withToken && r.Rule.OfClaims():
		return onClaims
	case !r.Rule.Constant():
	case r.Rule.Eval(&rules.Input{Args: value.Obj(), Verified: withToken}, nil).Outcome != rules.Yes:
	case withToken:
		return onToken
	default:
		return onNothing
	}
	return onMore
}

// passes reports whether the request can be let through at once. It sets what the
// general way sets too: the resource, and the token.
func (r *Request) passes(headers [][2]string) bool {
	q := &r.engine.quick
	var h plainHead
	if q.source == nil || r.Tracer != nil || !h.read(headers, q.source.Header) {
		return false
	}
	if err := r.find(h.method, h.host, h.path); err != nil || r.event.HasTypes() {
		return false
	}
	on := q.resources[r.resource.Index]
	if on == onNothing {
		return true
	}
	raw, found := strings.CutPrefix(h.credential, q.source.Prefix)
	return found && on != onMore && r.knows(raw, on)
}

// knows reports whether the token is known, and lets the request through.
func (r *Request) knows(raw string, on quickness) bool {
	e := r.engine
	claims, ok := e.tokens.Known(e.keys.Set(), raw, r.received, r.resource.Auth.Accepts)
	if !ok {
		return false
	}
	if on == onClaims {
		if _, ok := claims.Memo.Find(r.resource.Rule); !ok {
			return false
		}
	}
	e.tokens.Hit()
	r.token, r.verified, r.claims = raw, true, claims.Value
	return true
}

// pass lets the request go on. Its token does not, unless the policy forwards tokens.
func (r *Request) pass() Step {
	step := Step{Action: Continue, Changes: Changes{RemoveHeaders: r.removed[:0]}}
	if r.verified && !r.engine.policy.Forward {
		step.Changes.RemoveHeaders = append(step.Changes.RemoveHeaders, r.engine.quick.source.Header)
	}
	return step
}

// plainHead is the content of headers that every server reads alike.
type plainHead struct {
	method, scheme, host string
	target               string
	path, query          string // of the target
	credential           string // of the header of tokens
	seen                 parts
}

// parts are those of a head that must not come twice.
type parts uint8

const (
	methodPart parts = 1 << iota
	schemePart
	hostPart
	targetPart
	credentialPart
	lengthPart
)

// first reports whether a part has not come before.
func (p *parts) first(part parts) bool {
	came := *p&part != 0
	*p |= part
	return !came
}

// read reads headers. It reports false for those of which it does not know that every
// server reads them alike, or that have a part in deciding how.
func (h *plainHead) read(headers [][2]string, source string) bool {
	for i := range headers {
		name, value := headers[i][0], headers[i][1]
		switch {
		case name == "":
			return false
		case name[0] == ':':
			if !h.pseudo(name, value) {
				return false
			}
		case name == source:
			if !h.seen.first(credentialPart) {
				return false
			}
			h.credential = value
		case !isPlain(name) || !h.field(name, value):
			return false
		}
	}
	if h.method == "" || h.target == "" || strings.IndexByte(h.target, '#') >= 0 || !httpfield.IsAuthority(h.host) {
		return false
	}
	h.path, h.query, _ = strings.Cut(h.target, "?")
	return !namesMethod(h.query, h.method)
}

func (h *plainHead) pseudo(name, value string) bool {
	switch name {
	case ":method":
		h.method = value
		return h.seen.first(methodPart)
	case ":path":
		h.target = value
		return h.seen.first(targetPart)
	case ":authority":
		h.host = strings.ToLower(value)
		return h.seen.first(hostPart)
	case ":scheme":
		h.scheme = value
		return h.seen.first(schemePart)
	}
	return false
}

// field reports false for a field that has a part in how the request is decided.
func (h *plainHead) field(name, value string) bool {
	switch name {
	case "host", "connection", "upgrade", "transfer-encoding", "x-http-method-override", "x-http-method", "x-method-override":
		return false
	case "content-length":
		_, err := parseLength(value)
		return err == nil && h.seen.first(lengthPart)
	}
	return true
}

// isPlain reports whether a name has only lower-case letters, digits and `-`, and
// begins with one of the former. Two such names are httpfield.Twins only if they are
// equal.
func isPlain(name string) bool {
	for i := range len(name) {
		if b := name[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') && (b != '-' || i == 0) {
			return false
		}
	}
	return name != ""
}
