package decide

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// quick decides most requests by a few looks: those that their token or their headers
// let through, and of which nothing is odd. It only says yes. Every other request goes on
// from what was found out about it; one of which something is odd, from the beginning. So
// a mistake here can allow a request; FuzzQuick and the cases compare the two ways.
type quick struct {
	// source is the only place of tokens, a header; nil: nothing is decided quickly.
	source    *policy.Source
	resources []quickness // by policy.Resource.Index
}

// quickness says how far the quick way leads for the requests of a resource.
type quickness struct {
	on answer
	// builds: args can be built at once, as no field of a plain head is removed before.
	builds bool
}

// answer says on which part of a request a resource's yes depends.
type answer uint8

const (
	onMore    answer = iota // than its headers, or there is something to change
	onHead                  // on headers, token and client
	onClaims                // alone, and a yes is kept with a token that is known
	onToken                 // it is yes for every request with a token
	onNothing               // it is yes for every request
)

func newQuick(p *policy.Policy) quick {
	q := quick{resources: make([]quickness, len(p.Resources()))}
	if len(p.Sources) == 1 {
		if src := &p.Sources[0]; src.Header != "" && !src.APIKeys && isPlain(src.Header) && !hasPart(src.Header) && src.Header != "content-length" {
			q.source = src
		}
	}
	for i, r := range p.Resources() {
		if r.Kind == policy.Route && len(r.Reserved) == 0 && !slices.ContainsFunc(r.Headers.List, hasMark) {
			q.resources[i] = quickness{on: answerOf(r), builds: true}
		}
	}
	return q
}

func answerOf(r *policy.Resource) answer {
	withToken := r.Auth.Reads()
	switch {
	case r.Response != nil || !r.Rule.OnlyAsks():
	case withToken && r.Auth.Bound(): // to the client's certificate
		return onHead
	case withToken && r.Rule.OfClaims():
		return onClaims
	case !r.Rule.Constant():
		return onHead
	case r.Rule.Eval(&rules.Input{Args: value.Obj(), Verified: withToken}, nil).Outcome != rules.Yes:
	case withToken:
		return onToken
	default:
		return onNothing
	}
	return onMore
}

// Pass is a request that the quick way lets through.
type Pass struct {
	Resource *policy.Resource
	// Withheld is the header that the request loses, because the policy does not
	// forward its token; "": none.
	Withheld string
}

// Passes reports whether the request can be let through at once. If not, Decide goes on
// from what was found out here.
func (r *Request) Passes() (p Pass, ok bool) {
	e := r.engine
	var h plainHead
	if !quickly || r.state != awaitHeaders || e.quick.source == nil || !h.read(r.came, e.quick.source.Header) {
		return Pass{}, false
	}
	covering := e.policy.FindPlain(h.method, h.host, h.path)
	if covering != nil {
		p.Resource = covering.Resource
	} else if p.Resource = r.find(&h); p.Resource == nil {
		return Pass{}, false
	}
	on := e.quick.resources[p.Resource.Index].on
	if on == onNothing {
		return p, true
	}
	var raw string
	var known *token.Claims
	var cached bool
	if auth := &p.Resource.Auth; auth.Reads() {
		if text, found := strings.CutPrefix(h.credential, e.quick.source.Prefix); found && text != "" {
			var takes func(provider string) bool
			if auth.Providers() != nil {
				takes = auth.Accepts
			}
			raw = text
			known, cached = e.tokens.Known(e.keys.Set(), text, r.received, takes)
		}
		if !e.policy.Forward {
			p.Withheld = e.quick.source.Header
		}
	}
	switch {
	case known == nil:
	case on == onToken:
		return p, true
	case on == onClaims:
		if _, ok := known.Memo.Find(p.Resource.Rule.Question()); ok {
			return p, true
		}
	}
	r.judged = judged{raw: raw, isNew: raw != "" && !cached}
	if !r.prepare(&h, covering, known) {
		return Pass{}, false
	}
	return p, true
}

// find finds the resource of a path that FindPlain does not know; nil: there is none, or
// the body tells it.
func (r *Request) find(h *plainHead) *policy.Resource {
	r.touched = true
	m, err := r.engine.policy.FindIn(r.memory.vars[:0], h.method, h.authority, h.path)
	if err != nil || m.HasTypes() {
		return nil
	}
	r.resource, r.vars = m.Resource, m.Vars
	return m.Resource
}

// reached is how far Passes has come with a request that Decide goes on with.
type reached uint8

const (
	nowhere  reached = iota
	resource         // the head is read, and the resource is found
	args             // the token is accepted, and args are built
)

// judged is what came of the token at the time of the request.
type judged struct {
	raw    string // "": the token was not looked for, or there is none
	isNew  bool   // it is not in the cache
	known  bool   // the rest is valid
	claims token.Claims
	err    error
}

// prepare goes on with a request as far as headers and token lead. It reports whether the
// rule says yes, so that nothing is left to do.
func (r *Request) prepare(h *plainHead, covering *policy.Covering, known *token.Claims) bool {
	r.touched = true
	h.fill(&r.head, r.came)
	if covering != nil {
		if r.resource = covering.Resource; r.resource.Uses.Request {
			r.vars = covering.BindPlain(r.memory.vars[:0], h.path)
		}
	}
	r.reached = resource
	on := r.engine.quick.resources[r.resource.Index]
	j := &r.judged
	if known != nil {
		j.known, j.claims = true, *known
	}
	if !on.builds {
		return false
	}
	if r.resource.Auth.Reads() {
		if j.raw == "" {
			return false
		}
		if !j.known {
			j.known = true
			j.claims, j.err = r.verifyToken(j.raw, r.received)
		}
		if j.err != nil || r.acceptToken(j.raw, &j.claims) != nil {
			return false // Decide says why
		}
	}
	if r.readHeaders() != nil {
		return false
	}
	r.reached = args
	return on.on != onMore && r.runRule().Outcome == rules.Yes
}
