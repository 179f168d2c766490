package rules

import (
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// operand is something a rule looks at: a value written in it, a path, or a
// function of one.
type operand struct {
	text    string // as it was written, for reasons
	literal value.Value
	path    *path
	call    *function
}

func (o *operand) isLiteral() bool { return o.path == nil && o.call == nil }

// value resolves the operand, once: what a reference brings is data.
func (o *operand) value(r *run) value.Value {
	switch {
	case o.path != nil:
		return o.path.resolve(r)
	case o.call != nil:
		return o.call.value(r)
	}
	return o.literal
}

func (o *operand) reads(rs *roots) {
	switch {
	case o.path != nil:
		rs.read(o.path)
	case o.call != nil:
		o.call.reads(rs)
	}
}

func (w reach) isReference(s string) bool {
	return strings.HasPrefix(s, "args.") || strings.HasPrefix(s, "utils.") || w == ofItem && strings.HasPrefix(s, "item.")
}

// reference reads a string that isReference.
func (w reach) reference(s string) (*operand, error) {
	if strings.HasPrefix(s, "utils.") {
		f, err := w.function(s)
		return &operand{text: s, call: f}, err
	}
	p, err := w.path(s)
	return &operand{text: s, path: p}, err
}

// operand reads a value of a rule where strings that look like references are
// references, and {"literal": "…"} spells one that is not.
func (w reach) operand(spec value.Value) (*operand, error) {
	if s, ok := spec.Text(); ok && w.isReference(s) {
		return w.reference(s)
	}
	if s, ok := literalText(spec); ok {
		return &operand{text: spec.String(), literal: value.Str(s)}, nil
	}
	return &operand{text: spec.String(), literal: spec}, nil
}

// literalText reads {"literal": "text"}.
func literalText(spec value.Value) (s string, ok bool) {
	if spec.Kind() != value.Object {
		return "", false
	}
	s, ok = spec.Key("literal").Text()
	return s, ok && spec.Len() == 1
}

func wantReference(s string) error {
	return fmt.Errorf("%q is no reference: want args.… or utils.…", s)
}
