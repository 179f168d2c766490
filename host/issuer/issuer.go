// Package issuer issues tokens for development and tests: it serves a JWK set,
// signs any claims, and rotates its keys on demand. The keys are in memory only
// and new after each start.
//
// It makes keys, sets and signatures with go-jose, not with rules/token, so that
// rules/token is tested against another implementation.
package issuer

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rulegate/rulegate/rules/value"
)

// Config configures an issuer. The zero Config signs with ES256.
type Config struct {
	// Algs are the algorithms; there is a key for each. The first is Mint's
	// default.
	Algs []string
	// Name is added as `iss` to claims without one; "" adds none.
	Name string
	// MaxAge is Cache-Control's max-age of the set; 0: no Cache-Control, and
	// below 0: no-store.
	MaxAge time.Duration
	// Overlap is how long a key stays in the set after its replacement; 0: it
	// is removed at once.
	Overlap time.Duration
	// TTL is the lifetime of tokens whose claims have no exp; 0: an hour.
	TTL time.Duration
	// Now returns the time; nil: time.Now.
	Now func() time.Time
}

// Issuer holds the keys. Any number of goroutines may use one.
type Issuer struct {
	config Config
	mux    *http.ServeMux

	mu   sync.Mutex
	keys []*key // the signing keys, in the order of Config.Algs, then older ones
}

// New returns an issuer with new keys.
//
// Errors: an algorithm is not one of Algorithms, or is named twice.
func New(c Config) (*Issuer, error) {
	if len(c.Algs) == 0 {
		c.Algs = []string{"ES256"}
	}
	if c.TTL == 0 {
		c.TTL = time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	for i, alg := range c.Algs {
		if slices.Contains(c.Algs[:i], alg) {
			return nil, fmt.Errorf("algorithm %q: named twice", alg)
		}
	}
	s := &Issuer{config: c}
	s.routes()
	return s, s.Rotate()
}

// Rotate makes new keys, which sign from now on. The previous keys stay in the set
// for the overlap, so that their tokens still verify.
func (s *Issuer) Rotate() error {
	fresh := make([]*key, 0, len(s.config.Algs))
	for _, alg := range s.config.Algs {
		k, err := newKey(alg)
		if err != nil {
			return err
		}
		fresh = append(fresh, k)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	until := s.config.Now().Add(s.config.Overlap)
	for _, k := range s.keys {
		if k.until.IsZero() {
			k.until = until
		}
	}
	s.keys = append(fresh, s.keys...)
	if most := max(maxKeys, len(fresh)); len(s.keys) > most {
		s.keys = s.keys[:most]
	}
	return nil
}

// maxKeys bounds the set, however long the overlap: rulegate refuses sets of more
// than 100 keys.
const maxKeys = 64

// current removes the keys whose overlap is over and returns the others. The
// caller holds mu.
func (s *Issuer) current() []*key {
	now := s.config.Now()
	s.keys = slices.DeleteFunc(s.keys, func(k *key) bool { return !k.until.IsZero() && !now.Before(k.until) })
	return s.keys
}

// JWKS returns the text of the set (RFC 7517, section 5).
func (s *Issuer) JWKS() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := jose.JSONWebKeySet{}
	for _, k := range s.current() {
		set.Keys = append(set.Keys, k.jwk)
	}
	return json.Marshal(set)
}

// Kids returns the ids of the keys in the set, those of signing keys first.
func (s *Issuer) Kids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kids []string
	for _, k := range s.current() {
		kids = append(kids, k.jwk.KeyID)
	}
	return kids
}

var errObject = errors.New("claims: want a JSON object")

// Mint signs claims, the JSON text of an object, with the newest key of the
// algorithm; "" is the first of Config.Algs. It adds iat, exp and iss if they are
// missing, and does not change the text of other claims.
func (s *Issuer) Mint(claims, alg string) (string, error) {
	v, err := value.Parse(claims, maxDepth)
	if err != nil {
		return "", fmt.Errorf("claims: %w", err)
	}
	if v.Kind() != value.Object {
		return "", errObject
	}
	now := s.config.Now()
	add := func(name string, claim value.Value) {
		if v.Key(name).Kind() == value.Missing {
			v = v.With(name, claim)
		}
	}
	if s.config.Name != "" {
		add("iss", value.Str(s.config.Name))
	}
	add("iat", value.Int(now.Unix()))
	add("exp", value.Int(now.Add(s.config.TTL).Unix()))
	k, err := s.signer(alg)
	if err != nil {
		return "", err
	}
	return k.sign(v.String())
}

// maxDepth bounds the nesting of claims, as rulegate does in the tokens it reads.
const maxDepth = 64

// signer returns the key that signs with an algorithm.
func (s *Issuer) signer(alg string) (*key, error) {
	if alg == "" {
		alg = s.config.Algs[0]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		if k.jwk.Algorithm == alg && k.until.IsZero() {
			return k, nil
		}
	}
	return nil, fmt.Errorf("algorithm %q: want one of %s", alg, strings.Join(s.config.Algs, ", "))
}
