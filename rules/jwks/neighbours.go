package jwks

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A keyring that was just made has seen no set. So it could not tell a record of the
// store from an older one that another plugin has put back, whose MAC verifies too. It
// believes none before a neighbour, a keyring that has a set, has said how new its own
// is, in answer to a number that nobody knew before:
//
//	name+".ask"   the numbers of those who ask, with a space between them; anybody can write it
//	name+".seen"  sealed: when the fetch of the neighbour's set started, a space, the content of .ask
//
// Without a word in time it fetches the set itself.

const (
	// wordWait is how long a keyring waits for a neighbour's word.
	wordWait = time.Second
	// maxAsk bounds the text of the numbers, in bytes.
	maxAsk = 1024
)

func askName(s *source) string  { return s.name + ".ask" }
func seenName(s *source) string { return s.name + ".seen" }

// awaitsWord reports whether the source has no set yet, may use that of the record once
// a neighbour has said a word, and has not waited too long for it.
func (s *source) awaitsWord(r record, at int64) bool {
	if s.number == "" || s.setStart != 0 || r.setStart == 0 || s.tooStale(r.expires, at) {
		return false
	}
	if s.askedAt == 0 || s.askedAt > at { // for the first time, or the clock was set back
		s.askedAt = at
	}
	return at < s.askedAt+wordWait.Microseconds()
}

// believes reports whether a shared set may be used. Once the source has had a set, it
// only takes newer ones.
func (s *source) believes(r record) bool {
	return s.number == "" || s.setStart != 0 || s.word != 0 && r.setStart >= s.word
}

// talk asks the neighbours while the source has had no set, and answers them when it
// has.
func (k *Keyring) talk(s *source) {
	switch {
	case s.number == "" || s.number == noNumber:
	case s.setStart != 0:
		k.answer(s)
	case s.word == 0:
		k.ask(s)
	}
}

func (k *Keyring) ask(s *source) {
	if start, asked, ok := k.loadWord(s); ok && slices.Contains(strings.Fields(asked), s.number) {
		s.word = start
	}
	value, version, _ := k.store.Get(askName(s))
	numbers := strings.Fields(string(value[:min(len(value), maxAsk+1)]))
	switch has := slices.Contains(numbers, s.number); {
	case s.word != 0 && has:
		numbers = slices.DeleteFunc(numbers, func(n string) bool { return n == s.number })
	case s.word != 0 || has && len(value) <= maxAsk:
		return
	case len(value)+1+len(s.number) > maxAsk: // those who still ask add themselves again
		numbers = []string{s.number}
	default:
		numbers = append(numbers, s.number)
	}
	k.store.Put(askName(s), []byte(strings.Join(numbers, " ")), version)
}

// answer says how new the source's set is, unless it or a neighbour has said so already.
func (k *Keyring) answer(s *source) {
	value, _, _ := k.store.Get(askName(s))
	if len(value) == 0 || len(value) > maxAsk || string(value) == s.answered && s.answeredStart == s.setStart {
		return
	}
	s.answered, s.answeredStart = string(value), s.setStart
	if start, asked, ok := k.loadWord(s); ok && asked == s.answered && start >= s.setStart {
		return
	}
	name := seenName(s)
	k.store.Put(name, k.seal(name, strconv.FormatInt(s.setStart, 10)+" "+s.answered), 0)
}

// loadWord reads a neighbour's word: when the fetch of its set started, and who had
// asked.
func (k *Keyring) loadWord(s *source) (start int64, asked string, ok bool) {
	name := seenName(s)
	value, _, ok := k.store.Get(name)
	if !ok {
		return 0, "", false
	}
	text, ok := k.open(name, value)
	first, asked, _ := strings.Cut(text, " ")
	start, err := strconv.ParseInt(first, 10, 64)
	return start, asked, ok && err == nil && start > 0
}

// noNumber is the number of a keyring without randomness: it asks nobody.
const noNumber = "-"

// newNumber returns a number that nobody knows.
func (k *Keyring) newNumber() string {
	var b [8]byte
	if _, err := k.random.Read(b[:]); err != nil {
		return noNumber
	}
	return hex.EncodeToString(b[:])
}
