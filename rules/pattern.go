package rules

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxPattern bounds a pattern, in bytes.
const MaxPattern = 1000

const (
	// maxRepeat is the greatest count in braces that every database takes.
	maxRepeat = 255
	// maxRepeats bounds the product of counts inside each other (RE2's limit).
	maxRepeats = 1000
)

// CheckPattern returns the first fault of a pattern that is not in the subset that
// every database reads alike:
//
//	literals          any character but \ ^ $ . | ? * + ( ) [ ] { }
//	\. \* \( \/ …     one of . * + ? ( ) [ ] { } | ^ $ \ / - itself
//	\d \w \s          digit, word character, white space, ASCII; \D \W \S: others
//	\t \n \r          tab, line feed, carriage return
//	.                 any character but a line feed
//	[abc] [a-z] [^a]  classes, with the escapes above; [ and ] are written \[ and \],
//	                  and neither && nor [:alpha:] is one
//	^ $               start and end of the text, never of a line
//	(a|b)             groups and alternatives
//	* + ? {m} {m,} {m,n}   at most 255, one to an item, not after ^ or $; counts
//	                  inside each other multiply to at most 1000
//
// Left out: lazy and possessive quantifiers, backreferences, look-around, flags,
// \b, (?:…), named groups, \x and \u. A pattern matches anywhere in the text unless
// it is anchored, and is case-sensitive.
func CheckPattern(pattern string) error {
	if len(pattern) > MaxPattern {
		return fmt.Errorf("pattern longer than %d bytes", MaxPattern)
	}
	if !utf8.ValidString(pattern) {
		return errors.New("pattern is not valid UTF-8")
	}
	p := patternReader{text: pattern}
	return p.run()
}

type patternReader struct {
	text   string
	pos    int
	groups []int // the open groups: the greatest repeat in each so far
	item   bool  // the last item can be repeated
	times  int   // how often counts repeat it, or a part of it
}

func (p *patternReader) fault(format string, args ...any) error {
	return fmt.Errorf("pattern, byte %d: %s", p.pos, fmt.Sprintf(format, args...))
}

func (p *patternReader) run() error {
	for p.pos < len(p.text) {
		if err := p.next(); err != nil {
			return err
		}
	}
	if len(p.groups) > 0 {
		return p.fault("want )")
	}
	return nil
}

func (p *patternReader) next() error {
	switch b := p.text[p.pos]; b {
	case '\\':
		p.item, p.times = true, 1
		return p.escape()
	case '[':
		p.item, p.times = true, 1
		return p.class()
	case '(':
		return p.open()
	case ')':
		last := len(p.groups) - 1
		if last < 0 {
			return p.fault("no group is open")
		}
		p.item, p.times = true, p.groups[last]
		p.groups = p.groups[:last]
		p.repeats()
	case '*', '+', '?', '{':
		return p.quantifier(b)
	case '^', '$', '|':
		p.item = false
	case ']', '}':
		return p.fault("want \\%c for a literal one", b)
	default:
		p.item, p.times = true, 1
	}
	p.pos++
	return nil
}

// repeats notes in the open group how often its last item is repeated.
func (p *patternReader) repeats() {
	if last := len(p.groups) - 1; last >= 0 {
		p.groups[last] = max(p.groups[last], p.times)
	}
}

func (p *patternReader) open() error {
	if p.groups = append(p.groups, 1); len(p.groups) > 50 {
		return p.fault("too many groups inside each other")
	}
	p.item = false
	p.pos++
	if strings.HasPrefix(p.text[p.pos:], "?") {
		return p.fault("only plain groups")
	}
	return nil
}

// escape reads a backslash and what it escapes.
func (p *patternReader) escape() error {
	if p.pos+1 == len(p.text) {
		return p.fault("a backslash at the end")
	}
	if strings.IndexByte(`dwsDWStnr.*+?()[]{}|^$\/-`, p.text[p.pos+1]) < 0 {
		return p.fault("unknown escape")
	}
	p.pos += 2
	return nil
}

// class reads [ … ].
func (p *patternReader) class() error {
	p.pos++
	if strings.HasPrefix(p.text[p.pos:], "^") {
		p.pos++
	}
	for n := 0; p.pos < len(p.text); n++ {
		if p.text[p.pos] == ']' {
			if n == 0 {
				return p.fault("an empty class")
			}
			p.pos++
			return nil
		}
		if strings.HasPrefix(p.text[p.pos:], "&&") {
			return p.fault("&& in a class")
		}
		low, err := p.member()
		if err != nil {
			return err
		}
		if rest := p.text[p.pos:]; len(rest) < 2 || rest[0] != '-' || rest[1] == ']' {
			continue
		}
		p.pos++
		high, err := p.member()
		if err != nil {
			return err
		}
		if low < 0 || high < low {
			return p.fault("not a range")
		}
	}
	return p.fault("want ]")
}

// member reads one member of a class. It is -1 for a set such as \d, which cannot
// bound a range.
func (p *patternReader) member() (rune, error) {
	switch r, n := utf8.DecodeRuneInString(p.text[p.pos:]); r {
	case '[':
		return 0, p.fault(`want \[ in a class`)
	case '\\':
		if err := p.escape(); err != nil {
			return 0, err
		}
		switch b := p.text[p.pos-1]; b {
		case 'd', 'w', 's', 'D', 'W', 'S':
			return -1, nil
		case 't':
			return '\t', nil
		case 'n':
			return '\n', nil
		case 'r':
			return '\r', nil
		default:
			return rune(b), nil
		}
	default:
		p.pos += n
		return r, nil
	}
}

func (p *patternReader) quantifier(b byte) error {
	if !p.item {
		return p.fault("nothing here to repeat; lazy and double quantifiers are left out")
	}
	p.item = false
	p.pos++
	if b != '{' {
		return nil
	}
	low, ok := p.count()
	high := low
	if ok && strings.HasPrefix(p.text[p.pos:], ",") {
		p.pos++
		if !strings.HasPrefix(p.text[p.pos:], "}") {
			high, ok = p.count()
		}
	}
	if !ok || high < low || !strings.HasPrefix(p.text[p.pos:], "}") {
		return p.fault("want {m}, {m,} or {m,n}, at most %d", maxRepeat)
	}
	p.pos++
	if p.times *= max(low, high, 1); p.times > maxRepeats {
		return p.fault("counts that multiply to more than %d", maxRepeats)
	}
	p.repeats()
	return nil
}

func (p *patternReader) count() (n int, ok bool) {
	start := p.pos
	for p.pos < len(p.text) && p.pos < start+3 && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' {
		n = n*10 + int(p.text[p.pos]-'0')
		p.pos++
	}
	return n, p.pos > start && n <= maxRepeat
}
