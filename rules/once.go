package rules

import "github.com/rulegate/rulegate/rules/value"

// once is an expression in the clauses of filter, some, every and each that does
// not depend on the element. It is resolved for the first element and remembered
// for the others. So a list that it brings can become a set.
type once struct {
	expression
	slot int // of run.memory
}

// once remembers the value of an expression, if it stands where it would be
// resolved for each element.
func (c *compiler) once(e expression) expression {
	if _, written := writtenValue(e); written || !c.scope.item || c.env.noMemory {
		return e
	}
	var rs roots
	if e.reads(&rs); len(rs.items) > 0 {
		return e
	}
	c.slots++
	return &once{e, c.slots - 1}
}

// path reads a path whose value is read. If the element is only in its brackets, the
// steps before these are resolved once.
func (c *compiler) path(text string) (*path, error) {
	p, err := c.scope.readPath(text)
	if err != nil || !c.scope.item || p.root != inArgs {
		return p, err
	}
	for i := range p.steps {
		if in := p.steps[i].inner; in != nil && in.root == inItem && i > 0 {
			if start, ok := c.once(&path{absence: p.absence, steps: p.steps[:i]}).(*once); ok {
				p.start, p.rest = start, p.steps[i:]
			}
			break
		}
	}
	return p, nil
}

// remembered is the value of an expression for one state of args.
type remembered struct {
	args value.Value // Missing: nothing is remembered
	v    value.Value
	err  error
	hits int
}

func (o *once) value(r *run) (value.Value, error) {
	if o.slot >= len(r.memory) {
		r.memory = append(r.memory, make([]remembered, o.slot+1-len(r.memory))...)
	}
	m := &r.memory[o.slot]
	// A clause of a filter may have changed args.
	if m.args.Kind() == value.Missing || !m.args.Same(r.args) {
		v, err := o.expression.value(r)
		if r.exhausted() {
			return v, err
		}
		// Resolving may have made memory grow.
		r.memory[o.slot] = remembered{args: r.args, v: v, err: err}
		return v, err
	}
	if m.hits++; m.hits == 1 && m.v.IsText() && m.v.Len() <= maxElements && r.walk(m.v) {
		m.v = m.v.Opened()
		r.spend(m.v.Size())
	}
	return m.v, m.err
}

// pathOf returns the path that an expression is, nil for another one.
func pathOf(e expression) *path {
	if o, ok := e.(*once); ok {
		e = o.expression
	}
	p, _ := e.(*path)
	return p
}
