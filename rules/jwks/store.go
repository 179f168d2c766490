package jwks

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/token"

	"github.com/rulegate/rulegate/rules/lightfmt"
)

// Store is a memory that several workers share. In a proxy it is the shared data
// of a VM id, which other plugins can write too. So each value is
//
//	hex(HMAC-SHA-256(key, name 0x00 text)) " " text
//
// and a value whose MAC does not verify counts as missing. A source has two
// values: under its name the text of a record, and under name+".set" the
// record's version, a space, and the text of the JWK set.
type Store interface {
	// Get returns a value and the version that Put compares. ok is false when
	// there is no value.
	Get(name string) (value []byte, version uint32, ok bool)
	// Put sets a value and reports whether it did: only if the value still has
	// this version, or if the version is 0.
	Put(name string, value []byte, version uint32) bool
}

const (
	// keyInfo separates the key of the MACs from other keys that are derived
	// from the secret (RFC 5869, section 3.2).
	keyInfo    = "rulegate keyring v1"
	namePrefix = "rulegate.jwks."
	maxText    = token.MaxJWKS + 100 // of a value, without its MAC
)

func deriveKey(secret []byte) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, keyInfo, sha256.Size)
	if err != nil {
		return nil // with an empty key open accepts no value
	}
	return key
}

// nameOf returns the name of a source's record. Sources with another URL,
// cluster, algorithm, issuer or secret have another name: they cannot use each other's
// sets.
func (k *Keyring) nameOf(s Source) string {
	return namePrefix + hex.EncodeToString(k.mac("name", strings.Join([]string{s.Cluster, s.Alg, s.URL, s.Issuer, s.KeysHost}, " "))[:16])
}

func setName(s *source) string { return s.name + ".set" }

func (k *Keyring) mac(name, text string) []byte {
	h := hmac.New(sha256.New, k.key)
	h.Write([]byte(name))
	h.Write([]byte{0})
	h.Write([]byte(text))
	return h.Sum(nil)
}

// seal puts the MAC before the text.
func (k *Keyring) seal(name, text string) []byte {
	return append(append(hex.AppendEncode(nil, k.mac(name, text)), ' '), text...)
}

// open returns the text of a sealed value; ok is false when its MAC does not
// verify.
func (k *Keyring) open(name string, value []byte) (text string, ok bool) {
	const size = 2 * sha256.Size
	if len(k.key) == 0 || len(value) <= size || len(value) > size+1+maxText {
		return "", false
	}
	mac, ok := lightfmt.DecodeHex(string(value[:size]))
	text = string(value[size+1:])
	return text, ok && hmac.Equal(mac, k.mac(name, text))
}

// load reads a source's record: the zero record when there is none that verifies.
func (k *Keyring) load(s *source) (record, uint32) {
	value, version, ok := k.store.Get(s.name)
	if !ok {
		return record{}, 0
	}
	text, ok := k.open(s.name, value)
	if !ok {
		return record{}, version
	}
	return parseRecord(text), version
}

// save writes a source's record and reports whether no other worker has written
// it since load.
func (k *Keyring) save(s *source, r record, version uint32) bool {
	return k.store.Put(s.name, k.seal(s.name, r.text()), version)
}

// saveSet writes the set in use. It is written before the record that names its
// version, so that a worker never finds the record without the set.
func (k *Keyring) saveSet(s *source, version int64) {
	name := setName(s)
	k.store.Put(name, k.seal(name, strconv.FormatInt(version, 10)+" "+s.text), 0)
}

// loadSet reads the set of a version; ok is false when the store has another
// version, or none that verifies.
func (k *Keyring) loadSet(s *source, version int64) (text string, ok bool) {
	name := setName(s)
	value, _, ok := k.store.Get(name)
	if !ok {
		return "", false
	}
	text, ok = k.open(name, value)
	number, text, _ := strings.Cut(text, " ")
	return text, ok && number == strconv.FormatInt(version, 10)
}

// memory is the Store of a keyring that shares nothing.
type memory struct{ values map[string]versioned }

type versioned struct {
	value   []byte
	version uint32
}

func (m *memory) Get(name string) ([]byte, uint32, bool) {
	v, ok := m.values[name]
	return v.value, v.version, ok
}

func (m *memory) Put(name string, value []byte, version uint32) bool {
	v := m.values[name]
	if version != 0 && version != v.version {
		return false
	}
	if m.values == nil {
		m.values = map[string]versioned{}
	}
	m.values[name] = versioned{value, v.version + 1}
	return true
}
