// Package decide takes one request its whole way: it finds what of the policy
// covers it, verifies its token, builds args, evaluates the rule and says what
// becomes of the request. It is pure: the caller brings the headers, the body
// and the replies to calls, and carries out the Step that it gets for each.
//
//	Begin ──► AwaitKeys ──► Keys ──┐
//	  │  ┌────────────────────────┘
//	  ├──┼──► AwaitBody ──► Body ──┐
//	  │  └──► AwaitReplies ─► Replies ──► Forward
//	  └───────────────┴────────────┴────► Refuse
//
// The zero Step refuses, and so does a call out of turn.
package decide

import (
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/jwks"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
)

// Request is what is known of a request when its headers are complete.
type Request struct {
	// Headers are all pairs in their order, pseudo-headers (RFC 9113, section
	// 8.3) among them.
	Headers [][2]string
	// EndStream says that neither body nor trailers follow.
	EndStream bool

	IP   string      // the client's address, without a port
	ID   string      // "": the x-request-id header
	Peer value.Value // the verified client certificate; Missing: none

	// Ask, where set, is called before a rule is evaluated that reads a root
	// ("request" for IP, "peer" for Peer), so that what costs the caller
	// something is fetched only then.
	Ask func(req *Request, root string)
}

// Action is what the caller does next.
type Action uint8

const (
	Refuse       Action = iota // answer with Refusal; nothing goes upstream
	AwaitKeys                  // hold the request, call Keys when there is news of keys, and now and then
	AwaitBody                  // hold the request, gather the whole body, call Body
	AwaitReplies               // hold the request, make Calls, call Replies
	Forward                    // apply Changes and let the request go
)

// Step is the answer to what the caller brought.
type Step struct {
	Action   Action
	Calls    []rules.Call
	Refusal  Refusal
	Changes  Changes
	Mask     *Mask            // Forward: what is to be done to the response; nil: nothing
	Resource *policy.Resource // nil: nothing covers the request
	// BodyNext, with AwaitKeys: AwaitBody may follow, so the body is to be
	// gathered meanwhile; else not a byte of it need come.
	BodyNext bool
}

// Refusal is the answer that the client gets instead of the upstream's.
type Refusal struct {
	Status  int
	Body    string // {"error": …}
	Headers [][2]string

	// Outcome sorts refusals for counters: no, unknown, error (a call failed),
	// token, invalid (the request cannot be read), uncovered, blocked (the
	// response cannot be rewritten).
	Outcome string
	Place   string // of the deciding clause, "" when no clause decided
	Reason  string // for the log: no claim value, but it may hold what a client sent, so quote it
}

// Changes are made to the request before it goes upstream: first the removals,
// then the settings.
type Changes struct {
	RemoveHeaders []string
	// SetHeaders replace whatever is there under their names; a name that is
	// listed n times becomes n lines.
	SetHeaders [][2]string
	Path       string  // with the query; "": unchanged
	Body       *string // nil: unchanged
}

// cachedTokens bounds the verified tokens that one policy remembers. Beside the
// 32 bytes of a hash each holds its claims, some 500 bytes as a rule.
const cachedTokens = 1024

// Keys are those that tokens are verified with, where they can change.
type Keys interface {
	Set() *token.Set
	// Missing says what becomes of a request of the time since whose token names
	// a key that one of the remote sets may have.
	Missing(sources []int, kid string, since, now time.Time) jwks.Answer
}

// Gate decides the requests of one policy. As many goroutines may use it as may
// use its Keys.
type Gate struct {
	policy *policy.Policy
	keys   Keys
	tokens *token.Cache
}

// New is a gate for a policy. Without keys they are those of the policy file.
func New(p *policy.Policy, keys Keys) *Gate {
	if keys == nil {
		keys = fixed{p.Tokens}
	}
	return &Gate{policy: p, keys: keys, tokens: token.NewCache(cachedTokens)}
}

// fixed are keys that do not change.
type fixed struct{ set *token.Set }

func (f fixed) Set() *token.Set { return f.set }

// Missing fails: nobody fetches anything.
func (fixed) Missing([]int, string, time.Time, time.Time) jwks.Answer { return jwks.Failed }
