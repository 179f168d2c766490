package rules

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/lightfmt"
)

// MaxPattern bounds a pattern, in bytes.
const MaxPattern = 1000

const (
	// maxRepeat is the greatest count in braces that every database takes.
	maxRepeat = 255
	// maxRepeats bounds the product of counts inside each other (RE2's limit).
	maxRepeats = 1000
	// maxGroups bounds groups inside each other.
	maxGroups = 50
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
	_, err := parsePattern(pattern)
	return err
}

// patternOp is the kind of a part of a pattern.
type patternOp uint8

const (
	patternSequence patternOp = iota
	patternAlternatives
	patternRunes
	patternStart
	patternEnd
	patternRepeat
)

// patternPart is a part of a parsed pattern.
type patternPart struct {
	op    patternOp
	inner []*patternPart
	runes []runeRange // of patternRunes, in any order
	least int         // of patternRepeat
	most  int         // of patternRepeat; -1: no limit
	times int         // the product of the counts in it
}

// runeRange is the characters from low to high.
type runeRange struct{ low, high rune }

// patternParser reads a pattern.
type patternParser struct {
	text  string
	pos   int
	depth int
}

func parsePattern(pattern string) (*patternPart, error) {
	if len(pattern) > MaxPattern {
		return nil, lightfmt.Errorf("pattern longer than %d bytes", MaxPattern)
	}
	if !utf8.ValidString(pattern) {
		return nil, errors.New("pattern is not valid UTF-8")
	}
	p := patternParser{text: pattern}
	whole, err := p.alternatives()
	if err == nil && p.pos < len(p.text) {
		err = p.fault("no group is open")
	}
	return whole, err
}

func (p *patternParser) fault(format string, args ...any) error {
	return lightfmt.Errorf("pattern, byte %d: %s", p.pos, lightfmt.Sprintf(format, args...))
}

// alternatives reads sequences between bars, up to the end or a closing bracket.
func (p *patternParser) alternatives() (*patternPart, error) {
	all := &patternPart{op: patternAlternatives, times: 1}
	for {
		one, err := p.sequence()
		if err != nil {
			return nil, err
		}
		all.add(one)
		if p.pos == len(p.text) || p.text[p.pos] != '|' {
			return all, nil
		}
		p.pos++
	}
}

func (a *patternPart) add(part *patternPart) {
	a.inner = append(a.inner, part)
	a.times = max(a.times, part.times)
}

func (p *patternParser) sequence() (*patternPart, error) {
	all := &patternPart{op: patternSequence, times: 1}
	for p.pos < len(p.text) && p.text[p.pos] != '|' && p.text[p.pos] != ')' {
		item, err := p.item()
		if err != nil {
			return nil, err
		}
		all.add(item)
	}
	return all, nil
}

// item reads one item with its quantifier.
func (p *patternParser) item() (*patternPart, error) {
	var item *patternPart
	var err error
	switch b := p.text[p.pos]; b {
	case '^':
		p.pos++
		return &patternPart{op: patternStart, times: 1}, nil
	case '$':
		p.pos++
		return &patternPart{op: patternEnd, times: 1}, nil
	case '*', '+', '?', '{':
		return nil, p.fault("nothing here to repeat; lazy and double quantifiers are left out")
	case ']', '}':
		return nil, p.fault("want \\%c for a literal one", b)
	case '(':
		item, err = p.group()
	default:
		item, err = p.runes(b)
	}
	if err != nil {
		return nil, err
	}
	return p.quantified(item)
}

func (p *patternParser) group() (*patternPart, error) {
	if p.depth++; p.depth > maxGroups {
		return nil, p.fault("too many groups inside each other")
	}
	p.pos++
	if strings.HasPrefix(p.text[p.pos:], "?") {
		return nil, p.fault("only plain groups")
	}
	inner, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if p.pos == len(p.text) {
		return nil, p.fault("want )")
	}
	p.pos++
	p.depth--
	return inner, nil
}

// runes reads a literal, an escape, a point or a class.
func (p *patternParser) runes(b byte) (*patternPart, error) {
	part := &patternPart{op: patternRunes, times: 1}
	var err error
	switch b {
	case '\\':
		part.runes, err = p.escape()
	case '[':
		part.runes, err = p.class()
	case '.':
		p.pos++
		part.runes = without([]runeRange{{'\n', '\n'}})
	default:
		r, n := utf8.DecodeRuneInString(p.text[p.pos:])
		p.pos += n
		part.runes = []runeRange{{r, r}}
	}
	return part, err
}

// The sets that escapes name, ASCII.
var (
	digitRunes = []runeRange{{'0', '9'}}
	wordRunes  = []runeRange{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	spaceRunes = []runeRange{{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}
)

// escape reads a backslash and the character behind it.
func (p *patternParser) escape() ([]runeRange, error) {
	if p.pos+1 == len(p.text) {
		return nil, p.fault("a backslash at the end")
	}
	b := p.text[p.pos+1]
	if strings.IndexByte(`dwsDWStnr.*+?()[]{}|^$\/-`, b) < 0 {
		return nil, p.fault("unknown escape")
	}
	p.pos += 2
	switch b {
	case 'd':
		return digitRunes, nil
	case 'D':
		return without(digitRunes), nil
	case 'w':
		return wordRunes, nil
	case 'W':
		return without(wordRunes), nil
	case 's':
		return spaceRunes, nil
	case 'S':
		return without(spaceRunes), nil
	case 't':
		b = '\t'
	case 'n':
		b = '\n'
	case 'r':
		b = '\r'
	}
	return []runeRange{{rune(b), rune(b)}}, nil
}

// class reads [ … ].
func (p *patternParser) class() (runes []runeRange, err error) {
	p.pos++
	negated := strings.HasPrefix(p.text[p.pos:], "^")
	if negated {
		p.pos++
	}
	for n := 0; p.pos < len(p.text); n++ {
		if p.text[p.pos] == ']' {
			if n == 0 {
				return nil, p.fault("an empty class")
			}
			p.pos++
			if negated {
				runes = without(runes)
			}
			return runes, nil
		}
		if strings.HasPrefix(p.text[p.pos:], "&&") {
			return nil, p.fault("&& in a class")
		}
		member, err := p.member()
		if err != nil {
			return nil, err
		}
		runes = append(runes, member...)
	}
	return nil, p.fault("want ]")
}

// member reads a character, a range or a set of a class.
func (p *patternParser) member() ([]runeRange, error) {
	low, set, err := p.classRune()
	if err != nil {
		return nil, err
	}
	if rest := p.text[p.pos:]; len(rest) < 2 || rest[0] != '-' || rest[1] == ']' {
		if set == nil {
			set = []runeRange{{low, low}}
		}
		return set, nil
	}
	p.pos++
	high, highSet, err := p.classRune()
	if err != nil {
		return nil, err
	}
	if set != nil || highSet != nil || high < low {
		return nil, p.fault("not a range")
	}
	return []runeRange{{low, high}}, nil
}

// classRune reads one character of a class, or a set such as \d.
func (p *patternParser) classRune() (r rune, set []runeRange, err error) {
	switch r, n := utf8.DecodeRuneInString(p.text[p.pos:]); r {
	case '[':
		return 0, nil, p.fault(`want \[ in a class`)
	case '\\':
		runes, err := p.escape()
		if err != nil {
			return 0, nil, err
		}
		if strings.IndexByte("dwsDWS", p.text[p.pos-1]) >= 0 {
			return 0, runes, nil
		}
		return runes[0].low, nil, nil
	default:
		p.pos += n
		return r, nil, nil
	}
}

// quantified reads the quantifier behind an item.
func (p *patternParser) quantified(item *patternPart) (*patternPart, error) {
	if p.pos == len(p.text) {
		return item, nil
	}
	repeat := &patternPart{op: patternRepeat, inner: []*patternPart{item}, most: -1, times: item.times}
	switch p.text[p.pos] {
	case '*':
	case '+':
		repeat.least = 1
	case '?':
		repeat.most = 1
	case '{':
		p.pos++
		return repeat, p.braces(repeat)
	default:
		return item, nil
	}
	p.pos++
	return repeat, nil
}

// braces reads the counts behind an opening brace.
func (p *patternParser) braces(repeat *patternPart) error {
	low, ok := p.count()
	high := low
	repeat.least, repeat.most = low, low
	if ok && strings.HasPrefix(p.text[p.pos:], ",") {
		p.pos++
		repeat.most = -1
		if !strings.HasPrefix(p.text[p.pos:], "}") {
			high, ok = p.count()
			repeat.most = high
		}
	}
	if !ok || high < low || !strings.HasPrefix(p.text[p.pos:], "}") {
		return p.fault("want {m}, {m,} or {m,n}, at most %d", maxRepeat)
	}
	p.pos++
	if repeat.times *= max(low, high, 1); repeat.times > maxRepeats {
		return p.fault("counts that multiply to more than %d", maxRepeats)
	}
	return nil
}

func (p *patternParser) count() (n int, ok bool) {
	start := p.pos
	for p.pos < len(p.text) && p.pos < start+3 && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' {
		n = n*10 + int(p.text[p.pos]-'0')
		p.pos++
	}
	return n, p.pos > start && n <= maxRepeat
}
