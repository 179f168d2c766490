package companion

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"
)

// maxNested bounds the groups inside each other that the server is sent.
const maxNested = 20

// postgresPattern spells a pattern of rules.CheckPattern's subset as one of
// PostgreSQL's, https://www.postgresql.org/docs/current/functions-matching.html#POSIX-SYNTAX-DETAILS,
// from what it was read as and not from its text: there `.` takes a line feed,
// \s a vertical tab and \w what the collation says. Every character but letters and
// digits is written as \Uxxxxxxxx. false: the pattern is matched elsewhere.
func postgresPattern(pattern string) (string, bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	ok := spell(&b, re, 0)
	return b.String(), ok
}

func spell(b *strings.Builder, re *syntax.Regexp, depth int) bool {
	if depth > maxNested || re.Flags&(syntax.NonGreedy|syntax.FoldCase) != 0 {
		return false
	}
	switch re.Op {
	case syntax.OpEmptyMatch:
		b.WriteString("()")
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			spellRune(b, r)
		}
	case syntax.OpCharClass:
		return spellClass(b, re.Rune)
	case syntax.OpAnyCharNotNL:
		b.WriteString(`[^\n]`)
	case syntax.OpBeginText:
		b.WriteByte('^')
	case syntax.OpEndText:
		b.WriteByte('$')
	case syntax.OpCapture:
		return group(b, re.Sub[0], "", depth)
	case syntax.OpStar:
		return group(b, re.Sub[0], "*", depth)
	case syntax.OpPlus:
		return group(b, re.Sub[0], "+", depth)
	case syntax.OpQuest:
		return group(b, re.Sub[0], "?", depth)
	case syntax.OpRepeat:
		if re.Min > 255 || re.Max > 255 {
			return false
		}
		counts := fmt.Sprintf("{%d,%d}", re.Min, re.Max)
		if re.Max < 0 {
			counts = fmt.Sprintf("{%d,}", re.Min)
		}
		return group(b, re.Sub[0], counts, depth)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if sub.Op == syntax.OpAlternate {
				if !group(b, sub, "", depth) {
					return false
				}
			} else if !spell(b, sub, depth) {
				return false
			}
		}
	case syntax.OpAlternate:
		for i, sub := range re.Sub {
			if i > 0 {
				b.WriteByte('|')
			}
			if !spell(b, sub, depth) {
				return false
			}
		}
	default:
		return false
	}
	return true
}

func group(b *strings.Builder, re *syntax.Regexp, times string, depth int) bool {
	b.WriteByte('(')
	ok := spell(b, re, depth+1)
	b.WriteString(")" + times)
	return ok
}

func spellRune(b *strings.Builder, r rune) {
	switch {
	case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
		b.WriteRune(r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

// spellClass writes ranges; one that reaches to the last character as the opposite
// of what it leaves out. There is no NUL in a text.
func spellClass(b *strings.Builder, ranges []rune) bool {
	if n := len(ranges); n > 0 && ranges[n-1] == unicode.MaxRune {
		var left []rune
		next := rune(1)
		for i := 0; i < n; i += 2 {
			if ranges[i] > next {
				left = append(left, next, ranges[i]-1)
			}
			next = ranges[i+1] + 1
		}
		if len(left) == 0 {
			b.WriteString(`[\U00000001-\U0010ffff]`)
			return true
		}
		return spellRanges(b, "[^", left)
	}
	return len(ranges) > 0 && spellRanges(b, "[", ranges)
}

func spellRanges(b *strings.Builder, open string, ranges []rune) bool {
	b.WriteString(open)
	for i := 0; i < len(ranges); i += 2 {
		low, high := max(ranges[i], 1), ranges[i+1]
		if high < low {
			return false
		}
		spellRune(b, low)
		if high > low {
			b.WriteByte('-')
			spellRune(b, high)
		}
	}
	b.WriteByte(']')
	return true
}
