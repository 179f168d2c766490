package comparison

import (
	"fmt"
	"strings"
)

// Request is a request to all forms of a policy.
type Request struct {
	Name    string
	Request string         // METHOD PATH
	As      map[string]any // the claims; iss and exp are added
	Since   int            // seconds since the login, for the claim auth_time; 0: the claim is not added
	Token   string         `yaml:"-"` // how the token is sent, if not as usual
	Headers map[string]string
	Twin    []string // a header more, which may be there already
	JSON    string   `yaml:"json"` // the body
	Type    string   // its type, if it is not application/json
	Pad     int      // the number of characters that … stands for in the body
	Times   int      // the request is sent so often, and the last is looked at; 0 is 1

	Answer     string // of the upstream
	AnswerType string `yaml:"answerType"`
	Gzip       bool   // the answer is sent so

	// Pass is whether it has to pass. A request that must not may do so with the content
	// below, if there is one.
	Pass           bool
	Upstream       string            // the body at the upstream, as JSON
	UpstreamHeader map[string]string `yaml:"upstreamHeader"`
	Client         string            // the answer's body at the client, as JSON
	Secret         string            // what must not be in it
}

// Body is the body with its padding.
func (r *Request) Body() string { return r.padded(r.JSON) }

func (r *Request) padded(text string) string {
	return strings.ReplaceAll(text, "…", strings.Repeat("x", r.Pad))
}

// What the token of a request is.
const (
	NoToken         = "none"
	ForgedToken     = "forged"
	ExpiredToken    = "expired"
	UnsignedToken   = "unsigned"
	ForeignToken    = "foreign"
	GoodThenForged  = "good, forged"
	ForgedThenGood  = "forged, good"
	GoodThenAnother = "good, another"
)

var tokenKinds = [][2]string{
	{NoToken, "no token"}, {ForgedToken, "a token of another key"}, {ExpiredToken, "an expired token"},
	{UnsignedToken, "a token with alg none"}, {ForeignToken, "a token of another issuer"},
	{GoodThenForged, "a valid token, and one of another key"}, {ForgedThenGood, "one of another key, and a valid token"},
	{GoodThenAnother, "valid tokens of two users"},
}

// Sent returns the requests of a policy, and those that each policy with tokens gets: the
// first one with other tokens. None of these may pass.
func (p *Policy) Sent() ([]Request, error) {
	if len(p.Requests) == 0 || !p.Requests[0].Pass {
		return nil, fmt.Errorf("%s: the first request has to pass", p.Name)
	}
	out := append([]Request{}, p.Requests...)
	if p.Tokens() {
		for _, kind := range tokenKinds {
			r := p.Requests[0]
			r.Token, r.Name, r.Pass, r.Times = kind[0], kind[1], false, 1
			r.Upstream, r.Client = "", ""
			out = append(out, r)
		}
	}
	return out, nil
}
