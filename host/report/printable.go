package report

import (
	"io"
	"strings"
	"unicode"
)

// Printable replaces the characters of a text that are not shown: bytes that are no
// UTF-8, and controls, which a terminal would obey and XML cannot have. Tabs and the ends
// of lines stay.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !unicode.IsGraphic(r) {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// PlainWriter writes what is Printable to another writer. A character must not be split
// between two writes.
type PlainWriter struct {
	Err error // the first error, after which nothing is written

	w io.Writer
}

// Plain returns a writer to w.
func Plain(w io.Writer) *PlainWriter { return &PlainWriter{w: w} }

// Write implements io.Writer.
func (p *PlainWriter) Write(b []byte) (int, error) {
	if p.Err == nil {
		_, p.Err = io.WriteString(p.w, Printable(string(b)))
	}
	if p.Err != nil {
		return 0, p.Err
	}
	return len(b), nil
}
