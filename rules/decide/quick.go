package decide

import (
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// quick decides most requests by a few looks: those that their token lets through, of
// which nothing is odd. It only says yes. Every other request, and everything that
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
	onClaims                   // alone, and a yes is kept with a token that is known
	onToken                    // it is yes for every request with a token
	onNothing                  // it is yes for every request
)

func newQuick(p *policy.Policy) quick {
	q := quick{resources: make([]quickness, len(p.Resources()))}
	if len(p.Sources) == 1 {
		if src := &p.Sources[0]; src.Header != "" && !src.APIKeys && isPlain(src.Header) && !hasPart(src.Header) && src.Header != "content-length" {
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

// Pass is a request that the quick way lets through.
type Pass struct {
	Resource *policy.Resource
	// Withheld is the header that the request loses, because the policy does not
	// forward its token; "": none.
	Withheld string
}

// Passes reports whether a request can be let through at once: one that is received
// now, with all fields in their order. If not, a Request decides it, which may take the
// desk.
func (e *Engine) Passes(d *Desk, headers [][2]string, now time.Time) (p Pass, ok bool) {
	d.Clear()
	q := &e.quick
	var h plainHead
	if !quickly || q.source == nil || !h.read(headers, q.source.Header) {
		return Pass{}, false
	}
	r := e.policy.FindPlain(h.method, h.host, h.path)
	if r == nil {
		if r = e.find(&h); r == nil {
			return Pass{}, false
		}
	}
	on := q.resources[r.Index]
	if on == onNothing {
		return Pass{Resource: r}, true
	}
	raw, found := strings.CutPrefix(h.credential, q.source.Prefix)
	if !found || raw == "" || on == onMore {
		return Pass{}, false
	}
	var takes func(provider string) bool
	if r.Auth.Providers() != nil {
		takes = r.Auth.Accepts
	}
	var question token.Question
	if on == onClaims {
		question = r.Rule.Question()
	}
	if set := e.keys.Set(); !e.tokens.Knows(set, raw, now, takes, question) && !e.agrees(d, set, r, raw, now) {
		return Pass{}, false
	}
	if e.policy.Forward {
		return Pass{Resource: r}, true
	}
	return Pass{Resource: r, Withheld: q.source.Header}, true
}

// Desk is memory of the quick way, for one request after the other.
type Desk struct {
	used    bool
	judged  judged
	input   rules.Input
	members [1]value.Member
	room    value.Room
}

// judged is what came of a token at a time. The general way does not verify it again.
type judged struct {
	at       time.Time
	set      *token.Set
	resource *policy.Resource
	raw      string
	claims   token.Claims
	err      error
}

// Clear forgets the last request.
func (d *Desk) Clear() {
	if d.used {
		*d = Desk{}
	}
}

// agrees verifies a token, and evaluates the resource's rule on its claims alone.
func (e *Engine) agrees(d *Desk, set *token.Set, r *policy.Resource, raw string, now time.Time) bool {
	d.used = true
	j := &d.judged
	j.at, j.set, j.resource, j.raw = now, set, r, raw
	if j.claims, j.err = e.tokens.Verify(set, raw, now, r.Auth.Accepts); j.err != nil {
		return false
	}
	if e.quick.resources[r.Index] == onToken {
		return true
	}
	d.members[0] = value.Member{Key: rules.RootAuth, Value: j.claims.Value}
	d.input = rules.Input{
		Args: d.room.Obj(d.members[:]), Verified: true, Token: raw, Now: now,
		MaxCalls: e.policy.Limits.Calls, MaxSteps: e.policy.Limits.Steps, TokenPlaces: e.tokenPlaces,
	}
	v := r.Rule.Eval(&d.input, nil)
	if v.Outcome != rules.Yes || v.Response != nil {
		return false
	}
	if m := j.claims.Memo; m != nil && !e.noMemo {
		m.Keep(r.Rule.Question(), v.Response)
	}
	return true
}

// Take makes Headers use what the quick way has found out about the request.
func (r *Request) Take(d *Desk) { r.judged = &d.judged }

// verify verifies the request's token, unless the quick way has done so for this very
// request: the text of another one's token may be in memory that is this one's by now.
func (r *Request) verify(raw string, now time.Time) (token.Claims, error) {
	set, j := r.engine.keys.Set(), r.judged
	if r.judged = nil; j != nil && j.set == set && j.resource == r.resource && j.raw == raw && now.Equal(j.at) {
		return j.claims, j.err
	}
	return r.engine.tokens.Verify(set, raw, now, r.resource.Auth.Accepts)
}

// find finds the resource as a Request does.
func (e *Engine) find(h *plainHead) *policy.Resource {
	m, err := e.policy.FindUnbound(h.method, h.authority, h.path)
	if err != nil || m.HasTypes() {
		return nil
	}
	return m.Resource
}

// plainHead is the content of headers that every server reads alike.
type plainHead struct {
	method     string
	authority  string
	host       string // of the authority, without the port
	path       string // without the query
	credential string // of the header of tokens
	seen       parts
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

// read reads headers. It reports false for those of which it does not know that every
// server reads them alike, or that have a part in deciding how. It is one function,
// because what costs here is each further one that the processor has not at hand.
func (h *plainHead) read(headers [][2]string, source string) bool {
	target := ""
	for i := range headers {
		name, value := headers[i][0], headers[i][1]
		var part parts
		switch {
		case name == source:
			part, h.credential = credentialPart, value
		case name == "":
			return false
		case name[0] != ':':
			if !isPlain(name) || hasPart(name) {
				return false
			}
			if name != "content-length" {
				continue
			}
			if _, err := parseLength(value); err != nil {
				return false
			}
			part = lengthPart
		case name == ":path":
			part, target = targetPart, value
		case name == ":method":
			part, h.method = methodPart, value
		case name == ":scheme":
			part = schemePart
		case name == ":authority":
			part, h.authority = hostPart, value
		default:
			return false
		}
		if h.seen&part != 0 {
			return false
		}
		h.seen |= part
	}
	end := len(target)
	for i := range len(target) {
		switch target[i] {
		case '#':
			return false
		case '?':
			end = min(end, i)
		}
	}
	h.path = target[:end]
	if end < len(target) && namesMethod(target[end+1:], h.method) {
		return false
	}
	return h.method != "" && target != "" && h.readHost()
}

// readHost cuts the port off. It reports false for a host that is not a name in lower
// case, without a point at its end.
func (h *plainHead) readHost() bool {
	label, end := 0, len(h.authority)
	for i := range len(h.authority) {
		b := h.authority[i]
		switch {
		case end < i:
			if b < '0' || b > '9' {
				return false
			}
		case b == ':':
			end = i
		case b == '.' && label > 0:
			label = 0
		case b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-' || b == '_' || b == '~':
			label++
		default:
			return false
		}
	}
	h.host = h.authority[:end]
	return label > 0
}

// hasPart reports whether a field, but for content-length, has a part in how the
// request is decided.
func hasPart(name string) bool {
	switch name {
	case "host", "connection", "upgrade", "transfer-encoding", "x-http-method-override", "x-http-method", "x-method-override":
		return true
	}
	return false
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
