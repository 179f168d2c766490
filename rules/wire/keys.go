// Package wire is the protocol between the module and its companion: calls are the
// body of POST /v1/calls, replies its answer. A signature proves that the request is
// the module's, a seal that the answer is the companion's. Module and companion must be
// of one version of it; otherwise the companion refuses the request, and its rules are
// unknown.
//
// The package is linked into the module, so it reads JSON with package value and
// writes it by hand.
package wire

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
	"sync/atomic"
)

// The path and the headers of a request for calls and of its answer. The header
// Authorization has the signature.
const (
	Path          = "/v1/calls"
	SealHeader    = "x-rulegate-signature"
	TimeoutHeader = "x-rulegate-timeout-ms" // the time that the module waits
)

// Keys sign and verify the messages between module and companion. They are derived
// from the secrets, so a signature of this protocol is never valid where a secret has
// another use. The zero Keys sign nothing and accept nothing. Keys may be used by
// several goroutines.
type Keys struct {
	sets []*keySet
}

// keySet has the keys of one secret.
type keySet struct {
	ticket, request, seal *macKey
	last                  atomic.Pointer[stamp]
}

// The info strings keep the keys apart (RFC 5869, section 3.2): the key of seals cannot
// sign a request.
const (
	ticketInfo  = "rulegate companion ticket v2"
	requestInfo = "rulegate companion request v2"
	sealInfo    = "rulegate companion seal v2"
)

// DeriveKeys derives keys from the secrets by HKDF-SHA256 (RFC 5869), without a
// salt. The first secret signs requests and all of them verify, so that a secret can
// be changed on one side after the other. Empty secrets are ignored.
func DeriveKeys(secrets ...string) Keys {
	var k Keys
	for _, s := range secrets {
		if s == "" {
			continue
		}
		ticket, request, seal := derive(s, ticketInfo), derive(s, requestInfo), derive(s, sealInfo)
		if ticket == nil || request == nil || seal == nil {
			continue
		}
		k.sets = append(k.sets, &keySet{ticket: ticket, request: request, seal: seal})
	}
	return k
}

func derive(secret, info string) *macKey {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, info, sha256.Size)
	if err != nil {
		return nil
	}
	return &macKey{key: key}
}

// Empty reports whether there is no key: then nothing can be signed or accepted.
func (k Keys) Empty() bool { return len(k.sets) == 0 }

// macKey is a key of HMAC-SHA256. It keeps what HMAC computes from the key alone, which
// is as much work as 128 bytes of text.
type macKey struct {
	key  []byte
	free sync.Pool // of *macState
}

// macState is what a computation needs, so that it allocates nothing.
type macState struct {
	hash hash.Hash
	head []byte
	sum  [sha256.Size]byte
}

// sum returns the MAC over the parts of a head and a body.
func (m *macKey) sum(body []byte, head ...string) [sha256.Size]byte {
	s, ok := m.free.Get().(*macState)
	if !ok {
		s = &macState{hash: hmac.New(sha256.New, m.key)}
	}
	s.head = s.head[:0]
	for _, part := range head {
		s.head = append(s.head, part...)
	}
	s.hash.Reset()
	s.hash.Write(s.head)
	s.hash.Write(body)
	s.hash.Sum(s.sum[:0])
	sum := s.sum
	m.free.Put(s)
	return sum
}
