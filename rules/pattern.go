package rules

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// checkPattern says whether a $regex is in the subset that means the same to
// every database: literals, `.`, classes, the escapes below, ^ and $, groups,
// alternation, and the quantifiers * + ? {m} {m,} {m,n}, which are greedy. No
// back-references, look-around, lazy or possessive quantifiers, named groups or
// flags.
func checkPattern(p string) error {
	c := patternChecker{rest: p}
	for c.rest != "" {
		if err := c.atom(); err != nil {
			return fmt.Errorf("pattern %q: %w", p, err)
		}
	}
	if c.depth > 0 {
		return fmt.Errorf("pattern %q: a group is not closed", p)
	}
	return nil
}

type patternChecker struct {
	rest  string
	depth int
	atomy bool // what stands before can be repeated
}

const (
	escapedLetters = "dDwWsStnr"
	escapedMarks   = `.*+?()[]{}|^$\/-`
	maxRepeat      = 1000
)

func (c *patternChecker) atom() error {
	b := c.rest[0]
	c.rest = c.rest[1:]
	switch b {
	case '(':
		if strings.HasPrefix(c.rest, "?") {
			return errors.New("only plain groups are supported, found (?")
		}
		c.depth++
		c.atomy = false
	case ')':
		if c.depth--; c.depth < 0 {
			return errors.New("a ) without its (")
		}
		c.atomy = true
	case '|', '^', '$':
		c.atomy = false
	case '*', '+', '?':
		return c.repeat(string(b))
	case '{':
		return c.braces()
	case '[':
		c.atomy = true
		return c.class()
	case '\\':
		c.atomy = true
		return c.escape()
	case ']', '}':
		return fmt.Errorf("a bare %c: write \\%c", b, b)
	default:
		c.atomy = true
	}
	return nil
}

func (c *patternChecker) repeat(what string) error {
	if !c.atomy {
		return fmt.Errorf("nothing to repeat before %s", what)
	}
	c.atomy = false // so that *? and a** are refused
	return nil
}

func (c *patternChecker) braces() error {
	inside, rest, ok := strings.Cut(c.rest, "}")
	low, high, ranged := strings.Cut(inside, ",")
	m, err := strconv.Atoi(low)
	n := m
	if ranged && high != "" && err == nil {
		n, err = strconv.Atoi(high)
	}
	if !ok || err != nil || m < 0 || n < m || n > maxRepeat {
		return fmt.Errorf("want {m}, {m,} or {m,n} up to %d, found {%s", maxRepeat, inside)
	}
	c.rest = rest
	return c.repeat("{")
}

func (c *patternChecker) escape() error {
	if c.rest == "" || !strings.ContainsRune(escapedLetters+escapedMarks, rune(c.rest[0])) {
		return fmt.Errorf("unknown escape \\%.1s", c.rest)
	}
	c.rest = c.rest[1:]
	return nil
}

func (c *patternChecker) class() error {
	c.rest = strings.TrimPrefix(c.rest, "^")
	for first := true; c.rest != ""; first = false {
		b := c.rest[0]
		c.rest = c.rest[1:]
		switch {
		case b == ']' && !first:
			return nil
		case b == ']', b == '[', b == '&' && strings.HasPrefix(c.rest, "&"):
			return fmt.Errorf("%c in a class: write \\%c", b, b)
		case b == '\\':
			if err := c.escape(); err != nil {
				return err
			}
		}
	}
	return errors.New("a class is not closed")
}
