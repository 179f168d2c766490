package strictjson

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// slowCheck is Check, byte by byte: what Scan is compared with.
func slowCheck(text string, maxDepth int) error {
	c := checker{text: text, max: maxDepth}
	return c.run()
}

type checker struct {
	text string
	pos  int
	max  int
	open []slowFrame // the arrays and objects that are open
	keys []slowKey   // the keys of the open objects, each object's own after first
}

type slowFrame struct {
	object bool
	first  int // index in keys of the object's first key
}

type slowKey struct {
	name string // unescaped
	at   int    // offset
}

func slowRepeated(keys []slowKey) (at int, found bool) {
	seen := map[string]bool{}
	for _, k := range keys {
		if seen[k.name] {
			return k.at, true
		}
		seen[k.name] = true
	}
	return 0, false
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
	c.open = append(c.open, slowFrame{object: object, first: len(c.keys)})
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
			if at, ok := slowRepeated(c.keys[top.first:]); ok {
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
		raw = Unescape(raw)
	}
	c.keys = append(c.keys, slowKey{name: raw, at: at})
	c.space()
	if c.pos >= len(c.text) || c.text[c.pos] != ':' {
		return c.malformed("a colon")
	}
	c.pos++
	return nil
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

// escape reads one escape of a string, both halves of a surrogate pair at once.
func (c *checker) escape() error {
	at := c.pos
	if c.pos+1 >= len(c.text) {
		c.pos = len(c.text)
		return c.malformed("an escape")
	}
	c.pos++
	switch c.text[c.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		c.pos++
		return nil
	case 'u':
	default:
		return c.malformed("an escape")
	}
	r, ok := hex4(c.text, c.pos+1)
	if !ok {
		return c.malformed("four hex digits")
	}
	c.pos += 5
	if !utf16.IsSurrogate(r) {
		return nil
	}
	if strings.HasPrefix(c.text[c.pos:], `\u`) {
		low, ok := hex4(c.text, c.pos+2)
		if ok && utf16.DecodeRune(r, low) != utf8.RuneError {
			c.pos += 6
			return nil
		}
	}
	return c.fail(at, ErrUTF8)
}
