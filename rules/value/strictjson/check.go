// Package strictjson checks that a text is JSON that every parser reads alike.
//
// RFC 8259 leaves room for two readers of one text to disagree: repeated keys,
// invalid UTF-8, escapes that name half a surrogate pair. A decision made on one
// reading is worth nothing if the upstream takes the other, so Check refuses such
// texts before any other parser sees them.
package strictjson

import (
	"errors"
	"math/bits"
	"sync"

	"github.com/rulegate/rulegate/rules/lightfmt"
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

func (e *Error) Error() string { return lightfmt.Sprintf("offset %d: %v", e.Offset, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Check reports the first fault of text, nil when it is exactly one JSON value
// (RFC 8259) with at most maxDepth arrays and objects inside each other, no key
// twice in one object (compared after unescaping), and nothing but valid UTF-8
// and paired surrogates. It loops instead of recursing: a deep text must not
// overflow the small stack that a wasm host gives (gjson.Valid does).
//
// It allocates for keys that hold escapes, for many keys and for deep texts, never
// for values. A text of few keys takes no new memory.
func Check(text string, maxDepth int) error { return Scan(text, maxDepth, nil) }

// Visitor is told of the parts of a text, in their order, by offsets into it. A part is
// told before the text behind it is checked.
type Visitor interface {
	// Scalar tells of a string, a number, true, false or null.
	Scalar(start, end int, escaped bool)
	// Open tells of an array or object. It reports whether the Visitor is told of what
	// is inside.
	Open(object bool, start int) bool
	// Key tells of a key: its text, where it starts and ends, quotes included, and
	// where the value before it ends, or the bracket that opens the object. It reports
	// whether the Visitor is told of the value.
	Key(name string, start, end, before int) bool
	// Close tells of the end of an array or object whose start was told.
	Close(start, end int)
}

// Scan is Check, and tells the Visitor, if there is one, of each part that it reads.
func Scan(text string, maxDepth int, v Visitor) error {
	s := scanners.Get().(*Scanner)
	err := s.Scan(text, maxDepth, v)
	scanners.Put(s)
	return err
}

// Scanner is the memory of one Scan after the other. Nothing of a text stays in it.
type Scanner struct{ s scanner }

// scanners are those of the function Scan.
var scanners = sync.Pool{New: func() any { return new(Scanner) }}

// Scan is the function Scan.
func (s *Scanner) Scan(text string, maxDepth int, v Visitor) error {
	s.s.text, s.s.max, s.s.visitor = text, maxDepth, v
	return s.s.check(v == nil)
}

// check walks the text. Then nothing of it stays in the scanner.
func (s *scanner) check(silent bool) error {
	s.open, s.keys = s.firstOpen[:0], s.firstKeys[:0]
	if silent {
		s.silent, s.until = true, -1
	}
	err := s.run()
	*s = scanner{}
	return err
}

// Alike reports whether a text that Check has accepted has two keys in one object that
// differ by case alone.
func Alike(text string) bool {
	s := scanners.Get().(*Scanner)
	s.s.text, s.s.max, s.s.fold = text, len(text), true
	err := s.s.check(true)
	scanners.Put(s)
	return errors.Is(err, ErrRepeated)
}

type scanner struct {
	fold    bool // keys are compared without regard to case
	text    string
	max     int
	visitor Visitor
	open    []frame  // the arrays and objects that are open
	keys    []key    // the keys of the open objects, each object's own after first
	changed []string // the names of those that are not as they are written
	silent  bool     // nothing is told, until so many arrays and objects are open again
	until   int
	err     error

	firstOpen [4]frame // the memory of open and keys, until they grow
	firstKeys [16]key
}

type frame struct {
	object bool
	told   bool // the Visitor is told of the end
	first  int  // index in keys of the object's first key
	names  int  // index in changed of its first name there
	start  int  // offset
}

// key has no pointers, because a collection of garbage makes writing these slow.
type key struct {
	at, end int // offsets, quotes included
	changed int // the index in scanner.changed, counted from 1, of its name; 0: it is as written
}

// name is the key, without escapes and, if s folds, without case.
func (s *scanner) name(k *key) string {
	if k.changed > 0 {
		return s.changed[k.changed-1]
	}
	return s.text[k.at+1 : k.end-1]
}

// failed is returned by the methods of scanner in place of an offset when they have
// set err.
const failed = -1

func (s *scanner) fail(at int, err error) int {
	s.err = &Error{Offset: at, Err: err}
	return failed
}

func (s *scanner) malformed(at int, want string) int {
	if at >= len(s.text) {
		return s.fail(at, lightfmt.Errorf("want %s, found the end", want))
	}
	return s.fail(at, lightfmt.Errorf("want %s, found %q", want, s.text[at]))
}

// run walks the text. In each turn it reads a key, or a scalar, or opens an array or
// object. It is one function, and short strings and numbers are read in it, because a
// call costs a module more than most of these.
func (s *scanner) run() error {
	text := s.text
	i, isKey, before := space(text, 0), false, 0
	for {
		if i >= len(text) {
			s.malformed(i, wanted(isKey))
			return s.err
		}
		start, escaped := i, false
		switch b := text[i]; {
		case b == '"':
			for i++; ; {
				if i+8 <= len(text) {
					odd := special(word(text, i))
					if odd == 0 {
						i += 8
						continue
					}
					i += bits.TrailingZeros64(odd) >> 3
				}
				if i < len(text) && text[i] == '"' {
					i++
					break
				}
				if i = s.character(i, &escaped); i == failed {
					return s.err
				}
			}
			if isKey {
				if i = s.key(start, i, before, escaped); i == failed {
					return s.err
				}
				isKey = false
				continue
			}
		case isKey:
			s.malformed(i, wanted(isKey))
			return s.err
		case b == '{' || b == '[':
			opened := false
			if i, opened = s.container(i, b == '{'); i == failed {
				return s.err
			}
			if opened {
				isKey, before = b == '{', start+1
				continue
			}
		default:
			for i < len(text) && isDigit(text[i]) {
				i++
			}
			if i == start || b == '0' || i < len(text) && (text[i] == '.' || text[i]|0x20 == 'e') {
				if i = s.scalar(start); i == failed {
					return s.err
				}
			}
		}
		if !s.silent && text[start] != '{' && text[start] != '[' {
			s.visitor.Scalar(start, i, escaped)
		}
		if s.silent && len(s.open) == s.until {
			s.silent = false
		}
		if before = i; i < len(text) && text[i] == ',' && len(s.open) > 0 {
			isKey, i = s.open[len(s.open)-1].object, i+1 // most values end so
		} else if i, before, isKey = s.after(i); i < 0 {
			return s.err // nil at the end of the text
		}
		if i < len(text) && text[i] <= ' ' {
			i = space(text, i)
		}
	}
}

// wanted tells of what is missing.
func wanted(isKey bool) string {
	if isKey {
		return "a key"
	}
	return "a value"
}

// container opens an array or object. opened is false for an empty one, which ends at
// once. Behind an opened one, i is at its first key or value.
func (s *scanner) container(start int, object bool) (i int, opened bool) {
	if len(s.open) >= s.max {
		return s.fail(start, ErrDepth), false
	}
	told, inside := !s.silent, false
	if told {
		inside = s.visitor.Open(object, start)
	}
	i = space(s.text, start+1)
	closing := byte(']')
	if object {
		closing = '}'
	}
	if i < len(s.text) && s.text[i] == closing {
		if told {
			s.visitor.Close(start, i+1)
		}
		return i + 1, false
	}
	if told && !inside {
		s.silent, s.until = true, len(s.open)
	}
	s.open = append(s.open, frame{object: object, told: told, first: len(s.keys), names: len(s.changed), start: start})
	return i, true
}

// ended is returned by after at the end of the text.
const ended = -2

// after reads the text behind a value: the ends of arrays and objects, and a comma; or
// the end of the text. i is behind the comma, before is the end of the last value.
func (s *scanner) after(end int) (i, before int, isKey bool) {
	text := s.text
	for {
		if s.silent && len(s.open) == s.until {
			s.silent = false
		}
		i = space(text, end)
		if len(s.open) == 0 {
			if i < len(text) {
				return s.malformed(i, "the end"), end, false
			}
			return ended, end, false
		}
		top := &s.open[len(s.open)-1]
		if i >= len(text) {
			return s.malformed(i, "a comma or an end"), end, false
		}
		switch b := text[i]; {
		case b == ',':
			return i + 1, end, top.object
		case b == '}' && top.object:
			if at, ok := s.repeated(s.keys[top.first:]); ok {
				return s.fail(at, ErrRepeated), end, false
			}
			s.keys, s.changed = s.keys[:top.first], s.changed[:top.names]
		case b == ']' && !top.object:
		default:
			return s.malformed(i, "a comma or an end"), end, false
		}
		start, told := top.start, top.told
		s.open = s.open[:len(s.open)-1]
		end = i + 1
		if told {
			s.visitor.Close(start, end)
		}
	}
}

// key notes a key, and reads its colon. i is at the value.
func (s *scanner) key(start, end, before int, escaped bool) (i int) {
	text := s.text
	name, k := text[start+1:end-1], key{at: start, end: end}
	if escaped || s.fold {
		if escaped {
			name = Unescape(name)
		}
		if s.fold {
			name = withoutCase(name)
		}
		s.changed = append(s.changed, name)
		k.changed = len(s.changed)
	}
	s.keys = append(s.keys, k)
	if i = end; i >= len(text) || text[i] != ':' {
		if i = space(text, end); i >= len(text) || text[i] != ':' {
			return s.malformed(i, "a colon")
		}
	}
	if !s.silent && !s.visitor.Key(name, start, end, before) {
		s.silent, s.until = true, len(s.open)
	}
	if i++; i < len(text) && text[i] <= ' ' {
		i = space(text, i)
	}
	return i
}

// repeated finds a key that an object has twice. Few keys are compared in pairs, since a
// map costs more than it saves; many go through a map, so that a hostile object
// of a million keys takes linear time.
func (s *scanner) repeated(keys []key) (at int, found bool) {
	if len(keys) <= 16 {
		for i := 1; i < len(keys); i++ {
			for j := range i {
				if a, b := &keys[i], &keys[j]; (a.end-a.at == b.end-b.at || a.changed != b.changed) && s.name(a) == s.name(b) {
					return a.at, true
				}
			}
		}
		return 0, false
	}
	seen := make(map[string]struct{}, len(keys))
	for i := range keys {
		name := s.name(&keys[i])
		if _, ok := seen[name]; ok {
			return keys[i].at, true
		}
		seen[name] = struct{}{}
	}
	return 0, false
}
