package token

import "github.com/rulegate/rulegate/rules/token/keys"

// memoSize is the number of answers that a Memo keeps. Most users come back to a few
// resources.
const memoSize = 4

// Memo keeps answers that depend on the claims of one token alone. It belongs to the
// token's entry in a Cache and ends with it: when the token expires, when its keys
// change, and when the cache needs room. Any number of goroutines may use a Memo. A
// nil Memo keeps nothing.
type Memo struct {
	mu        keys.Mutex
	questions [memoSize]Question
	answers   [memoSize]any
	next      int
}

// Question is what an answer belongs to. Its address counts, and nothing else.
type Question = *byte

// Find returns the answer to a question.
func (m *Memo) Find(q Question) (answer any, ok bool) {
	if m == nil {
		return nil, false
	}
	m.mu.Lock()
	for i := range m.questions {
		if m.questions[i] == q {
			answer, ok = m.answers[i], true
			break
		}
	}
	m.mu.Unlock()
	return answer, ok
}

// Keep keeps an answer, in place of the oldest if there are many.
func (m *Memo) Keep(q Question, answer any) {
	if m == nil {
		return
	}
	m.mu.Lock()
	m.questions[m.next], m.answers[m.next] = q, answer
	m.next = (m.next + 1) % memoSize
	m.mu.Unlock()
}
