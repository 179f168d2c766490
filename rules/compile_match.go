package rules

import (
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

func (c *compiler) match(r *Rule, spec value.Value, place string) clause {
	m := matchCompiler{compiler: c, rule: r, spec: spec, place: place, eval: c.text(spec, place, "eval")}
	name := c.text(spec, place, "type")
	if name == "" {
		return nil // reported
	}
	for _, t := range operandTypes {
		if t.name == name {
			m.typ = t
			return m.compile()
		}
	}
	c.faults.add(Join(place, "type"), "%s", unknownType(name))
	if m.eval != "" && !knownEval(m.eval) {
		c.faults.add(Join(place, "eval"), "%s", unknownEval(m.eval, ""))
	}
	return nil
}

// matchCompiler compiles one match.
type matchCompiler struct {
	*compiler
	rule  *Rule
	spec  value.Value
	place string
	eval  string
	typ   *operandType
}

func (m *matchCompiler) compile() clause {
	switch {
	case m.eval == "":
		return nil // reported
	case m.typ == &stringType && m.eval == "matches":
		return m.matches()
	case m.typ.element != nil && (m.eval == "in" || m.eval == "notIn"):
		return m.inList()
	}
	for i := range m.typ.evals {
		e := &m.typ.evals[i]
		if e.name != m.eval {
			continue
		}
		f1, f2 := m.operand("f1"), m.operand("f2")
		if f1 == nil || f2 == nil {
			return nil
		}
		return &match{typ: m.typ, eval: e, f1: f1, f2: f2, no: m.no(f1.source(), f2.source())}
	}
	m.faults.add(Join(m.place, "eval"), "%s", unknownEval(m.eval, m.typ.name))
	return nil
}

// matches compiles the eval matches, whose f2 is a pattern.
func (m *matchCompiler) matches() clause {
	f1 := m.operand("f1")
	v, at := m.spec.Key("f2"), Join(m.place, "f2")
	text, isText := v.Text()
	literal, isLiteral := literalText(v)
	switch {
	case v.Kind() == value.Missing:
		return nil // reported
	case isLiteral:
		text = literal
	case !isText:
		m.faults.add(at, "want a pattern, found %s", found(v))
		return nil
	case m.scope.isReference(text):
		m.faults.add(at, "a pattern is written in the rule, never a reference")
		return nil
	}
	pattern, err := compilePattern(text)
	if err != nil {
		m.faults.add(at, "%v", err)
	}
	if f1 == nil || err != nil {
		return nil
	}
	shown := v.String()
	if written := m.writtenAt(v, at); written != "" {
		shown = written
	}
	return &matches{f1: f1, text: text, pattern: pattern, no: m.no(f1.source(), shown)}
}

// evalNames lists the evals of a type.
func (t *operandType) evalNames() []string {
	var names []string
	for _, e := range t.evals {
		names = append(names, e.name)
	}
	if t.element != nil {
		names = append(names, "in", "notIn")
	}
	return names
}

func (m *matchCompiler) no(f1, f2 string) result {
	return result{outcome: No, reason: f1 + " " + m.eval + " " + f2 + " does not hold"}
}

// notInList is the outcome no of in and notIn. It names the list, never its
// elements, which may come from a token.
func (m *matchCompiler) notInList(f1 string) result {
	list := "the list"
	if text, ok := m.spec.Key("f2").Text(); ok {
		list = text
	}
	if written := m.writtenAt(m.spec.Key("f2"), Join(m.place, "f2")); written != "" {
		list = written
	}
	verb := " is not in "
	if m.eval == "notIn" {
		verb = " is in "
	}
	return result{outcome: No, reason: f1 + verb + list}
}

// operand compiles f1 or f2; it is nil where that is missing or has a fault. A
// value that is written there must be of the type.
func (m *matchCompiler) operand(field string) expression {
	v, at := m.spec.Key(field), Join(m.place, field)
	if v.Kind() == value.Missing {
		return nil // reported
	}
	text, isText := v.Text()
	if isText && m.typ.quantity && !m.scope.isReference(text) {
		m.faults.add(at, "%s", writtenText(text, m.typ.name))
		return nil
	}
	e, err := m.expression(v, at)
	if err != nil {
		m.faults.add(at, "%v", err)
		return nil
	}
	if written, ok := writtenValue(e); ok && !m.typ.typed(written) {
		m.faults.add(at, "%s", m.typ.faultOf(v))
		return nil
	}
	e.reads(&m.rule.reads)
	return e
}

// faultOf says why a value that is written in a rule is not of the type.
func (t *operandType) faultOf(v value.Value) string {
	if t.form != "" && v.Kind() == value.String {
		return lightfmt.Sprintf("%s is no %s", v, t.form)
	}
	return lightfmt.Sprintf("want %s, found %s", t.name, found(v))
}

// inList compiles in and notIn.
func (m *matchCompiler) inList() clause {
	in := &inList{typ: m.typ, f1: m.operand("f1"), in: m.eval == "in", list: m.spec.Key("f2")}
	if ok := m.list(in); !ok || in.f1 == nil {
		return nil
	}
	if len(in.written) >= setFrom {
		in.set = newSet(in.typ, in.written)
	}
	in.no = m.notInList(in.f1.source())
	return in
}

// list compiles the f2 of in and notIn.
func (m *matchCompiler) list(in *inList) (ok bool) {
	v, at := m.spec.Key("f2"), Join(m.place, "f2")
	if v.Kind() == value.Missing {
		return false // reported
	}
	if text, isText := v.Text(); isText && m.scope.isReference(text) {
		from, err := m.referenceAt(text, at)
		if err != nil {
			m.faults.add(at, "%v", err)
			return false
		}
		in.from = from
		from.reads(&m.rule.reads)
		return true
	}
	if v.Kind() != value.Array {
		m.faults.add(at, "%s", noList(m.eval, v))
		return false
	}
	ok = true
	for i, x := range v.Elements() {
		ok = m.element(in, x, Elem(at, i)) && ok
	}
	return ok
}

// element compiles an element of a written list.
func (m *matchCompiler) element(in *inList, x value.Value, at string) bool {
	e, err := m.expression(x, at)
	if err != nil {
		m.faults.add(at, "%v", err)
		return false
	}
	written, isWritten := writtenValue(e)
	if !isWritten {
		e.reads(&m.rule.reads)
		in.refs = append(in.refs, e)
		return true
	}
	// Passing over a typing error would open a block list.
	if _, isBlock := blockOf(written); m.typ == &ipType && !isBlock && written.Kind() == value.String {
		m.faults.add(at, "%s is no %s and no CIDR block", written, m.typ.form)
		return false
	}
	in.written = append(in.written, written)
	return true
}
