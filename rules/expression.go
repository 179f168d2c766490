package rules

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// expression is a value that a rule names: a *literal, a *path, or the call of
// a function.
type expression interface {
	// value resolves the expression once: a text that it brings is data, even
	// if it looks like a reference. The value is Pending while the body or a
	// reply is awaited. The error says why there is no value.
	value(r *run) (value.Value, error)
	// reads adds the places of args that the value depends on.
	reads(rs *roots)
	// source is the expression as the rule has it, for reasons.
	source() string
}

// literal is a value that is written in the rule.
type literal struct {
	text    string // as it is written
	written value.Value
}

func (l *literal) value(*run) (value.Value, error) { return l.written, nil }
func (l *literal) reads(*roots)                    {}
func (l *literal) source() string                  { return l.text }

// writtenValue is the value of an expression that is a literal.
func writtenValue(e expression) (v value.Value, ok bool) {
	l, ok := e.(*literal)
	if !ok {
		return v, false
	}
	return l.written, true
}

// absence is the error of an expression that names a place where nothing is.
type absence struct{ of string }

func (a *absence) Error() string { return a.of + " is missing" }

// isAbsent reports whether the error of an expression is that nothing is there.
func isAbsent(err error) bool {
	_, ok := err.(*absence)
	return ok
}

// wrongType is the error of a value that is there and has another type than the
// one that is needed.
func wrongType(of, want string, v value.Value) error {
	return errors.New(of + ": want " + want + ", found " + found(v))
}

// isReference reports whether a string of a rule is a path or a call where both
// a reference and a text may stand.
func (s scope) isReference(text string) bool {
	return strings.HasPrefix(text, "args.") || strings.HasPrefix(text, "utils.") || s.item && isItem(text)
}

// reference reads a string that isReference.
func (c *compiler) reference(text string) (e expression, err error) {
	if strings.HasPrefix(text, "utils.") {
		e, err = c.call(text)
	} else {
		e, err = c.path(text)
	}
	if err != nil {
		return nil, err
	}
	return c.once(e), nil
}

// expression reads a value of a rule where strings that look like references
// are references, and {"literal": "…"} spells one that is not.
func (c *compiler) expression(spec value.Value, at string) (expression, error) {
	c.written = c.writtenAt(spec, at)
	defer func() { c.written = "" }()
	if text, ok := spec.Text(); ok && c.scope.isReference(text) {
		return c.reference(text)
	}
	if text, ok := literalText(spec); ok {
		return &literal{text: c.shown(spec.String()), written: value.Str(text)}, nil
	}
	return &literal{text: c.shown(spec.String()), written: spec}, nil
}

// referenceAt is reference for the text at a place.
func (c *compiler) referenceAt(text, at string) (expression, error) {
	c.written = c.writtenAt(value.Str(text), at)
	defer func() { c.written = "" }()
	return c.reference(text)
}

// writtenAt returns the text at a place as the policy has it, quoted, if a variable
// stands in it; else "".
func (c *compiler) writtenAt(spec value.Value, at string) string {
	if c.env.Written == nil {
		return ""
	}
	text := c.env.Written(at)
	if spec.Kind() == value.Object {
		text = c.env.Written(Join(at, "literal"))
	}
	if text == "" {
		return ""
	}
	return string(value.AppendString(nil, text))
}

// shown returns a part of the expression that is being read, as reasons quote it.
func (c *compiler) shown(text string) string {
	if c.written != "" {
		return c.written
	}
	return text
}

// literalText reads {"literal": "text"}.
func literalText(spec value.Value) (text string, ok bool) {
	if spec.Kind() != value.Object {
		return "", false
	}
	text, ok = spec.Key("literal").Text()
	return text, ok && spec.Len() == 1
}

func wantReference(text string) error {
	return lightfmt.Errorf("%q is no reference: want args.… or utils.…", text)
}
