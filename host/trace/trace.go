package trace

import "github.com/rulegate/rulegate/rules/decide"

// Version is the version of the JSON of a Trace. Members may be added to it without
// a new one.
const Version = 1

// Trace is the decision of a policy about a request and its response, with the reasons.
type Trace struct {
	Version  int           `json:"version"`            // of this format: 1
	Policy   string        `json:"policy,omitempty"`   // the file
	Time     string        `json:"time"`               // of the request
	Request  Message       `json:"request"`            // as it came
	Decision Decision      `json:"decision"`           // of the request, or of the response if that was given
	Route    *Route        `json:"route,omitempty"`    // nothing: the request could not be read
	Token    *Token        `json:"token,omitempty"`    // nothing: no resource covers the request
	Rule     []*Evaluation `json:"rule,omitempty"`     // one; of a create with op all one for each of the first documents, and for the last
	Upstream *Message      `json:"upstream,omitempty"` // the request as the upstream gets it; nothing: it gets none
	Changes  []Change      `json:"changes,omitempty"`  // in what upstream differs from request
	Response *Response     `json:"response,omitempty"` // nothing: the upstream's response was not given
}

// Decision is the decision about a request, or about its response.
type Decision struct {
	Outcome   decide.Outcome `json:"outcome"`          // as in the metric rulegate_decisions_total
	Status    int            `json:"status,omitempty"` // that the client gets; nothing: that of the upstream
	Place     string         `json:"place,omitempty"`  // of the clause that denied
	Name      string         `json:"name,omitempty"`   // of that clause, or of the nearest around it
	File      string         `json:"file,omitempty"`   // of the policy
	Line      int            `json:"line,omitempty"`   // in that file, from 1
	Column    int            `json:"column,omitempty"`
	Reason    string         `json:"reason,omitempty"`    // for the operator
	Error     string         `json:"error,omitempty"`     // for the client
	Challenge string         `json:"challenge,omitempty"` // WWW-Authenticate of a 401
	Of        string         `json:"of"`                  // request or response
}

// Message is a request or a response.
type Message struct {
	Method  string   `json:"method,omitempty"`
	Target  string   `json:"target,omitempty"` // path and query
	Host    string   `json:"host,omitempty"`
	Scheme  string   `json:"scheme,omitempty"`
	IP      string   `json:"ip,omitempty"` // of the client
	Peer    *Value   `json:"peer,omitempty"`
	Status  int      `json:"status,omitempty"`
	Headers []Header `json:"headers,omitempty"`
	JSON    *Value   `json:"json,omitempty"` // the body, if it is JSON
	Body    string   `json:"body,omitempty"` // the body, if it is not
	Cut     bool     `json:"cut,omitempty"`  // body is longer
}

// Route says which part of the policy decided, and why that one.
type Route struct {
	Name    string  `json:"name,omitempty"` // nothing: none covers the request
	Kind    string  `json:"kind,omitempty"` // route, service, database or file
	Place   string  `json:"place,omitempty"`
	File    string  `json:"file,omitempty"` // of the policy
	Line    int     `json:"line,omitempty"` // in that file, from 1
	Column  int     `json:"column,omitempty"`
	Pattern string  `json:"pattern,omitempty"` // of a route: methods, host and path
	Vars    *Value  `json:"vars,omitempty"`    // captured from the path
	Auth    string  `json:"auth,omitempty"`    // required, optional or none, and the providers
	Section string  `json:"section,omitempty"` // of the API, which decides on the path before any route
	Others  []Other `json:"others,omitempty"`  // routes that were not chosen: those that fit in part
	Unlike  int     `json:"unlike,omitempty"`  // the number of routes whose paths do not fit
}

// Other is a route that was not chosen.
type Other struct {
	Name    string `json:"name"`
	Place   string `json:"place"`
	Pattern string `json:"pattern"`
	Reason  string `json:"reason"`
}

// Token is the verification of the token, stage by stage.
type Token struct {
	Read      bool     `json:"read"`                // the resource reads a token
	Simulated bool     `json:"simulated,omitempty"` // a token of given claims: its key is not the policy's
	Verified  bool     `json:"verified"`
	Claims    *Value   `json:"claims,omitempty"` // of a verified token or API key
	Sources   []Source `json:"sources,omitempty"`
	Stages    []Stage  `json:"stages,omitempty"`
	Entries   []Entry  `json:"entries,omitempty"` // of auth.tokens, with keys of tokens
	Calls     []Call   `json:"calls,omitempty"`   // to the issuers of opaque tokens, of kind introspect
	Reason    string   `json:"reason,omitempty"`  // why the token was refused
}

// Source is a place of tokens, one of auth.from.
type Source struct {
	Place  string `json:"place"` // such as `header authorization`
	Found  bool   `json:"found"`
	Reason string `json:"reason,omitempty"` // why what is there cannot be read
}

// Stage is a stage of the verification.
type Stage struct {
	Name   string `json:"name"`   // parse, key, signature, claims, time, audience, issuer, provider
	Result string `json:"result"` // ok, refused or not reached
	Reason string `json:"reason,omitempty"`
}

// Entry is an entry of auth.tokens, and its answer.
type Entry struct {
	Provider string   `json:"provider,omitempty"`
	Algs     []string `json:"algs,omitempty"`
	Fetched  bool     `json:"fetched,omitempty"` // its keys are fetched
	Accepted bool     `json:"accepted"`
	Stage    string   `json:"stage,omitempty"` // that refused
	Reason   string   `json:"reason,omitempty"`
}

// Response is the decision about the response.
type Response struct {
	Upstream Message       `json:"upstream"`          // as it came
	Rule     []*Evaluation `json:"rule,omitempty"`    // on the response; nothing: there is none, or it was not asked
	Client   Message       `json:"client"`            // what the client got
	Changes  []Change      `json:"changes,omitempty"` // in what client differs from upstream
}
