package jwks

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Workers without a common secret cannot share sets. They can tell each other when to
// try an issuer again that did not answer, and that it answers. Anybody can write such a
// hint, so it only delays a fetch, and only for maxHint: it brings no key.

// maxHint is how long hints, of at most maxRetry each, may delay a fetch.
const maxHint = 5 * time.Minute

func hintName(s *source) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{s.Cluster, s.URL, s.Issuer}, " ")))
	return namePrefix + "hint." + hex.EncodeToString(sum[:16])
}

// hinted reports whether a fetch that is due waits for the time that another worker has
// named.
func (k *Keyring) hinted(s *source, at int64) bool {
	if k.hints == nil {
		return false
	}
	value, _, _ := k.hints.Get(hintName(s))
	until, err := strconv.ParseInt(string(value[:min(len(value), 20)]), 10, 64)
	if err != nil || until <= at || until > at+maxRetry.Microseconds() {
		s.hintedSince = 0
		return false
	}
	if s.hintedSince == 0 || s.hintedSince > at {
		s.hintedSince = at
	}
	return at < s.hintedSince+maxHint.Microseconds()
}

// hint tells the other workers when to try again.
func (k *Keyring) hint(s *source, retry time.Time) {
	if k.hints != nil {
		k.hints.Put(hintName(s), strconv.AppendInt(nil, retry.UnixMicro(), 10), 0)
	}
}
