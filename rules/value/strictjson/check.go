// Package strictjson checks that a text is JSON that every parser reads alike.
//
// RFC 8259 leaves room for two readers of one text to disagree: repeated keys,
// invalid UTF-8, escapes that name half a surrogate pair. A decision made on one
// reading is worth nothing if the upstream takes the other, so Check refuses such
// texts before any other parser sees them.
package strictjson

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Errors that callers tell apart; everything else is plain malformed JSON.
var (
	ErrDepth    = errors.New("nested too deep")
	ErrRepeated = errors.New("repeated key")
	ErrUTF8     = errors.New("not valid UTF-8")
)

// Error is a fault of a text.
type Error struct {
	Offset int // in bytes
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("offset %d: %v", e.Offset, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Check reports the first fault of text, nil when it is exactly one JSON value
// (RFC 8259) with at most maxDepth arrays and objects inside each other, no key
// twice in one object (compared after unescaping), and nothing but valid UTF-8
// and paired surrogates. It loops instead of recursing: a deep text must not
// overflow the small stack that a wasm host gives (gjson.Valid does).
//
// It allocates for keys that hold escapes and for objects of many keys, never
// for values.
func Check(text string, maxDepth int) error {
	c := checker{text: text, max: maxDepth}
	return c.run()
}

type checker struct {
	text string
	pos  int
	max  int
	open []frame // the arrays and objects that are open
	keys []key   // the keys of the open objects, each object's own after first
}

type frame struct {
	object bool
	first  int // index in keys of the object's first key
}

type key struct {
	name string // unescaped
	at   int    // offset
}

func (c *checker) fail(at int, err error) error { return &Error{Offset: at, Err: err} }

func (c *checker) malformed(want string) error {
	if c.pos >= len(c.text) {
		return c.fail(c.pos, fmt.Errorf("want %s, found the end", want))
	}
	return c.fail(c.pos, fmt.Errorf("want %s, found %q", want, c.text[c.pos]))
}

func (c *checker) space() {
	for c.pos < len(c.text) {
		switch c.text[c.pos] {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return
		}
	}
}

// run walks the text: value reads a scalar or opens a container, after reads the
// commas and brackets behind a value.
func (c *checker) run() error {
	for {
		opened, err := c.value()
		if err != nil {
			return err
		}
		if opened {
			continue
		}
		done, err := c.after()
		if done || err != nil {
			return err
		}
	}
}

// value reads one value; opened is set for a container that is not empty.
func (c *checker) value() (opened bool, err error) {
	c.space()
	if c.pos >= len(c.text) {
		return false, c.malformed("a value")
	}
	switch b := c.text[c.pos]; {
	case b == '{' || b == '[':
		return c.container(b == '{')
	case b == '"':
		_, _, err = c.str()
		return false, err
	case b == '-' || b >= '0' && b <= '9':
		return false, c.number()
	case b == 't':
		return false, c.word("true")
	case b == 'f':
		return false, c.word("false")
	case b == 'n':
		return false, c.word("null")
	}
	return false, c.malformed("a value")
}

func (c *checker) container(object bool) (opened bool, err error) {
	if len(c.open) >= c.max {
		return false, c.fail(c.pos, ErrDepth)
	}
	c.pos++
	c.space()
	closing := byte(']')
	if object {
		closing = '}'
	}
	if c.pos < len(c.text) && c.text[c.pos] == closing {
		c.pos++
		return false, nil
	}
	c.open = append(c.open, frame{object: object, first: len(c.keys)})
	if object {
		return true, c.key()
	}
	return true, nil
}

// after reads the text behind a value: a comma and, in an object, the next key;
// or the ends of containers; or the end of the text.
func (c *checker) after() (done bool, err error) {
	for {
		c.space()
		if len(c.open) == 0 {
			if c.pos < len(c.text) {
				return false, c.malformed("the end")
			}
			return true, nil
		}
		top := c.open[len(c.open)-1]
		if c.pos >= len(c.text) {
			return false, c.malformed("a comma or an end")
		}
		switch b := c.text[c.pos]; {
		case b == ',' && top.object:
			c.pos++
			c.space()
			return false, c.key()
		case b == ',':
			c.pos++
			return false, nil
		case b == '}' && top.object:
			if at, ok := repeated(c.keys[top.first:]); ok {
				return false, c.fail(at, ErrRepeated)
			}
			c.keys = c.keys[:top.first]
		case b == ']' && !top.object:
		default:
			return false, c.malformed("a comma or an end")
		}
		c.pos++
		c.open = c.open[:len(c.open)-1]
	}
}

func (c *checker) key() error {
	at := c.pos
	if c.pos >= len(c.text) || c.text[c.pos] != '"' {
		return c.malformed("a key")
	}
	raw, escaped, err := c.str()
	if err != nil {
		return err
	}
	if escaped {
		raw = unescape(raw)
	}
	c.keys = append(c.keys, key{name: raw, at: at})
	c.space()
	if c.pos >= len(c.text) || c.text[c.pos] != ':' {
		return c.malformed("a colon")
	}
	c.pos++
	return nil
}

// repeated finds a key that an object has twice. Few keys are compared in pairs, since a
// map costs more than it saves; many go through a map, so that a hostile object
// of a million keys takes linear time.
func repeated(keys []key) (at int, found bool) {
	if len(keys) <= 16 {
		for i := 1; i < len(keys); i++ {
			for j := range i {
				if keys[i].name == keys[j].name {
					return keys[i].at, true
				}
			}
		}
		return 0, false
	}
	seen := make(map[string]struct{}, len(keys))
	for _, k := range keys {
		if _, ok := seen[k.name]; ok {
			return k.at, true
		}
		seen[k.name] = struct{}{}
	}
	return 0, false
}

func (c *checker) word(w string) error {
	if len(c.text)-c.pos < len(w) || c.text[c.pos:c.pos+len(w)] != w {
		return c.malformed(w)
	}
	c.pos += len(w)
	return nil
}

// number reads RFC 8259's number: no plus sign, no leading zero, no bare point.
func (c *checker) number() error {
	if c.text[c.pos] == '-' {
		c.pos++
	}
	if c.pos < len(c.text) && c.text[c.pos] == '0' {
		c.pos++
	} else if !c.digits() {
		return c.malformed("a digit")
	}
	if c.pos < len(c.text) && c.text[c.pos] == '.' {
		c.pos++
		if !c.digits() {
			return c.malformed("a digit")
		}
	}
	if c.pos < len(c.text) && (c.text[c.pos] == 'e' || c.text[c.pos] == 'E') {
		c.pos++
		if c.pos < len(c.text) && (c.text[c.pos] == '+' || c.text[c.pos] == '-') {
			c.pos++
		}
		if !c.digits() {
			return c.malformed("a digit")
		}
	}
	return nil
}

func (c *checker) digits() bool {
	start := c.pos
	for c.pos < len(c.text) && c.text[c.pos] >= '0' && c.text[c.pos] <= '9' {
		c.pos++
	}
	return c.pos > start
}

// str reads a string and returns the text between its quotes.
func (c *checker) str() (raw string, escaped bool, err error) {
	c.pos++
	start := c.pos
	for c.pos < len(c.text) {
		switch b := c.text[c.pos]; {
		case b == '"':
			raw = c.text[start:c.pos]
			c.pos++
			return raw, escaped, nil
		case b == '\\':
			escaped = true
			if err := c.escape(); err != nil {
				return "", false, err
			}
		case b < 0x20:
			return "", false, c.malformed("no control character in a string")
		case b < utf8.RuneSelf:
			c.pos++
		default:
			r, n := utf8.DecodeRuneInString(c.text[c.pos:])
			if r == utf8.RuneError && n == 1 {
				return "", false, c.fail(c.pos, ErrUTF8)
			}
			c.pos += n
		}
	}
	return "", false, c.malformed("the end of the string")
}
