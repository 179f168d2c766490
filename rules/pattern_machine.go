package rules

import (
	"slices"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/lightfmt"
)

// This file matches patterns by automata, in a time that grows with the length of
// the text alone: Go's regexp takes 0.6 MB of the module, and up to a thousand
// steps for each character.
//
// A pattern becomes a machine, a list of instructions. A matcher runs all its
// threads at once: a state of it is the set of instructions that wait for the next
// character. States and their transitions are found when they are first needed.

const (
	// maxInstructions bounds a machine: counts are spelled out in it.
	maxInstructions = 5000
	// maxKnownStates bounds the states that a pattern keeps. A pattern with more
	// finds its states anew for each text.
	maxKnownStates = 256
	// maxTransitions bounds states times classes of these.
	maxTransitions = 1 << 16
	// maxStates bounds the states that are remembered while a text is read.
	maxStates = 2000
	// maxWork bounds the instructions that are visited to find states, for one
	// pattern and for one text.
	maxWork = 4_000_000
)

// instruction is a step of a machine.
type instruction struct {
	op   instructionOp
	x, y int32 // the next instructions; y of opSplit alone
	set  int32 // of opRune: the index of its characters in machine.sets
}

type instructionOp uint8

const (
	opRune  instructionOp = iota // takes one character
	opSplit                      // goes on at x and at y
	opStart                      // goes on at the start of the text
	opEnd                        // goes on at the end of the text
	opMatch
)

// machine is a compiled pattern.
type machine struct {
	code  []instruction
	start int32
	// A class is a range of characters that no part of the pattern tells apart.
	bounds []rune // the first characters of the classes, but of the first one
	ascii  [utf8.RuneSelf]uint16
	sets   [][]bool // of opRune: whether it takes a class
	known  *matcher // with all states; nil: there are too many
}

// compilePattern compiles a pattern for matching.
func compilePattern(pattern string) (*machine, error) {
	whole, err := parsePattern(pattern)
	if err != nil {
		return nil, err
	}
	b := machineBuilder{sets: map[*patternPart]int32{}}
	m := &b.machine
	if m.start, err = b.build(whole, b.emit(instruction{op: opMatch})); err != nil {
		return nil, err
	}
	b.classify()
	if known := newMatcher(m); known.explore() {
		m.known = known
	}
	return m, nil
}

type machineBuilder struct {
	machine
	sets  map[*patternPart]int32
	runes [][]runeRange // by set
}

func (b *machineBuilder) emit(i instruction) int32 {
	b.code = append(b.code, i)
	return int32(len(b.code) - 1)
}

// set returns the index of the characters of a part.
func (b *machineBuilder) set(p *patternPart) int32 {
	i, ok := b.sets[p]
	if !ok {
		i = int32(len(b.runes))
		b.sets[p], b.runes = i, append(b.runes, p.runes)
	}
	return i
}

// build emits the code of a part, which goes on at next. It returns the first
// instruction.
func (b *machineBuilder) build(p *patternPart, next int32) (int32, error) {
	if len(b.code) > maxInstructions {
		return 0, lightfmt.Errorf("pattern: its counts stand for more than %d characters", maxInstructions)
	}
	switch p.op {
	case patternRunes:
		return b.emit(instruction{op: opRune, x: next, set: b.set(p)}), nil
	case patternStart:
		return b.emit(instruction{op: opStart, x: next}), nil
	case patternEnd:
		return b.emit(instruction{op: opEnd, x: next}), nil
	case patternRepeat:
		return b.repeat(p, next)
	case patternAlternatives:
		return b.alternatives(p, next)
	}
	var err error
	for _, in := range slices.Backward(p.inner) {
		if next, err = b.build(in, next); err != nil {
			return 0, err
		}
	}
	return next, nil
}

func (b *machineBuilder) alternatives(p *patternPart, next int32) (start int32, err error) {
	for i, in := range p.inner {
		at, err := b.build(in, next)
		if err != nil {
			return 0, err
		}
		if i > 0 {
			at = b.emit(instruction{op: opSplit, x: start, y: at})
		}
		start = at
	}
	return start, nil
}

// repeat spells a repetition out: x{2,3} is xx(x)?, x{2,} is xx(x)*.
func (b *machineBuilder) repeat(p *patternPart, next int32) (int32, error) {
	in, end := p.inner[0], next
	if p.most < 0 {
		next = b.emit(instruction{op: opSplit, y: end})
		at, err := b.build(in, next)
		if err != nil {
			return 0, err
		}
		b.code[next].x = at
	}
	for range p.most - p.least {
		at, err := b.build(in, next)
		if err != nil {
			return 0, err
		}
		next = b.emit(instruction{op: opSplit, x: at, y: end})
	}
	for range p.least {
		var err error
		if next, err = b.build(in, next); err != nil {
			return 0, err
		}
	}
	return next, nil
}

// classify divides all characters into classes.
func (b *machineBuilder) classify() {
	for _, runes := range b.runes {
		for _, r := range runes {
			b.bounds = append(b.bounds, r.low, r.high+1)
		}
	}
	slices.Sort(b.bounds)
	b.bounds = slices.Compact(b.bounds)
	if len(b.bounds) > 0 && b.bounds[0] == 0 {
		b.bounds = b.bounds[1:]
	}
	for r := range b.ascii {
		b.ascii[r] = uint16(b.classOf(rune(r)))
	}
	for _, runes := range b.runes {
		set := make([]bool, len(b.bounds)+1)
		for class := range set {
			first := rune(0)
			if class > 0 {
				first = b.bounds[class-1]
			}
			set[class] = slices.ContainsFunc(runes, func(r runeRange) bool { return r.low <= first && first <= r.high })
		}
		b.machine.sets = append(b.machine.sets, set)
	}
}

// classOf is the number of bounds up to a character.
func (m *machine) classOf(r rune) int {
	i, found := slices.BinarySearch(m.bounds, r)
	if found {
		i++
	}
	return i
}

// without returns all other characters.
func without(runes []runeRange) (others []runeRange) {
	low := rune(0)
	for low <= utf8.MaxRune {
		// The end of the range that low is in, or the start of the next one.
		next, inside := rune(utf8.MaxRune+1), false
		for _, r := range runes {
			switch {
			case r.low <= low && low <= r.high:
				next, inside = r.high+1, true
			case !inside && r.low > low:
				next = min(next, r.low)
			}
		}
		if !inside {
			others = append(others, runeRange{low, next - 1})
		}
		low = next
	}
	return others
}
