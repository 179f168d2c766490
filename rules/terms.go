package rules

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// Term is a value of a rule as it is written there: a literal, a path, or the call
// of a function.
type Term struct {
	Text    string
	Literal value.Value // of a literal; else Missing
	Root    string      // of a path: args, item or res; else ""
	Call    string      // the name of the function, without utils.; "": no call
	Args    []Term      // of the call
	Steps   []TermStep  // of a path, or behind a call
}

// TermStep is one step of a path.
type TermStep struct {
	Key   string
	Index int   // of an array, where the key is a plain decimal index; else -1
	In    *Term // in brackets: its value is the key; else nil
}

// Field is a field of a rule with its terms.
type Field struct {
	Name  string
	List  bool // an array that is written in the rule; the terms are its elements
	Terms []Term
}

// Fields lists the terms that the clause itself reads, without those of the
// clauses inside it. The body of a webhook that has none is the path `args`.
func (r *Rule) Fields() []Field {
	switch c := r.clause.(type) {
	case *match:
		return []Field{fieldOf("f1", c.f1), fieldOf("f2", c.f2)}
	case *matches:
		return []Field{fieldOf("f1", c.f1), {Name: "f2", Terms: []Term{{Text: c.text, Literal: value.Str(c.text)}}}}
	case *inList:
		return []Field{fieldOf("f1", c.f1), c.listTerms()}
	case *quantifier:
		return []Field{fieldOf("field", c.array)}
	case *query:
		if c.find != nil {
			return []Field{{Name: "find", Terms: c.find.terms(nil)}}
		}
	case *webhook:
		return c.terms()
	case *action:
		return c.terms()
	}
	return nil
}

// Store returns the path at which a query or a webhook stores its reply. ok is
// false for another rule.
func (r *Rule) Store() (at Term, ok bool) {
	switch c := r.clause.(type) {
	case *query:
		return c.store.term(), true
	case *webhook:
		return c.store.term(), true
	}
	return at, false
}

// Changed lists the paths that an action changes, if they are written in the rule.
// found is true where they are found at a path of the request.
func (r *Rule) Changed() (paths []Term, found bool) {
	a, ok := r.clause.(*action)
	if !ok {
		return nil, false
	}
	for _, p := range a.targets.written {
		paths = append(paths, p.term())
	}
	return paths, a.targets.from != nil
}

func fieldOf(name string, e expression) Field { return Field{Name: name, Terms: []Term{termOf(e)}} }

func (m *inList) listTerms() Field {
	if m.from != nil {
		return fieldOf("f2", m.from)
	}
	f := Field{Name: "f2", List: true}
	refs := m.refs
	for _, v := range m.list.Elements() {
		if text, ok := v.Text(); ok && len(refs) > 0 && refs[0].source() == text {
			f.Terms, refs = append(f.Terms, termOf(refs[0])), refs[1:]
			continue
		}
		if text, ok := literalText(v); ok {
			v = value.Str(text)
		}
		f.Terms = append(f.Terms, Term{Text: v.String(), Literal: v})
	}
	return f
}

// terms appends the references of a template.
func (t *template) terms(out []Term) []Term {
	if t.leaf != nil {
		if _, written := writtenValue(t.leaf); !written {
			out = append(out, termOf(t.leaf))
		}
	}
	for _, in := range t.inner {
		out = in.terms(out)
	}
	return out
}

func (w *webhook) terms() (out []Field) {
	if w.claims != nil {
		out = append(out, Field{Name: "claims", Terms: w.claims.terms(nil)})
	}
	if w.body != nil {
		out = append(out, Field{Name: "body", Terms: w.body.terms(nil)})
	} else {
		out = append(out, Field{Name: "body", Terms: []Term{{Text: "args", Root: "args"}}})
	}
	for _, h := range w.headers {
		out = append(out, fieldOf("headers", h.value))
	}
	return out
}

func (a *action) terms() (out []Field) {
	if a.targets.from != nil {
		out = append(out, fieldOf("fields", a.targets.from))
	}
	switch {
	case a.op == opForce:
		out = append(out, fieldOf("value", a.value))
	case a.op == opKeep && a.keys.from != nil:
		out = append(out, fieldOf("keys", a.keys.from))
	case a.op == opKeep:
		f := Field{Name: "keys", List: true}
		for _, key := range slices.Sorted(maps.Keys(a.keys.written)) {
			f.Terms = append(f.Terms, Term{Text: key, Literal: value.Str(key)})
		}
		out = append(out, f)
	}
	return out
}

// termOf takes an expression apart. A function keeps its arguments in the text
// alone, which is parsed again.
func termOf(e expression) Term {
	if l, ok := e.(*literal); ok {
		return Term{Text: l.text, Literal: l.written}
	}
	if p := pathOf(e); p != nil {
		return p.term()
	}
	anyZone := func(string) (*time.Location, error) { return time.UTC, nil }
	c := &compiler{env: &Env{Zone: anyZone}, scope: scope{item: true}}
	return c.callTerm(e.source())
}

func (p *path) term() Term {
	return Term{Text: p.of, Root: pathNames[p.root], Steps: termSteps(p.steps)}
}

func termSteps(steps []step) (out []TermStep) {
	for _, s := range steps {
		t := TermStep{Key: s.key, Index: s.index}
		if s.inner != nil {
			in := s.inner.term()
			t = TermStep{Index: -1, In: &in}
		}
		out = append(out, t)
	}
	return out
}

// callTerm takes a call apart, which has compiled before.
func (c *compiler) callTerm(text string) Term {
	if spec, ok := c.onePathSpec(text); ok {
		return spec.term(text)
	}
	p := callParser{compiler: c, text: text}
	spec, err := p.spec()
	if err != nil {
		return Term{Text: text}
	}
	t := spec.term(text)
	if steps, err := c.scope.steps(text, strings.TrimRight(text[p.pos:], " ")); err == nil {
		t.Steps = termSteps(steps)
	}
	return t
}

func (s *callSpec) term(text string) Term {
	t := Term{Text: text, Call: s.function.name}
	for _, arg := range s.args {
		t.Args = append(t.Args, termOf(arg))
	}
	return t
}

// CallID returns the Call.ID of a query or a webhook, "" for another rule. A rule
// that runs for each of several documents puts the number of the document before
// it: Input.Element and a slash.
func (r *Rule) CallID() string {
	switch c := r.clause.(type) {
	case *query:
		return c.id
	case *webhook:
		return c.id
	}
	return ""
}

// Table returns the table that a query reads; it is zero for another rule.
func (r *Rule) Table() Table {
	if q, ok := r.clause.(*query); ok {
		return Table{q.db, q.col}
	}
	return Table{}
}
