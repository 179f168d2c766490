package rules

import (
	"errors"
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/spelling"
	"github.com/rulegate/rulegate/rules/value"
)

// function is a function of `utils.`.
type function struct {
	name        string
	usage       string // its arguments, for faults
	least, most int    // how many arguments it takes; most -1: any number
	// onePath: the whole text in the brackets may be one path, whatever is in it.
	onePath bool
	// words: texts may stand without quotes, and references in quotes.
	words bool
	build func(*callSpec) (expression, error)

	apply func(value.Value) (value.Value, error)      // of buildUnary
	part  readPart                                    // of its argument that apply needs
	calc  func(a, b value.Value) (value.Value, error) // of buildArithmetic
	// steps are counted for each call, and another one for that many bytes of each
	// argument.
	steps, bytes int
}

// callSpec is one call that is compiled.
type callSpec struct {
	*compiler
	function *function
	text     string
	args     []expression
}

// functions are laid out by the linker: a map would be built by code.
var functions = [...]*function{
	{name: "now", usage: "()", build: buildNow},
	{name: "exists", usage: "(path)", least: 1, most: 1, onePath: true, build: buildExists},
	{name: "length", usage: "(path)", least: 1, most: 1, onePath: true, build: buildUnary, apply: length, part: readLength, steps: 1, bytes: bytesWalked},
	{name: "number", usage: "(path)", least: 1, most: 1, onePath: true, build: buildUnary, apply: number, steps: 8, bytes: bytesMatched},
	{name: "lower", usage: "(path)", least: 1, most: 1, onePath: true, build: buildUnary, apply: lowered, steps: 4, bytes: bytesMatched},
	{name: "stringToObjectId", usage: "(path)", least: 1, most: 1, onePath: true, build: buildObjectID, apply: objectID, steps: 8, bytes: bytesMatched},
	{name: "objectIdToString", usage: "(path)", least: 1, most: 1, onePath: true, build: buildUnary, apply: objectIDText, steps: 8, bytes: bytesWalked},
	{name: "keys", usage: "(path)", least: 1, most: 1, build: buildUnary, apply: keysOf, steps: 4, bytes: bytesWalked},
	{name: "values", usage: "(path)", least: 1, most: 1, build: buildUnary, apply: valuesOf, steps: 4, bytes: bytesWalked},
	{name: "split", usage: "(path, 'separator')", least: 2, most: 2, build: buildSplit, steps: 4, bytes: bytesWalked},
	{name: "default", usage: "(path, value)", least: 2, most: 2, build: buildDefault},
	{name: "concat", usage: "(string, string, …)", least: 1, most: -1, build: buildConcat, steps: 4, bytes: bytesCopied},
	{name: "add", usage: "(number, number)", least: 2, most: 2, build: buildArithmetic, calc: value.Add, steps: 15, bytes: bytesWalked},
	{name: "sub", usage: "(number, number)", least: 2, most: 2, build: buildArithmetic, calc: value.Sub, steps: 15, bytes: bytesWalked},
	{name: "mul", usage: "(number, number)", least: 2, most: 2, build: buildArithmetic, calc: value.Mul, steps: 15, bytes: bytesWalked},
	{name: "date", usage: "(number or date)", least: 1, most: 1, build: buildDate, steps: 2 * stepsDate, bytes: bytesMatched},
	{name: "datePart", usage: "(date, 'part', 'zone')", least: 2, most: 3, build: buildDatePart, steps: 2 * stepsDate, bytes: bytesMatched},
	{name: "addDuration", usage: "(date, 'duration')", least: 2, most: 2, words: true, build: buildAddDuration, steps: 2 * stepsDate, bytes: bytesMatched},
	{name: "roundUpDate", usage: "(date, 'unit')", least: 2, most: 2, words: true, build: buildRoundUpDate, steps: 2 * stepsDate, bytes: bytesMatched},
}

// functionOf returns the function of a name, nil when there is none.
func functionOf(name string) *function {
	for _, f := range functions {
		if f.name == name {
			return f
		}
	}
	return nil
}

func unknownFunction(name string) error {
	if near := spelling.Nearest(name, Functions()); near != "" {
		return lightfmt.Errorf("unknown function utils.%s; did you mean utils.%s?", name, near)
	}
	return lightfmt.Errorf("unknown function utils.%s: want one of %s", name, strings.Join(Functions(), ", "))
}

// checkReference requires that an argument is a path or a call.
func (s *callSpec) checkReference(i int) error {
	if v, ok := writtenValue(s.args[i]); ok {
		return lightfmt.Errorf("want a path or a call, found the %s %s", found(v), v)
	}
	return nil
}

// writtenText returns an argument that must be written in the rule.
func (s *callSpec) writtenText(i int, want string) (string, error) {
	v, _ := writtenValue(s.args[i])
	if text, ok := v.Text(); ok && text != "" {
		return text, nil
	}
	return "", lightfmt.Errorf("want %s in quotes, found %s", want, s.args[i].source())
}

// unary is the call of a function of one value.
type unary struct {
	text  string
	arg   expression
	apply func(value.Value) (value.Value, error) // the error lacks the argument's name
	of    *function
	// objectID: the value is an ObjectID, the one object that a reference may
	// bring to find.
	objectID bool
}

// buildUnary builds the call of a function of one path.
func buildUnary(s *callSpec) (expression, error) { return s.unary(), s.checkReference(0) }

func (s *callSpec) unary() *unary {
	return &unary{text: s.text, arg: s.args[0], apply: s.function.apply, of: s.function}
}

func (u *unary) value(r *run) (value.Value, error) {
	v, err := u.arg.value(r)
	if err != nil || v.Kind() == value.Pending {
		return v, err
	}
	if !r.spend(u.of.steps + v.Size()/u.of.bytes) {
		return value.Value{}, errSteps
	}
	if v, err = u.apply(v); err != nil {
		return v, errors.New(u.arg.source() + ": " + err.Error())
	}
	return v, nil
}

func (u *unary) reads(rs *roots) {
	if p := pathOf(u.arg); p != nil {
		rs.read(p, u.of.part)
		return
	}
	u.arg.reads(rs)
}

func (u *unary) source() string { return u.text }

// exists is utils.exists(x).
type exists struct {
	text string
	arg  expression
}

func buildExists(s *callSpec) (expression, error) {
	return &exists{s.text, s.args[0]}, s.checkReference(0)
}

// value is false where nothing is. A call that cannot be decided stays undecided.
func (e *exists) value(r *run) (value.Value, error) {
	v, err := e.arg.value(r)
	switch {
	case err != nil && !isAbsent(err), v.Kind() == value.Pending:
		return v, err
	}
	return value.Boolean(err == nil), nil
}

func (e *exists) reads(rs *roots) {
	if p := pathOf(e.arg); p != nil {
		rs.read(p, readExists)
		return
	}
	e.arg.reads(rs)
}

func (e *exists) source() string { return e.text }

// fallback is utils.default(x, y).
type fallback struct {
	text string
	x, y expression
}

func buildDefault(s *callSpec) (expression, error) {
	return &fallback{s.text, s.args[0], s.args[1]}, s.checkReference(0)
}

func (f *fallback) value(r *run) (value.Value, error) {
	v, err := f.x.value(r)
	if err != nil && isAbsent(err) {
		return f.y.value(r)
	}
	return v, err
}

func (f *fallback) reads(rs *roots) {
	f.x.reads(rs)
	f.y.reads(rs)
}

func (f *fallback) source() string { return f.text }

// joint is the call of a function of several values of one type.
type joint struct {
	text  string
	of    *function
	args  []expression
	apply func([]value.Value) (value.Value, error)
}

// buildJoint builds the call of a function whose arguments are all of one kind.
func buildJoint(s *callSpec, want value.Kind, apply func([]value.Value) (value.Value, error)) (expression, error) {
	for _, arg := range s.args {
		if v, ok := writtenValue(arg); ok && v.Kind() != want {
			return nil, lightfmt.Errorf("want %v, found the %s %s", want, found(v), v)
		}
	}
	return &joint{s.text, s.function, s.args, func(values []value.Value) (value.Value, error) {
		for i, v := range values {
			if v.Kind() != want {
				return v, wrongType(s.args[i].source(), want.String(), v)
			}
		}
		return apply(values)
	}}, nil
}

func (j *joint) value(r *run) (value.Value, error) {
	values := make([]value.Value, len(j.args))
	for i, arg := range j.args {
		var err error
		if values[i], err = arg.value(r); err != nil || values[i].Kind() == value.Pending {
			return values[i], err
		}
		if !r.spend(j.of.steps + value.DigitWork(values[i]) + values[i].Size()/j.of.bytes) {
			return value.Value{}, errSteps
		}
	}
	return j.apply(values)
}

func (j *joint) reads(rs *roots) {
	for _, arg := range j.args {
		arg.reads(rs)
	}
}

func (j *joint) source() string { return j.text }

// maxText bounds the text that utils.concat makes, in bytes.
const maxText = 1 << 20

func buildConcat(s *callSpec) (expression, error) {
	return buildJoint(s, value.String, func(values []value.Value) (value.Value, error) {
		n := 0
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i], _ = v.Text()
			n += len(texts[i])
		}
		if n > maxText {
			return value.Value{}, lightfmt.Errorf("%s has more than %d bytes", s.text, maxText)
		}
		return value.Str(strings.Join(texts, "")), nil
	})
}

func buildArithmetic(s *callSpec) (expression, error) {
	return buildJoint(s, value.Number, func(values []value.Value) (value.Value, error) {
		v, err := s.function.calc(values[0], values[1])
		if err != nil {
			err = lightfmt.Errorf("%s: %w", s.text, err)
		}
		return v, err
	})
}

// now is utils.now(): the time of the request.
type now struct{}

func buildNow(*callSpec) (expression, error) { return now{}, nil }

func (now) value(r *run) (value.Value, error) { return dateValue(r.in.Now.UTC()) }
func (now) reads(rs *roots)                   { rs.clock = true }
func (now) source() string                    { return "utils.now()" }
