package token

import "sync/atomic"

// memoSize is the number of answers that a Memo keeps. Most users come back to a few
// resources.
const memoSize = 4

// Memo keeps answers that depend on the claims of one token alone. It belongs to the
// token's entry in a Cache and ends with it: when the token expires, when its keys
// change, and when the cache needs room. Any number of goroutines may use a Memo. A
// nil Memo keeps nothing.
type Memo struct {
	answers [memoSize]atomic.Pointer[answer]
	next    atomic.Uint32
}

// answer is the answer to a question, which is compared as a pointer.
type answer struct{ question, answer any }

// Find returns the answer to a question.
func (m *Memo) Find(question any) (any, bool) {
	if m == nil {
		return nil, false
	}
	for i := range m.answers {
		if a := m.answers[i].Load(); a != nil && a.question == question {
			return a.answer, true
		}
	}
	return nil, false
}

// Keep keeps an answer, in place of the oldest if there are many.
func (m *Memo) Keep(question, found any) {
	if m != nil {
		m.answers[m.next.Add(1)%memoSize].Store(&answer{question, found})
	}
}
