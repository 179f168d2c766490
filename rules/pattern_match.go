package rules

import (
	"encoding/binary"
	"errors"
	"slices"
	"unicode/utf8"
)

// matcher finds the states of a machine.
type matcher struct {
	*machine
	states []state
	index  map[string]int32 // by the threads of the state
	work   int              // instructions visited

	// Of the state that is being found: the threads, the instructions that were
	// visited, and those of opEnd among them.
	threads []int32
	visited []int // the number of the visit
	visit   int
	ends    []int32
	matched bool
	stack   []int32
}

// state is a set of threads.
type state struct {
	threads []int32 // instructions of opRune, sorted
	next    []int32 // the next state by class; -1: not found yet
	matches bool    // whatever follows
	atEnd   bool    // if the text ends here
}

// newMatcher returns a matcher in which state 0 is the one at the start of a text.
func newMatcher(m *machine) *matcher {
	f := &matcher{machine: m, index: map[string]int32{}, visited: make([]int, len(m.code))}
	f.begin()
	f.add(m.start, true, false)
	f.finish(true)
	return f
}

var errWork = errors.New("the pattern has too many states for this text")

// match reports whether the pattern is found in a text. Beside the walk through the
// text it may visit most instructions; work is the number that it visited.
func (m *machine) match(text string, most int) (found bool, work int, err error) {
	f := m.known
	if f == nil {
		f = newMatcher(m)
		defer func() { work = f.work }()
	}
	at := int32(0)
	for i := 0; i < len(text) && !f.states[at].matches; {
		class := 0
		if b := text[i]; b < utf8.RuneSelf {
			class = int(m.ascii[b])
			i++
		} else {
			r, n := utf8.DecodeRuneInString(text[i:])
			class = m.classOf(r)
			i += n
		}
		next := f.states[at].next[class]
		if next < 0 {
			if next = f.step(at, class); f.work > most {
				return false, 0, errWork
			}
		}
		at = next
	}
	return f.states[at].matches || f.states[at].atEnd, 0, nil
}

// explore finds all states. It reports false when there are too many.
func (f *matcher) explore() bool {
	classes := len(f.bounds) + 1
	for at := 0; at < len(f.states); at++ {
		if len(f.states) > maxKnownStates || len(f.states)*classes > maxTransitions || f.work > maxWork {
			return false
		}
		for class := range classes {
			f.step(int32(at), class)
		}
	}
	return true
}

// step finds the state behind another one. It may forget the others.
func (f *matcher) step(at int32, class int) int32 {
	f.begin()
	for _, t := range f.states[at].threads {
		if i := &f.code[t]; f.sets[i.set][class] {
			f.add(i.x, false, false)
		}
	}
	f.add(f.start, false, false) // the pattern may begin anywhere
	f.work += len(f.states[at].threads)
	if len(f.states) >= maxStates {
		clear(f.index)
		f.states = f.states[:0]
		return f.finish(false)
	}
	next := f.finish(false)
	f.states[at].next[class] = next
	return next
}

func (f *matcher) begin() {
	f.visit++
	f.threads, f.ends, f.matched = f.threads[:0], f.ends[:0], false
}

// add follows the instructions that take no character. atStart and atEnd say
// whether the text starts and ends here.
func (f *matcher) add(at int32, atStart, atEnd bool) {
	stack := append(f.stack[:0], at)
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if f.visited[at] == f.visit {
			continue
		}
		f.visited[at] = f.visit
		f.work++
		switch i := &f.code[at]; i.op {
		case opRune:
			f.threads = append(f.threads, at)
		case opSplit:
			stack = append(stack, i.y, i.x)
		case opStart:
			if atStart {
				stack = append(stack, i.x)
			}
		case opEnd:
			if atEnd {
				stack = append(stack, i.x)
			} else {
				f.ends = append(f.ends, i.x)
			}
		case opMatch:
			f.matched = true
		}
	}
	f.stack = stack
}

// finish returns the state of the threads that were added.
func (f *matcher) finish(atStart bool) int32 {
	matches := f.matched
	threads := slices.Clone(f.threads)
	slices.Sort(threads)
	if len(f.ends) > 0 && !matches {
		f.visit++
		for _, at := range f.ends {
			f.add(at, atStart, true)
		}
	}
	key := make([]byte, 1, 1+4*len(threads))
	if matches {
		key[0], threads = 1, nil
	} else if f.matched {
		key[0] = 2
	}
	for _, t := range threads {
		key = binary.LittleEndian.AppendUint32(key, uint32(t))
	}
	if i, ok := f.index[string(key)]; ok && len(f.states) > 0 {
		return i
	}
	next := make([]int32, len(f.bounds)+1)
	for i := range next {
		next[i] = -1
	}
	f.states = append(f.states, state{threads: threads, next: next, matches: matches, atEnd: f.matched})
	i := int32(len(f.states) - 1)
	f.index[string(key)] = i
	return i
}
