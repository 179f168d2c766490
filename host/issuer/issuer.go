// Package issuer is an issuer of tokens for development and for tests: it serves
// a JWK set, mints what it is asked for, and rotates its keys on demand. Its keys
// live in memory and are new with each start.
//
// Keys, sets and signatures are made by go-jose, not by rules/token, so that
// what verifies is tried against another implementation.
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

// Config is what an issuer is told. The zero Config signs with ES256.
type Config struct {
	// Algs are the algorithms, a key for each. The first mints where nothing
	// else is asked for.
	Algs []string
	// Name is `iss` where claims have none; "": it is left out.
	Name string
	// MaxAge is Cache-Control's max-age of the set; 0: no Cache-Control, and
	// below 0: no-store.
	MaxAge time.Duration
	// Overlap is how long a key stays in the set after it was rotated away; 0:
	// it leaves at once.
	Overlap time.Duration
	// TTL is the time to live of tokens whose claims have no exp; 0: an hour.
	TTL time.Duration
	// Now tells the time; nil: time.Now.
	Now func() time.Time
}

// Issuer holds the keys. Any number of goroutines may use one.
type Issuer struct {
	config Config
	mux    *http.ServeMux

	mu   sync.Mutex
	keys []*key // those that sign, in the order of Config.Algs, then older ones
}

// New makes an issuer with fresh keys.
//
// Errors: an algorithm that is not one of Algorithms, or is named twice.
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

// Rotate makes new keys, which sign from now on. The ones before stay in the
// set for the overlap, so that their tokens verify.
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

// maxKeys bounds a set by what rulegate takes of one (100), whatever the overlap.
const maxKeys = 64

// current gives the keys whose time is not over; the others are forgotten. The
// caller holds mu.
func (s *Issuer) current() []*key {
	now := s.config.Now()
	s.keys = slices.DeleteFunc(s.keys, func(k *key) bool { return !k.until.IsZero() && !now.Before(k.until) })
	return s.keys
}

// JWKS is the set as it is served: RFC 7517 section 5.
func (s *Issuer) JWKS() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := jose.JSONWebKeySet{}
	for _, k := range s.current() {
		set.Keys = append(set.Keys, k.jwk)
	}
	return json.Marshal(set)
}

// Kids lists the ids of the keys in the set, those that sign first.
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
// algorithm; "" is the first of Config.Algs. iat, exp and iss are added where
// they are missing; what is there keeps its spelling.
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

// maxDepth is how deep claims may be, as in the tokens that rulegate reads.
const maxDepth = 64

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
