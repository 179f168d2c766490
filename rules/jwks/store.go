package jwks

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules/token"
)

// Store is a memory that others use too; in a proxy its shared data, which any
// plugin of the same VM id can write. So each record carries a MAC, and one that
// does not fit is as good as none.
type Store interface {
	// Get gives a value, and the version that Put wants. ok is false where there
	// is none.
	Get(name string) (value []byte, version uint32, ok bool)
	// Put sets the value, if it is still of the version; 0 sets it in any case.
	Put(name string, value []byte, version uint32) bool
}

// state is the record of a source, small as it is read at each tick. Times are in
// microseconds since 1970.
type state struct {
	version int64 // of the set's record
	good    int64 // when the fetch began that the set is from
	expires int64 // the end of the set's life
	refresh int64 // when it is fetched anew
	started int64 // when the last fetch began
	ended   int64 // when the last fetch that ended had begun
	lease   int64 // until when nobody else fetches
	retry   int64 // after a failure: not before
	fails   int64 // one after the other
	failed  bool  // the last that ended
	owner   uint64
}

// The records' info strings keep keys apart (RFC 5869, section 3.2).
const (
	keyInfo = "rulegate keyring v1"
	prefix  = "rulegate.jwks."
	maxText = token.MaxJWKS + 100 // a set's record
)

func derive(secret []byte) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, keyInfo, sha256.Size)
	if err != nil {
		return nil // no MAC of an empty key is ever taken
	}
	return key
}

// nameOf tells apart what has another address, algorithm or secret: those could
// not use each other's records.
func (k *Keyring) nameOf(s Source) string {
	return prefix + hex.EncodeToString(k.mac("name", s.Cluster+" "+s.Alg+" "+s.URL)[:16])
}

func (k *Keyring) mac(name, text string) []byte {
	h := hmac.New(sha256.New, k.key)
	h.Write([]byte(name))
	h.Write([]byte{0})
	h.Write([]byte(text))
	return h.Sum(nil)
}

// seal and open put the MAC before the text and take it off.
func (k *Keyring) seal(name, text string) []byte {
	return append(append(hex.AppendEncode(nil, k.mac(name, text)), ' '), text...)
}

func (k *Keyring) open(name string, record []byte) (text string, ok bool) {
	const size = 2 * sha256.Size
	if len(k.key) == 0 || len(record) <= size || len(record) > size+1+maxText {
		return "", false
	}
	mac, err := hex.DecodeString(string(record[:size]))
	text = string(record[size+1:])
	return text, err == nil && hmac.Equal(mac, k.mac(name, text))
}

func (k *Keyring) load(s *source) (state, uint32) {
	record, version, ok := k.store.Get(s.name)
	if !ok {
		return state{}, 0
	}
	text, ok := k.open(s.name, record)
	if !ok {
		return state{}, version
	}
	return readState(text), version
}

func (k *Keyring) save(s *source, st state, version uint32) bool {
	return k.store.Put(s.name, k.seal(s.name, st.text()), version)
}

// saveSet puts the set there before the state that tells of it.
func (k *Keyring) saveSet(s *source, version int64) {
	name := s.name + ".set"
	k.store.Put(name, k.seal(name, strconv.FormatInt(version, 10)+" "+s.text), 0)
}

func (k *Keyring) loadSet(s *source, version int64) (text string, ok bool) {
	name := s.name + ".set"
	record, _, ok := k.store.Get(name)
	if !ok {
		return "", false
	}
	text, ok = k.open(name, record)
	number, text, _ := strings.Cut(text, " ")
	return text, ok && number == strconv.FormatInt(version, 10)
}

func (st state) text() string {
	b := make([]byte, 0, 160)
	for _, n := range st.numbers() {
		b = append(strconv.AppendInt(b, *n, 10), ' ')
	}
	b = append(strconv.AppendBool(b, st.failed), ' ')
	return string(strconv.AppendUint(b, st.owner, 10))
}

func (st *state) numbers() [9]*int64 {
	return [9]*int64{&st.version, &st.good, &st.expires, &st.refresh, &st.started, &st.ended, &st.lease, &st.retry, &st.fails}
}

// readState reads what text wrote; the MAC says that it did.
func readState(text string) (st state) {
	fields := strings.Fields(text)
	if len(fields) != 11 {
		return state{}
	}
	for i, n := range st.numbers() {
		*n, _ = strconv.ParseInt(fields[i], 10, 64)
	}
	st.failed = fields[9] == "true"
	st.owner, _ = strconv.ParseUint(fields[10], 10, 64)
	return st
}

// memory is a Store of one's own.
type memory struct{ values map[string]datum }

type datum struct {
	value   []byte
	version uint32
}

func (m *memory) Get(name string) ([]byte, uint32, bool) {
	d, ok := m.values[name]
	return d.value, d.version, ok
}

func (m *memory) Put(name string, value []byte, version uint32) bool {
	d := m.values[name]
	if version != 0 && version != d.version {
		return false
	}
	if m.values == nil {
		m.values = map[string]datum{}
	}
	m.values[name] = datum{value, d.version + 1}
	return true
}
