// Package policy loads policy files: it checks a file against the model in
// package schema, compiles its rules, and builds the table that finds the
// resource of a request.
//
// It reads a value.Value, whatever format the file has, and is compiled into the
// module. Package host/policyfile reads YAML and knows lines and columns.
package policy

import (
	"slices"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy/args"
	"github.com/rulegate/rulegate/rules/policy/lint"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// Policy is a policy file that was loaded without a fault. It does not change,
// so any number of goroutines may use it. The zero Policy covers no request.
type Policy struct {
	// Version is the hash of the policy's document: see VersionOf.
	Version string
	Project string // "" for a policy without services, events, collections, queries and files
	Gateway string // `id` of service tokens; "": use the name of the machine

	Tokens       *token.Set
	JWKS         []jwks.Source // the fetched JWK sets of Tokens, by their index there
	Issuers      []Issuer      // those that are asked about opaque tokens, by the index of their entries in Tokens
	Sources      []Source      // the places of a token or an API key in a request, all of which are looked at
	ClaimHeaders []ClaimHeader // set on the request to the upstream, in the file's order
	Forward      bool          // the token stays in the request to the upstream
	Challenge    Challenge     // of a 401

	AESKey    []byte // nil: none
	Shared    []byte // secret from which the workers of a proxy derive the key of their shared data; nil: the policy has no secret
	Companion Companion
	Limits    Limits
	CORS      *CORS // of the resources that have none of their own; nil: none
	Databases []DB
	Webhooks  []string // hosts that webhooks may call: `host` or `host:port`, lower case
	// WebhookClient is zero in the module.
	WebhookClient WebhookClient

	// Sensitive are the paths whose values no trace and no log shows: keys from args
	// down. Empty in the module.
	Sensitive [][]string

	Log *Log // nil: no decision is logged
	// Shadow: decisions are made and not carried out. Each request passes as it came.
	Shadow bool
	// Candidate is decided beside this policy; nil: there is none.
	Candidate *CandidatePolicy

	// Calls reports whether some rule has a query or a webhook, or an entry of tokens
	// asks its issuer.
	Calls bool
	// Unset are the missing variables, sorted. Only Options.AllowUnset fills it;
	// such a Policy must not decide requests.
	Unset []string

	resources []*Resource
	reviewed  []lint.Resource // see Source; LoadReviewed sets none
	table     route.Table[Resource]
}

// Source is a place of a token in a request: one of Header, Cookie and Query is
// set.
type Source struct {
	// APIKeys: the header holds an API key, not a token.
	APIKeys bool
	Header  string // lower case
	Prefix  string // text before the token in the header
	Cookie  string
	Query   string
	// Origins are the origins whose pages may send the cookie's token with
	// requests that change something. Nil: no origin may.
	Origins []string
}

// Issuer is asked about opaque tokens (RFC 7662).
type Issuer struct {
	URL      string
	ClientID string
	Secret   string // "" in the module
}

// Challenge are parameters of WWW-Authenticate, which tell a client where to get
// a token. Each can stand between quotes as it is; "": left out.
type Challenge struct {
	Realm, Scope     string // RFC 6750, section 3
	ResourceMetadata string // a URL: RFC 9728, section 5.1
}

// ClaimHeader is a header that is set to the value of a claim.
type ClaimHeader struct {
	Header string   // lower case
	Path   []string // keys, from the claims down
}

// Companion says how to reach the companion.
type Companion struct {
	Cluster string        // the proxy's name for it
	Timeout time.Duration // for its reply; more than 0
	// Secrets are the secrets from which module and companion derive their keys
	// (wire.DeriveKeys): the first signs, all verify. By default it is the
	// secret of the primary token key, where that is an HS key.
	Secrets []string
}

// BodyCost is the memory that a body takes while a rule works with it, in lengths
// of the body: the host's bytes, the module's text, and a text made of it for a
// call or a change.
const BodyCost = 3

// Limits bound a request; Memory bounds all requests of a VM together.
type Limits struct {
	RequestBody  int // bytes
	ResponseBody int // bytes
	Depth        int // nesting of arrays and objects, in bodies and in claims
	Calls        int // queries and webhooks for one request
	Fields       int // of a form, and of a query that a rule reads
	Steps        int // of one evaluation, see rules.DefaultSteps
	Memory       int // bytes that the bodies of one VM may take, each BodyCost times
	// BodyTimeout is the time for a whole body, counted from its headers; more
	// than 0.
	BodyTimeout time.Duration
	// Idle is how long a request that was let through may be silent; more than 0.
	Idle time.Duration
}

// WebhookClient says how the companion calls webhooks.
type WebhookClient struct {
	CA, Cert, Key string // PEM; "": none
	Pool          Pool   // for each host
}

// Pool bounds the companion's concurrent calls to a target. 0 means the default.
type Pool struct{ Size, Queue int }

// DB is a database of the policy.
type DB struct {
	Name string
	Type string // mongo, sql-postgres, sql-mysql or embedded
	Conn string // "" in the module
	Pool Pool
	// Queried are the tables or collections that query rules read, sorted. The
	// companion reads no others.
	Queried []string
}

// ShadowedResources returns the number of resources that are in shadow. A policy in
// shadow without a resource counts as one.
func (p *Policy) ShadowedResources() (n int) {
	if p.Shadow {
		return max(1, len(p.resources))
	}
	for _, r := range p.resources {
		if r.Shadow {
			n++
		}
	}
	return n
}

// Resources lists the resources of the policy, in the file's order.
func (p *Policy) Resources() []*Resource { return p.resources }

// Kind is the section of the file that a resource comes from.
type Kind uint8

const (
	Route Kind = iota + 1
	Service
	Database
	File
	Query
	Event
)

// Resource is a part of an API with one rule: a route, an endpoint of a service, an
// operation on a collection or on files, a prepared query, or a type of events.
type Resource struct {
	Kind Kind
	// Index is the resource's in Policy.Resources. An event whose type is not known yet
	// has the number of those.
	Index int
	// Name is for logs and metrics: a route's name, `services.s.e`,
	// `databases.db.col.op`, `files[/users/:id].op`, `databases.db.queries.name`, or
	// `events.type`; `events` for an event whose type is not known yet.
	Name string
	// Place is the place of the rule in the file.
	Place string
	Auth  Auth
	Rule  *rules.Rule // nil for an event whose type is not known yet
	// Response decides about the upstream's response; nil: the resource has no
	// such rule.
	Response *rules.Rule
	CORS     *CORS         // nil: none
	Idle     time.Duration // 0: Limits.Idle
	Shadow   bool          // as Policy.Shadow, for this resource
	// Reserved are the headers that only the policy sets, folded by
	// httpfield.Fold. A client's headers of these names, and of their twins, are
	// removed.
	Reserved []string
	// Request, Headers, Query and Params are the names below args.request,
	// args.request.headers, args.request.query and args.params that the rules read
	// or change.
	Request, Headers, Query, Params Names
	// Uses are the roots of args that the rules read or change, but for those of the
	// parts of an operation.
	Uses Uses
	// Op is create, read, update, delete or aggr for a Database; create, read
	// or delete for a File; else "".
	Op string
}

// Uses are roots of args that the rules of a resource read or change.
type Uses struct{ Auth, Token, Peer, Request, Params bool }

// Names are keys of an object in args.
type Names struct {
	List []string
	All  bool // others may be read too, which the rule does not name
}

// Has reports whether a rule may read or change the name.
func (n *Names) Has(name string) bool { return n.All || slices.Contains(n.List, name) }

// argsOf are the kinds of resources in the description of args.
var argsOf = map[Kind]args.Resource{Route: args.Route, Service: args.Service, Database: args.Database, File: args.File, Query: args.Query, Event: args.Event}

// Match is the resource that decides a request.
type Match = route.Match[Resource]

// Candidate is a route, and whether it fits a request.
type Candidate = route.Candidate[Resource]

// Candidates lists the routes and how each fits a request: see
// route.Table.Candidates.
func (p *Policy) Candidates(method, host, rawPath string) (all []Candidate, section string, err error) {
	return p.table.Candidates(method, host, rawPath)
}

// Find returns the resource that decides a request: see route.Table.Find.
func (p *Policy) Find(method, host, rawPath string) (Match, error) {
	return p.table.Find(method, host, rawPath)
}

// FindIn is Find with memory for Match.Vars.
func (p *Policy) FindIn(vars []value.Member, method, host, rawPath string) (Match, error) {
	return p.table.FindIn(vars, method, host, rawPath)
}

// Covering is the route that covers a request.
type Covering = route.Route[Resource]

// FindPlain is route.Table.FindPlain.
func (p *Policy) FindPlain(method, host, path string) *Covering {
	return p.table.FindPlain(method, host, path)
}

// Patterns lists the requests that the entries of the policy stand for: see
// route.Table.Patterns.
func (p *Policy) Patterns() []route.Pattern { return p.table.Patterns() }

// Waits reports whether the module may hold a request or a response, until something
// else comes than its headers: keys, a body, or replies to calls.
func (p *Policy) Waits() bool {
	return p.Calls || len(p.JWKS) > 0 || slices.ContainsFunc(p.resources, func(r *Resource) bool {
		return r.Kind == Database || r.Kind == Event || r.Rule.Uses(rules.RootParams) || r.Rule.HasResponse() || r.Response != nil
	})
}

// KeepsSlashes reports whether some route takes encoded slashes. Then a proxy must
// leave them to the module, which refuses them on the other routes.
func (p *Policy) KeepsSlashes() bool { return p.table.KeepsSlashes() }

// Entries returns the routes in the order of precedence: see route.Table.Entries.
func (p *Policy) Entries() []route.Entry[Resource] { return p.table.Entries() }

// Serving returns the resource whose settings for the proxy hold for a request, also
// for one that is denied; nil for those of the policy.
func (p *Policy) Serving(method, host, rawPath string) *Resource {
	return p.table.Covering(method, host, rawPath)
}
