package rules

import (
	"fmt"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

func (c *compiler) match(r *Rule, spec value.Value, place string) clause {
	m := matchCompiler{c, r, spec, place, c.text(spec, place, "eval")}
	typ := c.text(spec, place, "type")
	switch typ {
	case "string":
		if m.eval == "matches" {
			return m.matches()
		}
		return compileMatch(&m, &stringType, &stringElements)
	case "number":
		return compileMatch(&m, &numberType, &numberElements)
	case "bool":
		return compileMatch[bool, bool](&m, &boolType, nil)
	case "date":
		return compileMatch[time.Time, time.Time](&m, &dateType, nil)
	case "ip":
		return compileMatch(&m, &ipType, &ipElements)
	case "any":
		return compileMatch[value.Value, value.Value](&m, &anyType, nil)
	case "":
		return nil // reported
	}
	c.faults.add(Join(place, "type"), "%s", unknownType(typ))
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
}

// compileMatch compiles a match of one type. Without elements, the type has
// neither in nor notIn.
func compileMatch[T, E any](m *matchCompiler, t *operandType[T], elements *elementType[T, E]) clause {
	if m.eval == "" {
		return nil // reported
	}
	if elements != nil && (m.eval == "in" || m.eval == "notIn") {
		in := inList[T, E]{typ: t, element: elements, in: m.eval == "in"}
		f1, ok1 := compileOperand(m, t, "f1")
		var ok2 bool
		if in.list, ok2 = compileList(m, t, elements); !ok1 || !ok2 {
			return nil
		}
		in.f1, in.no = f1, m.notInList(f1.source())
		in.reads(&m.rule.reads)
		return &in
	}
	for _, e := range t.evals {
		if e.name != m.eval {
			continue
		}
		f1, ok1 := compileOperand(m, t, "f1")
		f2, ok2 := compileOperand(m, t, "f2")
		if !ok1 || !ok2 {
			return nil
		}
		is := match[T]{typ: t, f1: f1, f2: f2, holds: e.holds, no: m.no(f1.source(), f2.source())}
		is.reads(&m.rule.reads)
		return &is
	}
	m.faults.add(Join(m.place, "eval"), "%s", unknownEval(m.eval, t.name))
	return nil
}

// matches compiles the eval matches, whose f2 is a pattern.
func (m *matchCompiler) matches() clause {
	f1, ok := compileOperand(m, &stringType, "f1")
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
	if !ok || err != nil {
		return nil
	}
	f1.reads(&m.rule.reads)
	return &matches{f1: f1, pattern: pattern, no: m.no(f1.source(), v.String())}
}

// evalNames lists the evals of a type.
func evalNames[T any](t *operandType[T], lists bool) []string {
	var names []string
	for _, e := range t.evals {
		names = append(names, e.name)
	}
	if lists {
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
	verb := " is not in "
	if m.eval == "notIn" {
		verb = " is in "
	}
	return result{outcome: No, reason: f1 + verb + list}
}

// compileOperand compiles f1 or f2; ok is false where that is missing or has a
// fault. A value that is written there must be of the type.
func compileOperand[T any](m *matchCompiler, t *operandType[T], field string) (o operand[T], ok bool) {
	v, at := m.spec.Key(field), Join(m.place, field)
	if v.Kind() == value.Missing {
		return o, false // reported
	}
	text, isText := v.Text()
	if isText && t.quantity && !m.scope.isReference(text) {
		m.faults.add(at, "%s", writtenText(text, t.name))
		return o, false
	}
	e, err := m.expression(v)
	if err != nil {
		m.faults.add(at, "%v", err)
		return o, false
	}
	o.expression = e
	written, isWritten := writtenValue(e)
	if !isWritten {
		return o, true
	}
	if o.written, o.isWritten = t.read(written); !o.isWritten {
		m.faults.add(at, "%s", t.faultOf(v))
	}
	return o, o.isWritten
}

// faultOf says why a value that is written in a rule is not of the type.
func (t *operandType[T]) faultOf(v value.Value) string {
	if t.form != "" && v.Kind() == value.String {
		return fmt.Sprintf("%s is no %s", v, t.form)
	}
	return fmt.Sprintf("want %s, found %s", t.name, found(v))
}

// compileList compiles the f2 of in and notIn.
func compileList[T, E any](m *matchCompiler, t *operandType[T], elements *elementType[T, E]) (l list[E], ok bool) {
	v, at := m.spec.Key("f2"), Join(m.place, "f2")
	if v.Kind() == value.Missing {
		return l, false // reported
	}
	if text, isText := v.Text(); isText && m.scope.isReference(text) {
		from, err := m.reference(text)
		if err != nil {
			m.faults.add(at, "%v", err)
		}
		l.from = from
		return l, err == nil
	}
	if v.Kind() != value.Array {
		m.faults.add(at, "%s", noList(m.eval, v))
		return l, false
	}
	ok = true
	i := -1
	v.Each(func(_ string, x value.Value) bool {
		i++
		e, err := m.expression(x)
		if err != nil {
			m.faults.add(Elem(at, i), "%v", err)
			ok = false
			return true
		}
		written, isWritten := writtenValue(e)
		if !isWritten {
			l.refs = append(l.refs, e)
			return true
		}
		elem, typed := elements.read(written)
		switch {
		case typed:
			l.written = append(l.written, elem)
		case t.form != "" && written.Kind() == value.String:
			// Passing over a typing error would open a block list.
			m.faults.add(Elem(at, i), "%s is no %s and no CIDR block", written, t.form)
			ok = false
		}
		return true
	})
	return l, ok
}
