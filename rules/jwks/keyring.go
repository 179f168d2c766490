// Package jwks keeps the JWK sets that a policy has from URLs. It decides when
// to fetch a set, checks the reply, and decides about a token whose key is
// missing. It is pure: the caller passes the time and makes the fetches. All
// workers with the same policy share their fetches through a Store.
//
//	Tick ──► Fetch ──► Done ──► Set
//	  ▲                  │
//	  └── Missing: Wait  └──► Store ──► Tick of another worker
//
// A set is fetched when there is none, before its lifetime ends, and when a
// token names a key that it does not have. While the issuer does not answer,
// the last set stays in use, up to Source.MaxStale after its lifetime. A reply
// that is not a usable set never replaces a set.
package jwks

import (
	"io"
	"time"

	"github.com/rulegate/rulegate/rules/token"
)

const (
	// Timeout is how long a fetch may take.
	Timeout = 5 * time.Second
	// Interval is the least time between two fetches that tokens with unknown
	// keys cause. For the same time a keyring remembers that a set does not have
	// a key.
	Interval = 5 * time.Second
	// MaxWait is how long a request waits for keys.
	MaxWait = 10 * time.Second

	// leaseGrace is how long a fetch keeps other workers from fetching the set, beyond
	// the time that it may take.
	leaseGrace = 2 * time.Second
	// minLife and maxLife bound the lifetime that an issuer gives its set.
	minLife, maxLife = 30 * time.Second, 24 * time.Hour
	// firstRetry is the pause after a failure. It doubles with each further
	// failure, up to maxRetry.
	firstRetry, maxRetry = time.Second, time.Minute
	// maxAbsent bounds the kids that a keyring remembers as absent.
	maxAbsent = 1000
)

// Source is an entry of the policy whose JWK set is fetched.
type Source struct {
	URL      string        // of the set; with an Issuer, of the metadata that name the set
	Alg      string        // the only algorithm that the keys may be used with; "": each key's own
	Cluster  string        // the proxy's name for the server
	Refresh  time.Duration // the lifetime of a set whose issuer gives none (Cache-Control, RFC 9111)
	MaxStale time.Duration // how long a set stays in use after its lifetime

	// Issuer is the name of an issuer whose metadata name the set (OpenID Connect
	// Discovery 1.0); "": URL is the set's own. The set has to be at KeysHost.
	Issuer                string
	KeysHost, KeysCluster string
}

// Fetch is a request that the caller makes: GET URL, with Timeout. The caller passes
// its reply, or its failure, to Done.
type Fetch struct {
	Index   int // of the Source
	URL     string
	Cluster string // the proxy's name for the server

	started  int64  // record.lastStart that this fetch wrote
	owner    uint64 // record.owner that this fetch wrote
	metadata bool   // of an issuer, which name the set
}

// Result is the outcome of a fetch, or of reading the Store.
type Result string

// The results. They are part of metric names.
const (
	Fetched Result = "ok"      // a new set came
	Same    Result = "same"    // the set has not changed
	Failed  Result = "failed"  // no reply, or a status other than 200
	Refused Result = "refused" // the reply, or a record in the Store, is not a usable set
	Dropped Result = "dropped" // the set is older than its lifetime and MaxStale
	Shared  Result = "shared"  // a set that another worker has fetched came from the Store
)

// Event is a result for the log and for metrics.
type Event struct {
	Index  int // of the Source
	Result Result
	Text   string // for the log; "" when there is nothing to log
	Bad    bool   // log Text as a warning
}

// Keyring holds the sets of one policy in one worker. It is not safe for
// concurrent use.
type Keyring struct {
	set        *token.Set
	sources    []source
	store      Store
	hints      Store  // of workers without a common secret, see hint; nil: there is one
	seen       *Seen  // nil: nothing is noted
	key        []byte // authenticates the records in the store
	random     io.Reader
	generation uint64
}

// source is the state of one Source in this worker. Times are in microseconds
// since 1970; 0 is never.
type source struct {
	Source
	name          string           // of its records in the store
	last          record           // as it was last read from the store, or written to it
	text          string           // of the set in use; "": there is none
	setStart      int64            // record.setStart of the set in use, or of the last one that was
	expires       int64            // end of that set's lifetime
	badStart      int64            // record.setStart of the last shared set that was refused
	ownStart      int64            // when this keyring last started a fetch
	unknownKey    int64            // when the last request arrived that named a key unknown to the set
	number        string           // that this keyring asks its neighbours with; "": it shares nothing
	askedAt       int64            // when it found a set that it asks about
	word          int64            // a neighbour's: the start of the fetch of its set
	answered      string           // the numbers that were answered last, with
	answeredStart int64            // this start
	hintedSince   int64            // since when hints delay a fetch that is due
	absent        map[string]int64 // kids that the set does not have, with the time they were looked up
}

// New returns a keyring for a policy's set. The secret is one of the policy's;
// the key that authenticates the records in the store is derived from it. With
// an empty secret, or without a store, nothing is shared. It reads random for
// jitter and for the owners of leases. Seen holds the sets of earlier keyrings of this
// VM, and may be nil.
func New(set *token.Set, sources []Source, secret []byte, store Store, seen *Seen, random io.Reader) *Keyring {
	k := &Keyring{set: set, store: store, seen: seen, random: random}
	shares := len(secret) > 0 && store != nil
	if !shares {
		k.store, k.hints, secret = &memory{}, store, []byte("a store in the memory of one worker")
	}
	k.key = deriveKey(secret)
	for _, s := range sources {
		k.sources = append(k.sources, source{Source: s, name: k.nameOf(s)})
	}
	for i := range k.sources {
		s := &k.sources[i]
		if shares {
			s.number = k.newNumber()
		}
		k.recall(i)
		if _, _, ok := k.store.Get(s.name); !ok {
			// Without a record there is no version for the first Put to compare.
			k.save(s, record{}, 0)
		}
	}
	return k
}

// Set returns the policy's set with the keys that were fetched.
func (k *Keyring) Set() *token.Set { return k.set }

// Fetched returns, for each Source, when its set in use was fetched; zero: there is none.
func (k *Keyring) Fetched() []time.Time {
	out := make([]time.Time, len(k.sources))
	for i := range k.sources {
		if s := &k.sources[i]; s.text != "" {
			out[i] = time.UnixMicro(s.setStart)
		}
	}
	return out
}

// Generation returns a number that grows when a set is replaced or dropped and
// when a fetch ends. A request that waits for keys should then be tried again.
func (k *Keyring) Generation() uint64 { return k.generation }
