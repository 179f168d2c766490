package decide

import (
	"errors"
	"fmt"
	"time"

	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// phase is where a stream stands. Whatever is called out of turn is refused.
type phase uint8

const (
	over phase = iota // refused or forwarded
	wantKeys
	wantBody
	wantReplies
)

// Stream is one request on its way. One goroutine at a time may use it.
type Stream struct {
	gate     *Gate
	req      *Request // until the token is verified
	head     *head
	resource *policy.Resource
	vars     []value.Member
	phase    phase
	now      time.Time
	ended    bool // nothing follows the headers

	token    string // "" when none was read
	verified bool
	claims   value.Value
	stripped []string // names of the client's fields that were taken away

	args    value.Value      // as the rule finds it
	params  origin           // where args.params came from
	pairs   []httpfield.Pair // of the query, or of a form in the body
	body    value.Value      // a JSON body
	pending bool             // the body is not there yet, and the rule may read it
	docs    []value.Value    // create with op all: the documents

	ledger // of the request's rule
}

// origin is where args.params came from, and what is changed there goes back to.
type origin uint8

const (
	fromNowhere origin = iota
	fromBody           // the JSON body itself
	fromMember         // the body's member `params`
	fromForm
	fromQuery
	fromPath
)

// Begin decides what the headers decide. now is the time of the request, for
// the token and for utils.now().
func (g *Gate) Begin(req *Request, now time.Time) (*Stream, Step) {
	s := &Stream{gate: g, req: req, head: readHead(req.Headers), now: now, ended: req.EndStream}
	if s.head.badField != "" {
		return s, s.refuse(malformed(s.head.badField))
	}
	match, err := g.policy.Find(s.head.method, s.head.host, s.head.path)
	if err != nil {
		return s, s.refuse(notFound(err))
	}
	s.resource, s.vars = match.Resource, match.Vars
	return s, s.admit(now)
}

// Keys tries the token again with the keys that there are now.
func (s *Stream) Keys(now time.Time) Step {
	if s.phase != wantKeys {
		return s.refuse(undecided("keys out of turn"))
	}
	s.phase = over
	return s.admit(now)
}

// admit goes on from the token.
func (s *Stream) admit(now time.Time) Step {
	wait, r := s.authenticate(now)
	switch {
	case r != nil:
		return s.refuse(r)
	case wait:
		s.phase = wantKeys
		return Step{Action: AwaitKeys, Resource: s.resource, BodyNext: !s.ended && s.readsBody()}
	}
	req := s.req
	s.req = nil
	// After the token was read: a rule may set the very header that it came in.
	s.stripped = s.head.strip(s.resource)
	if r := s.prepare(req); r != nil {
		return s.refuse(r)
	}
	return s.decide()
}

// readsBody says whether the body may be asked for.
func (s *Stream) readsBody() bool {
	return s.resource.Kind == policy.Database || s.uses("params")
}

func notFound(err error) *Refusal {
	var bad *route.PathError
	if errors.As(err, &bad) {
		return malformed(err.Error())
	}
	return &Refusal{Status: 403, Outcome: "uncovered", Reason: err.Error()}
}

// authenticate reads and verifies the token as far as the resource wants one.
// wait says that its key may be there in a moment.
func (s *Stream) authenticate(now time.Time) (wait bool, r *Refusal) {
	auth := s.resource.Auth
	if !auth.Reads() {
		return false, nil
	}
	c := readCredential(s.head, s.gate.policy.Sources)
	switch {
	case c.fault != "":
		return false, unauthorized("token: " + c.fault)
	case !c.there && auth.Optional():
		return false, nil
	case !c.there:
		return false, unauthorized("no token")
	}
	if r := crossSite(s.head, c.jars); r != nil {
		return false, r
	}
	claims, err := s.gate.tokens.Verify(s.gate.keys.Set(), c.raw, now)
	if err != nil {
		return s.unverified(err, now)
	}
	if !auth.Accepts(claims.Provider) {
		return false, unauthorized(fmt.Sprintf("token: of provider %q, which the resource does not accept", claims.Provider))
	}
	s.token, s.verified, s.claims = c.raw, true, value.Checked(claims.JSON)
	return false, nil
}

// unverified is what becomes of a token that the keys at hand do not verify.
func (s *Stream) unverified(err error, now time.Time) (wait bool, r *Refusal) {
	var e *token.Error
	if !errors.As(err, &e) || e.Missing == nil {
		return false, unauthorized("token: " + err.Error())
	}
	switch s.gate.keys.Missing(e.Missing, e.Kid, s.now, now) {
	case jwks.Wait:
		return true, nil
	case jwks.Absent:
		return false, unauthorized("token: " + err.Error() + "; its issuer was asked")
	}
	return false, unavailable("token: its issuer's keys cannot be fetched")
}

// MaxBody is how many bytes Body takes.
func (s *Stream) MaxBody() int { return s.gate.policy.Limits.RequestBody }

// TooLarge refuses a body that has grown beyond MaxBody before its end.
func (s *Stream) TooLarge() Step {
	return s.refuse(tooLarge("body of more bytes than limits.requestBody"))
}

// Header is the first value of a header, whose name is in lower case.
func (s *Stream) Header(name string) string { return s.head.value(name) }

// Reserved lists the names among the pairs that only the policy may set for the
// resource, or that an upstream could take for one of them. Begin has looked at
// the headers; trailers are fields too (RFC 9110, section 6.5).
func Reserved(r *policy.Resource, pairs [][2]string) (names []string) {
	for _, t := range pairs {
		if reserved(r.Strip, t[0]) {
			names = appendNew(names, t[0])
		}
	}
	return names
}
