// Package jwks keeps the JWK sets that a policy has from URLs: it says when
// one is to be fetched, judges what comes, and decides what becomes of a token
// whose key is not there. It is pure: the caller brings the time, makes the
// fetches, and lends a Store in which all who use the same policy share what one
// of them has fetched.
//
//	Tick ──► Fetch ──► Done ──► Set
//	  ▲                  │
//	  └── Missing: Wait  └──► Store ──► Tick of another
//
// A set is fetched when there is none, before its life ends, and when a token
// names a key that it does not have. While the issuer is away the last set
// serves on, up to Source.MaxStale beyond its life. What cannot be a set never
// replaces one.
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
	// keys cause, however many there are; so long it is remembered, too, that a
	// set has not got a key.
	Interval = 5 * time.Second
	// MaxWait is how long a request waits for keys.
	MaxWait = 10 * time.Second

	// lease is how long a fetch keeps others from fetching the same.
	lease = Timeout + 2*time.Second
	// A set's life as its issuer states it counts within these bounds.
	minLife, maxLife = 30 * time.Second, 24 * time.Hour
	// After failures the next fetch is this far, doubled each time up to the
	// maximum.
	firstRetry, maxRetry = time.Second, time.Minute
	// maxAbsent bounds the kids that are remembered as absent.
	maxAbsent = 1000
)

// Source is where a set comes from.
type Source struct {
	URL      string
	Alg      string        // the one algorithm that its keys may be used with; "": theirs
	Cluster  string        // the proxy's name for the server
	Refresh  time.Duration // a set's life where its issuer states none (Cache-Control, RFC 9111)
	MaxStale time.Duration // how long after its life a set serves while no other comes
}

// Fetch is a request to be made: GET Source.URL, with Timeout. Whatever becomes
// of it is told to Done.
type Fetch struct {
	Index   int // of the Source
	Source  Source
	started int64
	owner   uint64
}

// Event is for the log and for counters.
type Event struct {
	Index  int
	Result string // ok, same, failed, refused, dropped, shared
	Text   string // for the log, "" when there is nothing to say
	Bad    bool
}

// Keyring holds the sets of one policy in one VM. It is not safe for concurrent
// use.
type Keyring struct {
	set     *token.Set
	sources []source
	store   Store
	key     []byte // of the MACs
	random  io.Reader
	changes uint64
}

// source is what is known here of one Source.
type source struct {
	Source
	name    string // of its records in the store
	last    state  // as it was read last
	text    string // the set's; "": there is none
	took    int64  // state.good of the set that is in use, or was in use last
	refused int64  // state.good of the last record that was no usable set
	began   int64  // when the last fetch of this keyring's own began, whatever the store says
	expires int64  // the end of its life
	wanted  int64  // when the last token came that lacks a key of it
	absent  map[string]int64
}

// New makes a keyring for a policy's set. secret is the policy's own, from which
// the key is derived that authenticates what is in the store; with an empty one,
// or without a store, nothing is shared. random is for jitter.
func New(set *token.Set, sources []Source, secret []byte, store Store, random io.Reader) *Keyring {
	k := &Keyring{set: set, store: store, random: random}
	if len(secret) == 0 || store == nil {
		k.store, secret = &memory{}, []byte("this memory is nobody else's")
	}
	k.key = derive(secret)
	for _, s := range sources {
		k.sources = append(k.sources, source{Source: s, name: k.nameOf(s)})
	}
	for i := range k.sources {
		s := &k.sources[i]
		if _, _, ok := k.store.Get(s.name); !ok {
			// So that whoever is first to fetch has a version to compare.
			k.save(s, state{}, 0)
		}
	}
	return k
}

// Set is the policy's set with the keys that are there.
func (k *Keyring) Set() *token.Set { return k.set }

// Changes counts what may make a waiting request's answer another: a set that
// came, and a fetch that failed.
func (k *Keyring) Changes() uint64 { return k.changes }
