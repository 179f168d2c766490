package rules

import (
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// maxCallDepth bounds calls inside each other.
const maxCallDepth = 16

// call reads a call of a function:
//
//	call     = "utils." name "(" [ argument { "," argument } ] ")" { step }
//	argument = path | call | text in quotes | number | "true" | "false" | "null"
//	step     = "." key | "[" path "]" | "['" key "']"
//
// Blanks around an argument are skipped. A path in an argument ends at a comma or
// a closing bracket; a key that holds one stands in quotes.
func (c *compiler) call(text string) (expression, error) {
	if e, err, ok := c.onePathCall(text); ok {
		return e, err
	}
	p := callParser{compiler: c, text: text}
	e, err := p.call()
	if err != nil {
		return nil, err
	}
	return p.steps(e, 0, len(text))
}

// onePathCall reads the call of an older function, which takes all between the
// first bracket and the last one as a path. ok is false where that is none.
func (c *compiler) onePathCall(text string) (e expression, err error, ok bool) {
	spec, ok := c.onePathSpec(text)
	if !ok {
		return nil, nil, false
	}
	e, err = spec.function.build(spec)
	return e, err, true
}

func (c *compiler) onePathSpec(text string) (spec *callSpec, ok bool) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(text, "utils."), "(")
	inside, closed := strings.CutSuffix(rest, ")")
	f := functionOf(name)
	if !closed || f == nil || !f.onePath {
		return nil, false
	}
	p, err := c.scope.readPath(inside)
	if err != nil {
		return nil, false
	}
	return &callSpec{compiler: c, function: f, text: text, args: []expression{p}}, true
}

// callParser reads a call from a text.
type callParser struct {
	*compiler
	text  string
	pos   int
	depth int
}

func (p *callParser) fault(format string, args ...any) error {
	return lightfmt.Errorf("%q: %s", p.text, lightfmt.Sprintf(format, args...))
}

// call reads a call at pos, without the steps behind it.
func (p *callParser) call() (expression, error) {
	spec, err := p.spec()
	if err != nil {
		return nil, err
	}
	e, err := spec.function.build(spec)
	if err != nil {
		return nil, lightfmt.Errorf("utils.%s: %w", spec.function.name, err)
	}
	return e, nil
}

// spec reads the function of a call and its arguments.
func (p *callParser) spec() (*callSpec, error) {
	start := p.pos
	name, _, ok := strings.Cut(p.text[p.pos+len("utils."):], "(")
	if !ok {
		return nil, lightfmt.Errorf("%q is no call of a function: want utils.name(…)", p.text)
	}
	f := functionOf(name)
	if f == nil {
		return nil, unknownFunction(name)
	}
	if p.depth++; p.depth > maxCallDepth {
		return nil, p.fault("more than %d calls inside each other", maxCallDepth)
	}
	p.pos += len("utils.") + len(name) + 1
	spec := &callSpec{compiler: p.compiler, function: f}
	if err := p.arguments(f, spec); err != nil {
		return nil, err
	}
	p.pos++
	p.depth--
	spec.text = p.shown(p.text[start:p.pos])
	if n := len(spec.args); n < f.least || f.most >= 0 && n > f.most {
		return nil, lightfmt.Errorf("utils.%s wants %s, found %d of these", name, f.usage, n)
	}
	return spec, nil
}

// arguments reads the arguments up to the closing bracket.
func (p *callParser) arguments(f *function, spec *callSpec) error {
	for p.blanks(); !p.at(')') || len(spec.args) > 0; p.pos++ {
		arg, err := p.argument(f)
		if err != nil {
			return err
		}
		spec.args = append(spec.args, arg)
		if p.blanks(); !p.at(',') {
			break
		}
	}
	if !p.at(')') {
		return lightfmt.Errorf("%q is no call of a function: want utils.name(…)", p.text)
	}
	return nil
}

func (p *callParser) at(b byte) bool { return p.pos < len(p.text) && p.text[p.pos] == b }

func (p *callParser) blanks() {
	for p.at(' ') {
		p.pos++
	}
}

// argument reads one argument.
func (p *callParser) argument(f *function) (expression, error) {
	p.blanks()
	if p.at('\'') || p.at('"') {
		return p.quoted(f)
	}
	rest := p.text[p.pos:]
	if strings.HasPrefix(rest, "utils.") {
		start := p.pos
		e, err := p.call()
		if err != nil {
			return nil, err
		}
		if e, err = p.steps(e, start, p.end()); err != nil {
			return nil, err
		}
		return p.once(e), nil
	}
	word := strings.TrimRight(p.text[p.pos:p.end()], " ")
	p.pos += len(word)
	if strings.HasPrefix(word, "args.") || p.scope.item && isItem(word) {
		return p.reference(word)
	}
	return p.word(f, word)
}

// word reads an argument without quotes that is no reference.
func (p *callParser) word(f *function, word string) (expression, error) {
	switch word {
	case "true", "false":
		return &literal{word, value.Boolean(word == "true")}, nil
	case "null":
		return &literal{word, value.NullValue}, nil
	}
	if f.words {
		return &literal{word, value.Str(word)}, nil
	}
	if n := value.Num(word); n.Kind() == value.Number {
		return &literal{word, n}, nil
	}
	if f.onePath {
		return nil, lightfmt.Errorf("%q is no path: want args.… or a call", word)
	}
	return nil, lightfmt.Errorf("%q is no argument: want a path, a call, a text in quotes, a number, true, false or null", word)
}

// quoted reads a text in quotes. Where a function takes words, a reference may
// stand in quotes too.
func (p *callParser) quoted(f *function) (expression, error) {
	quote := p.text[p.pos]
	end := strings.IndexByte(p.text[p.pos+1:], quote)
	if end < 0 {
		return nil, p.fault("a text without its closing %c", quote)
	}
	text := p.text[p.pos+1 : p.pos+1+end]
	p.pos += end + 2
	if f.words && p.scope.isReference(text) {
		return p.reference(text)
	}
	return &literal{text, value.Str(text)}, nil
}

// steps reads the steps of a path between a call, which starts at start, and end.
func (p *callParser) steps(call expression, start, end int) (expression, error) {
	text := strings.TrimRight(p.text[start:end], " ")
	rest := text[min(len(text), p.pos-start):]
	if p.pos = end; rest == "" {
		return call, nil
	}
	steps, err := p.scope.steps(text, rest)
	if err != nil {
		return nil, err
	}
	return &member{absence: absence{p.shown(text)}, call: call, steps: steps}, nil
}

// end is the index of the comma or the bracket that ends the argument at pos.
// Brackets of a path may hold both, in quotes.
func (p *callParser) end() int {
	var quote byte
	for i := p.pos; i < len(p.text); i++ {
		switch b := p.text[i]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case (b == '\'' || b == '"') && p.text[i-1] == '[':
			quote = b
		case b == ',' || b == ')':
			return i
		}
	}
	return len(p.text)
}

// member is a path behind a call: utils.split(…).0.
type member struct {
	absence // of: the call and the path as they are written
	call    expression
	steps   []step
}

func (m *member) value(r *run) (value.Value, error) {
	v, err := m.call.value(r)
	if err != nil {
		return v, err
	}
	if v = walk(r, v, m.steps); v.Kind() == value.Missing {
		return v, &m.absence
	}
	return v, nil
}

func (m *member) reads(rs *roots) {
	m.call.reads(rs)
	rs.readBrackets(m.steps)
}

func (m *member) source() string { return m.of }
