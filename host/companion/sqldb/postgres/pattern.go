package postgres

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"
)

// maxNested bounds the groups inside each other that are sent to the server.
const maxNested = 20

// errPattern means that PostgreSQL has no pattern of the same meaning.
var errPattern = errors.New("no such pattern in PostgreSQL")

// translate writes a pattern of rules.CheckPattern's subset as one of PostgreSQL,
// https://www.postgresql.org/docs/current/functions-matching.html#POSIX-SYNTAX-DETAILS.
// It works on the parsed pattern and not on its text, because in PostgreSQL `.`
// matches a line feed, \s a vertical tab, and \w depends on the collation. false means
// that the pattern must be tested in Go.
func translate(pattern string) (string, bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	var p patternWriter
	err = p.expression(re, 0)
	return p.String(), err == nil
}

// patternWriter writes every character but ASCII letters and digits as \Uxxxxxxxx,
// so that none is special.
type patternWriter struct{ strings.Builder }

func (p *patternWriter) expression(re *syntax.Regexp, depth int) error {
	if depth > maxNested || re.Flags&(syntax.NonGreedy|syntax.FoldCase) != 0 {
		return errPattern
	}
	switch re.Op {
	case syntax.OpCapture, syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		return p.repeated(re, depth)
	case syntax.OpConcat:
		return p.sequence(re.Sub, depth)
	case syntax.OpAlternate:
		return p.alternatives(re.Sub, depth)
	}
	return p.single(re)
}

// single writes an expression without others inside.
func (p *patternWriter) single(re *syntax.Regexp) error {
	switch re.Op {
	case syntax.OpEmptyMatch:
		p.WriteString("()")
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			p.char(r)
		}
	case syntax.OpCharClass:
		return p.class(re.Rune)
	case syntax.OpAnyCharNotNL:
		p.WriteString(`[^\n]`)
	case syntax.OpBeginText:
		p.WriteByte('^')
	case syntax.OpEndText:
		p.WriteByte('$')
	default:
		return errPattern
	}
	return nil
}

// repeated writes a group with its quantifier.
func (p *patternWriter) repeated(re *syntax.Regexp, depth int) error {
	quantifier, err := quantifierOf(re)
	if err != nil {
		return err
	}
	return p.group(re.Sub[0], quantifier, depth)
}

func quantifierOf(re *syntax.Regexp) (string, error) {
	switch {
	case re.Op == syntax.OpCapture:
		return "", nil
	case re.Op == syntax.OpStar:
		return "*", nil
	case re.Op == syntax.OpPlus:
		return "+", nil
	case re.Op == syntax.OpQuest:
		return "?", nil
	case re.Min > 255 || re.Max > 255: // the most that PostgreSQL takes
		return "", errPattern
	case re.Max < 0:
		return fmt.Sprintf("{%d,}", re.Min), nil
	}
	return fmt.Sprintf("{%d,%d}", re.Min, re.Max), nil
}

func (p *patternWriter) group(re *syntax.Regexp, quantifier string, depth int) error {
	p.WriteByte('(')
	err := p.expression(re, depth+1)
	p.WriteString(")" + quantifier)
	return err
}

func (p *patternWriter) sequence(list []*syntax.Regexp, depth int) error {
	for _, re := range list {
		var err error
		if re.Op == syntax.OpAlternate {
			err = p.group(re, "", depth)
		} else {
			err = p.expression(re, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *patternWriter) alternatives(list []*syntax.Regexp, depth int) error {
	for i, re := range list {
		if i > 0 {
			p.WriteByte('|')
		}
		if err := p.expression(re, depth); err != nil {
			return err
		}
	}
	return nil
}

func (p *patternWriter) char(r rune) {
	if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
		p.WriteRune(r)
		return
	}
	fmt.Fprintf(p, `\U%08x`, r)
}

// class writes a character class. One that reaches to the last character is written
// as the negation of its gaps. A text of PostgreSQL has no NUL, so ranges begin at 1.
func (p *patternWriter) class(ranges []rune) error {
	n := len(ranges)
	switch {
	case n == 0:
		return errPattern
	case ranges[n-1] != unicode.MaxRune:
		return p.ranges("[", ranges)
	}
	var gaps []rune
	next := rune(1)
	for i := 0; i < n; i += 2 {
		if ranges[i] > next {
			gaps = append(gaps, next, ranges[i]-1)
		}
		next = ranges[i+1] + 1
	}
	if len(gaps) == 0 {
		p.WriteString(`[\U00000001-\U0010ffff]`)
		return nil
	}
	return p.ranges("[^", gaps)
}

func (p *patternWriter) ranges(open string, ranges []rune) error {
	p.WriteString(open)
	for i := 0; i < len(ranges); i += 2 {
		low, high := max(ranges[i], 1), ranges[i+1]
		if high < low {
			return errPattern
		}
		p.char(low)
		if high > low {
			p.WriteByte('-')
			p.char(high)
		}
	}
	p.WriteByte(']')
	return nil
}
