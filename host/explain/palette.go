package explain

import (
	"strings"
	"unicode"

	"github.com/rulegate/rulegate/host/trace"
)

// palette adds the escapes of a terminal (ECMA-48, SGR), or none.
type palette struct{ on bool }

func (p palette) sgr(code, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p palette) bold(text string) string { return p.sgr("1", text) }
func (p palette) dim(text string) string  { return p.sgr("2", text) }
func (p palette) bad(text string) string  { return p.sgr("31", text) }
func (p palette) good(text string) string { return p.sgr("32", text) }
func (p palette) warn(text string) string { return p.sgr("33", text) }

// outcome colours a text by an outcome.
func (p palette) outcome(o trace.Outcome, text string) string {
	switch o {
	case trace.Yes:
		return p.good(text)
	case trace.No:
		return p.bad(text)
	case trace.NotReached:
		return p.dim(text)
	}
	return p.warn(text)
}

// printable replaces the characters that a terminal takes for commands: a client
// writes paths, and upstreams write bodies.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) && r != ' ' {
			return '\ufffd'
		}
		return r
	}, text)
}
