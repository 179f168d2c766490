package compare

import (
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// space is the tree of all places of requests that the rules of a meeting read.
type space struct {
	root  *place
	now   *place // the time of the request
	sides [2]*side
	notes notes
}

// side is the resource of one policy; its resource may be nil.
type side struct {
	index    int
	resource *policy.Resource
	units    map[*rules.Rule]*unit
	roots    []*unit // of the rule, and of the rule on the response
}

// unit is one clause with the places that it reads itself.
type unit struct {
	side     *side
	rule     *rules.Rule
	inner    []*unit
	reads    []*place
	shaped   bool   // it changes a member of args.params
	store    *place // of a query or a webhook: where its reply goes
	pure     bool   // it and those inside it only test the request
	verified bool   // it asks whether there is a valid token
}

// use is one operand of a match, and the operand that it is compared with.
type use struct {
	unit     *unit
	typ      string // of the match; "list": an array in which another value is looked for
	eval     string
	chain    []link       // the functions between the place and the operand
	literals []rules.Term // that the operand is compared with
	paths    bool         // it is compared with other paths
}

// link is a function between a place and an operand, or a path behind one.
type link struct {
	call  string
	args  []rules.Term
	index int              // of the argument that leads to the place
	steps []rules.TermStep // behind the call
}

func newSpace(resources [2]*policy.Resource) *space {
	s := &space{root: &place{domain: structure}}
	s.now = &place{key: "now", domain: moment, above: s.root}
	for i, r := range resources {
		s.sides[i] = &side{index: i, resource: r, units: map[*rules.Rule]*unit{}}
		if r == nil {
			continue
		}
		if r.Op == "create" {
			s.root.at(rules.RootDoc).domain = object
		}
		w := walker{space: s, side: s.sides[i]}
		w.side.roots = append(w.side.roots, w.rule(r.Rule))
		if r.Response != nil {
			w.side.roots = append(w.side.roots, w.rule(r.Response))
		}
	}
	s.root.all(func(p *place) {
		if p.domain == textMap && p.key == "headers" && p.whole() {
			p.domain = fixed // there are others than those that are chosen
		}
		if (p.domain == fixed || p.domain == structure) && p != s.root && p.whole() {
			s.notes.text(p.String() + ": a rule reads it, and the requests do not vary it")
		}
	})
	return s
}

// vary returns the places of the response with these names, whose values vary.
func (s *space) vary(names []string) (out []*place) {
	for _, name := range names {
		at := s.root.at(rules.RootRes)
		for _, key := range keysOf(name) {
			if at.above != s.root {
				at.through = true
			}
			at = at.at(key)
		}
		at.copied = true
		out = append(out, at)
	}
	return out
}

// walker collects the places that the rules of a resource read.
type walker struct {
	*space
	side  *side
	item  *place // of the element, inside filter, some, every and each
	outer *unit  // the clause around the elements; nil outside
}

func (w *walker) rule(r *rules.Rule) *unit {
	u := &unit{side: w.side, rule: r, pure: true}
	w.side.units[r] = u
	kind := r.Kind()
	if r.UsesName() {
		kind = "use"
	}
	inside := *w
	switch kind {
	case "authenticated":
		u.verified = true
	case "match":
		w.match(u)
	case "some", "every":
		array := w.array(u, r.Fields()[0].Terms[0])
		if array != nil {
			array.asked++
			inside.item = array.elements()
		}
		if inside.outer == nil {
			inside.outer = u
		}
	case "query", "webhook":
		u.pure = false
		w.call(u)
	case "force", "remove", "keep", "encrypt", "decrypt", "hash", "filter", "each":
		u.pure = false
		inside.item = w.action(u, kind)
		if !r.Loops() {
			inside.item = w.item
		} else if inside.outer == nil {
			inside.outer = u
		}
	}
	for _, c := range r.Clauses() {
		in := inside.rule(c)
		u.inner = append(u.inner, in)
		u.pure = u.pure && in.pure
	}
	if w.outer != nil {
		// A clause about elements is reached by the clause around the elements.
		w.outer.reads = append(w.outer.reads, u.reads...)
		w.outer.verified = w.outer.verified || u.verified
	}
	return u
}

// match records the comparisons of a match's operands.
func (w *walker) match(u *unit) {
	typ, eval := u.rule.Comparison()
	fields := u.rule.Fields()
	var all []*place
	for i, f := range fields {
		other := fields[1-i]
		for _, t := range f.Terms {
			for _, b := range w.bases(t, nil) {
				x := use{unit: u, typ: typ, eval: eval, chain: b.chain}
				if list := (eval == "in" || eval == "notIn") && i == 1 && !f.List; list {
					x.typ = "list " + typ
				}
				for _, o := range other.Terms {
					if o.Literal.Kind() != value.Missing {
						x.literals = append(x.literals, o)
					} else {
						x.paths = true
					}
				}
				b.at.uses = append(b.at.uses, x)
				b.at.read = true
				all = append(all, b.at)
			}
		}
	}
	u.reads = append(u.reads, all...)
	for _, p := range all {
		join(p, all[0])
	}
	if eval == "in" || eval == "notIn" {
		w.listElements(u, typ, fields[1], fields[0])
	}
}

// listElements lets the elements of a list that is found at a path have the values
// that are looked for in it.
func (w *walker) listElements(u *unit, typ string, list, sought rules.Field) {
	t := list.Terms[0]
	if list.List || t.Root == "" {
		return
	}
	array := w.base(t)
	if array == nil || array.dynamic {
		return
	}
	array.asked++
	like := use{unit: u, typ: typ, eval: "=="}
	for _, b := range w.bases(sought.Terms[0], nil) {
		join(array.elements(), b.at)
		like.paths = true
	}
	if sought.Terms[0].Literal.Kind() != value.Missing {
		like.literals = sought.Terms
	}
	array.elements().uses = append(array.elements().uses, like)
}
