// Package policy is the policy file: its model, what is wrong with one, and
// which of its entries decides a request.
//
// It reads a rules.Value, whatever the file was written in, and it compiles
// into the module; host/policyfile reads YAML and knows lines and columns.
package policy

import (
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/token"
)

// Policy is a policy file that was loaded without a fault. It does not change,
// so any number of goroutines may use it. The zero Policy covers nothing.
type Policy struct {
	Project   string // "" where no services, collections or files are guarded
	Gateway   string // `id` of service tokens; "": the host's own name
	APIPrefix string // `/v1/api`; "" for the root

	Tokens       *token.Set
	Remotes      []jwks.Source // of Tokens' remote sets, in their order
	Sources      []Source      // where a token may be, in the order of looking
	ClaimHeaders []ClaimHeader // set on what goes upstream, in the file's order
	Forward      bool          // the token goes upstream

	AESKey    []byte // nil: none
	Shared    []byte // what the key of the VMs' shared data is derived from; nil: the policy has no secret
	Companion Companion
	Limits    Limits
	Databases []DB
	Webhooks  []string // hosts the companion may call: `host` or `host:port`, lower case
	Hooks     Hooks

	// Calls says that some rule has a query or a webhook.
	Calls bool
	// Unset are the variables that were missing, sorted; with
	// Options.AllowUnset alone, and such a Policy decides no requests.
	Unset []string

	resources []*Resource
	table     route.Table[Resource]
}

// Source is a place that a token may be taken from: one of Header, Cookie and
// Query is set.
type Source struct {
	Header string // lower case
	Prefix string // of the header's value; "Bearer " for authorization, where the file says nothing
	Cookie string
	Query  string
	// Origins are whose pages may send the cookie's token with requests that
	// change something; nil: nobody's.
	Origins []string
}

// ClaimHeader is a header that is set to a claim's value.
type ClaimHeader struct {
	Header string   // lower case
	Path   []string // keys, from the claims down
}

// Companion is where calls go.
type Companion struct {
	Cluster string
	Timeout time.Duration
	// Secrets are what the keys of both sides are derived from (wire.DeriveKeys):
	// the first signs, all verify. Where the file has none it is the primary
	// key's secret, where that is one of HS.
	Secrets []string
}

// Limits bound a request.
type Limits struct {
	RequestBody  int // bytes
	ResponseBody int // bytes
	Depth        int // arrays and objects inside each other, of a body and of claims
	Calls        int // queries and webhooks for one request
	// BodyTimeout is how long the whole of a body is waited for, once its headers
	// are there; more than 0.
	BodyTimeout time.Duration
}

// Hooks is how the companion calls them; zero in the module.
type Hooks struct {
	CA, Cert, Key string // PEM, "" for none
	Pool          Pool
}

// Pool bounds what the companion does at a target at once. Zero: its default.
type Pool struct{ Size, Queue int }

// DB is one of the policy's databases.
type DB struct {
	Name string
	Type string // mongo, sql-postgres, sql-mysql or embedded
	Conn string // "" in the module
	Pool Pool
	// Queried are the tables or collections that query rules read, sorted: all
	// that the companion has to read.
	Queried []string
}

// Resources lists what rules guard, in the file's order.
func (p *Policy) Resources() []*Resource { return p.resources }

// Kind is the section of the file that a resource is from.
type Kind uint8

const (
	Route Kind = iota + 1
	Service
	Database
	File
)

// Resource is what one rule guards.
type Resource struct {
	Kind Kind
	// Name is for logs and metrics: a route's name, `services.s.e`,
	// `databases.db.col.op` or `files[/users/:id].op`.
	Name string
	// Place is where the rule stands in the file.
	Place string
	Auth  Auth
	Rule  *rules.Rule
	// Response decides about the upstream's response; nil: no rule does.
	Response *rules.Rule
	// Strip are the headers that only the policy may set, in lower case and
	// with `_` written as `-`: a client's own are taken away.
	Strip []string
	// Op is create, read, update, delete or aggr for a Database; create, read
	// or delete for a File; else "".
	Op string
}

// Match is the resource that decides a request.
type Match = route.Match[Resource]

// Find returns the resource that decides a request: see route.Table.Find.
func (p *Policy) Find(method, host, rawPath string) (Match, error) {
	return p.table.Find(method, host, rawPath)
}
