package rules

import (
	"slices"

	"github.com/rulegate/rulegate/rules/value"
)

// Place returns the place of the rule in the policy.
func (r *Rule) Place() string { return r.place }

// Message returns the rule's `error`, which may be empty.
func (r *Rule) Message() string { return r.message }

// UsesName reports whether the rule is `use`: its only clause is the named rule.
func (r *Rule) UsesName() bool {
	_, ok := r.clause.(*Rule)
	return ok
}

// Clauses lists the rules inside this one, in the order of their evaluation.
func (r *Rule) Clauses() []*Rule {
	switch c := r.clause.(type) {
	case *and:
		return c.clauses
	case *or:
		return c.clauses
	case *not:
		return []*Rule{c.clause}
	case *Rule:
		return []*Rule{c}
	case *quantifier:
		return []*Rule{c.clause}
	case *query:
		return present(c.clause)
	case *action:
		switch c.op {
		case opFilter:
			return []*Rule{c.filter.clause}
		case opEach:
			return c.each.clauses
		}
		return present(c.guard)
	}
	return nil
}

func present(r *Rule) []*Rule {
	if r == nil {
		return nil
	}
	return []*Rule{r}
}

// Loops reports whether the clauses are evaluated for each element of an array.
func (r *Rule) Loops() bool {
	switch c := r.clause.(type) {
	case *quantifier:
		return true
	case *action:
		return c.op == opFilter || c.op == opEach
	}
	return false
}

// Guarded reports whether the only clause says whether an action is carried out.
func (r *Rule) Guarded() bool {
	a, ok := r.clause.(*action)
	return ok && a.guard != nil
}

// Comparison returns the type and the eval of a match, "" for another rule.
func (r *Rule) Comparison() (typ, eval string) {
	switch c := r.clause.(type) {
	case *match:
		return c.typ.name, c.eval.name
	case *matches:
		return stringType.name, "matches"
	case *inList:
		if c.in {
			return c.typ.name, "in"
		}
		return c.typ.name, "notIn"
	}
	return "", ""
}

// Operand is a value that a clause depends on.
type Operand struct {
	Field string      // of the rule
	Text  string      // as the rule has it
	Value value.Value // Missing where Err is set; Pending while it is awaited
	Err   error       // why there is no value
	// Reads are the paths that the value depends on, those in brackets included.
	Reads []Reference
}

// Operands resolves the operands of a rule that a Tracer has entered. Those of an
// action with a guard have their values once the guard has been left.
func (m Moment) Operands(r *Rule) []Operand {
	run := *m.run
	at := inspection{run: &run}
	switch c := r.clause.(type) {
	case *match:
		at.add("f1", c.f1)
		at.add("f2", c.f2)
	case *matches:
		at.add("f1", c.f1)
		at.add("f2", &literal{text: c.text, written: value.Str(c.text)})
	case *inList:
		at.add("f1", c.f1)
		at.list("f2", c)
	case *quantifier:
		at.add("field", c.array)
	case *query:
		if c.find != nil {
			at.template("find", c.find)
		}
	case *webhook:
		at.webhook(c)
	case *action:
		at.action(c)
	}
	return at.found
}

// inspection resolves operands, on a copy of the run.
type inspection struct {
	run   *run
	found []Operand
}

func (at *inspection) add(field string, e expression) {
	var rs roots
	e.reads(&rs)
	v, err := e.value(at.run)
	at.append(Operand{Field: field, Text: e.source(), Value: v, Err: err}, &rs)
}

func (at *inspection) append(o Operand, rs *roots) {
	if o.Err != nil {
		o.Value = value.Value{}
	}
	for _, read := range rs.reads {
		o.Reads = append(o.Reads, read.path.reference(read.part))
	}
	for _, p := range rs.items {
		o.Reads = append(o.Reads, p.reference(readValue))
	}
	at.found = append(at.found, o)
}

// list adds the list of in and notIn.
func (at *inspection) list(field string, c *inList) {
	if c.from != nil {
		at.add(field, c.from)
		return
	}
	var rs roots
	for _, e := range c.refs {
		e.reads(&rs)
	}
	o := Operand{Field: field, Text: c.list.String()}
	switch elems, res := c.resolve(at.run); res.outcome {
	case Yes:
		o.Value = c.filled(elems.Elements())
	case Waiting:
		o.Value = value.PendingValue
	default:
		o.Err = &noOperand{res.reason}
	}
	at.append(o, &rs)
}

// filled returns the written list with the values of its references.
func (m *inList) filled(values []value.Value) value.Value {
	elems := slices.Clone(m.list.Elements())
	n := 0
	for i, x := range elems {
		text, _ := x.Text()
		if n < len(m.refs) && m.refs[n].source() == text {
			elems[i] = values[n]
			n++
		} else if literal, ok := literalText(x); ok {
			elems[i] = value.Str(literal)
		}
	}
	return value.Arr(elems...)
}

// noOperand is the reason why an operand has no value.
type noOperand struct{ reason string }

func (n *noOperand) Error() string { return n.reason }

func (at *inspection) template(field string, t *template) {
	var rs roots
	t.reads(&rs)
	v, err := t.value(at.run)
	at.append(Operand{Field: field, Value: v, Err: err}, &rs)
}

func (at *inspection) webhook(w *webhook) {
	if w.claims != nil {
		at.template("claims", w.claims)
	}
	if w.body != nil {
		at.template("body", w.body)
	}
	for _, h := range w.headers {
		at.add(Join("headers", h.name), h.value)
	}
}

func (at *inspection) action(a *action) {
	if a.targets.from != nil {
		at.add("fields", a.targets.from)
	}
	switch a.op {
	case opForce:
		at.add("value", a.value)
	case opKeep:
		if a.keys.from != nil {
			at.add("keys", a.keys.from)
		}
	}
}

// Target is a place that a clause changes.
type Target struct {
	Text string // as the rule has it
	Root string // args, item or res
	Keys []string
}

// Targets resolves the places that a clause changes: those of an action, or where
// a query or a webhook stores its reply. It leaves out places that cannot be
// resolved, which make the clause unknown.
func (m Moment) Targets(r *Rule) (found []Target) {
	run := *m.run
	var paths []*path
	switch c := r.clause.(type) {
	case *query:
		paths = []*path{c.store}
	case *webhook:
		paths = []*path{c.store}
	case *action:
		paths, _ = c.targets.resolve(&run)
	}
	for _, p := range paths {
		if keys, _ := p.keys(&run); keys != nil {
			found = append(found, Target{Text: p.of, Root: pathNames[p.root], Keys: keys})
		}
	}
	return found
}

// editNames are the operations of an edit as rules name them. Encrypt, decrypt and
// hash are one operation.
var editNames = [...]string{opForce: "force", opRemove: "remove", opKeep: "keep", opTransform: "transform", opFilter: "filter", opEach: "each"}

// Op returns the edit's operation: force, remove, keep, transform (encrypt,
// decrypt or hash), filter or each.
func (e *Edit) Op() string { return editNames[e.op] }

// Path returns the keys that lead to the value that is edited.
func (e *Edit) Path() []string { return e.path }
