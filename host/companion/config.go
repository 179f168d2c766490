package companion

import (
	"log/slog"
	"time"

	"github.com/rulegate/rulegate/host/companion/webhook"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/wire"
	"go.opentelemetry.io/otel/trace"
)

// Config says which module is served and which targets may be called. The zero Config
// allows none.
type Config struct {
	Project   string    // of the module that is served; "" for a policy without a project
	Version   string    // of the policy, for /readyz and the metrics
	Keys      wire.Keys // shared with the module
	Databases []Source
	// Tokens are the keys of the policy. Their primary signs the tokens of webhooks.
	Tokens *token.Set
	// Webhooks are the hosts that may be called: `host`, which allows every port, or
	// `host:port`. A loopback, link-local or metadata address is called only when
	// it is named itself (`localhost` names the loopback addresses), never because a
	// name resolves to it.
	Webhooks    []string
	WebhookPool Pool       // of each host
	WebhookTLS  WebhookTLS // of issuers too
	Issuers     []Issuer
	Limits      Limits
	Log         *slog.Logger // nil: slog.Default()
	Metrics     *Metrics     // nil: metrics that are not served
	Tracer      trace.Tracer // nil: no spans
	Decisions   *Decisions   // nil: no decision log

	admission *admission // nil: a new one; a Service passes it on at a reload
}

// Pool bounds the calls to a target. Zero stands for the Limits.
type Pool struct {
	Size  int // calls that run at once; a database gets as many connections
	Queue int // calls that wait for a slot
}

func (p Pool) withDefaults(l Limits) (size, queue int) {
	return or(p.Size, l.Concurrency), or(p.Queue, l.Queue)
}

// Issuer answers for the opaque tokens that it has issued (RFC 7662). Its host may be
// called for that, under the same conditions as Webhooks.
type Issuer struct {
	URL              string
	ClientID, Secret string // of the client that asks; the module names it by URL and ClientID
}

// WebhookTLS holds PEM texts; "" means the default.
type WebhookTLS = webhook.TLS

// Source is a database.
type Source struct {
	Name string // the rules' `db`
	Type string // embedded (a SQLite file), sql-postgres, sql-mysql (MariaDB too), mongo
	Conn string // a path; a URL or key=value string; user:password@tcp(host:port)/database; mongodb://host/database
	// Collections are the tables that may be queried; "*" allows all.
	Collections []string
	Pool        Pool
}

// Limits bound the work and memory of requests. Zero stands for the default.
type Limits struct {
	Request     int64         // bytes of a request's body; 8 MiB
	Calls       int           // in one request; 64
	Depth       int           // of JSON in a request; 128
	Rows        int           // of a query, even if it asks for more; 1000
	Bytes       int           // of a query's rows or a webhook's body; 1 MiB
	Reply       int           // bytes of all rows and bodies of a reply; 8 MiB
	Timeout     time.Duration // of a call, even if the module allows more; 10 s
	Concurrency int           // calls that run at once on each target; 32
	Queue       int           // calls that wait for each target; 256
	Cache       int           // bytes of all cached answers; 32 MiB

	InFlight      int // requests that are served at once; 1024
	InFlightBytes int // bytes of their bodies and answers; 128 MiB
}

func (l Limits) withDefaults() Limits {
	l.Request = or(l.Request, 8<<20)
	l.Calls = or(l.Calls, 64)
	l.Depth = or(l.Depth, 128)
	l.Rows = or(l.Rows, 1000)
	l.Bytes = or(l.Bytes, 1<<20)
	l.Reply = or(l.Reply, 8<<20)
	l.Timeout = or(l.Timeout, 10*time.Second)
	l.Concurrency = or(l.Concurrency, 32)
	l.Queue = or(l.Queue, 256)
	l.Cache = or(l.Cache, 32<<20)
	l.InFlight = or(l.InFlight, 1024)
	l.InFlightBytes = or(l.InFlightBytes, 128<<20)
	return l
}

// or returns n, or the default if n is not set.
func or[T int | int64 | time.Duration](n, otherwise T) T {
	if n <= 0 {
		return otherwise
	}
	return n
}
