package compare

import (
	"strconv"

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

// base is a place at the start of an operand, with the functions behind it.
type base struct {
	at    *place
	chain []link
}

// bases lists the places that a term depends on, those in brackets included.
func (w *walker) bases(t rules.Term, chain []link) (out []base) {
	switch {
	case t.Call == "now":
		return []base{{w.now, chain}}
	case t.Call != "":
		for i, arg := range t.Args {
			l := link{call: t.Call, args: t.Args, index: i, steps: t.Steps}
			out = append(out, w.bases(arg, append([]link{l}, chain...))...)
		}
		return append(out, w.brackets(t.Steps)...)
	case t.Root == "":
		return nil
	}
	if at := w.base(t); at != nil {
		out = append(out, base{at, chain})
	}
	return append(out, w.brackets(t.Steps)...)
}

func (w *walker) brackets(steps []rules.TermStep) (out []base) {
	for _, st := range steps {
		if st.In != nil {
			out = append(out, w.bases(*st.In, nil)...)
		}
	}
	return out
}

// base returns the place of a path. Behind a step that the request chooses it is
// the place before that step. It is nil for a path into an element whose array is
// not known.
func (w *walker) base(t rules.Term) *place {
	at := w.root
	switch t.Root {
	case "item":
		if at = w.item; at == nil {
			return nil
		}
	case "res":
		at = at.at(rules.RootRes)
	}
	for i, st := range t.Steps {
		if st.In != nil {
			w.chooses(at, *st.In)
			return at
		}
		key := st.Key
		if st.Index >= 0 {
			key = strconv.Itoa(st.Index)
		}
		at = at.at(key)
		if i == 0 && w.side.resource.Kind == policy.File && at.key == rules.RootParams && t.Root == "args" {
			at.domain = targeted
		}
		if at.domain == targeted && at.key != "vars" && at.above.domain == targeted {
			at = w.variable(at)
		}
	}
	return at
}

// chooses records that the value of a term is the key that is read below a place.
func (w *walker) chooses(at *place, key rules.Term) {
	at.dynamic = true
	for _, b := range w.bases(key, nil) {
		b.at.extra = append(b.at.extra, value.Str(chosenKey), value.Int(0))
		at.chosenBy = append(at.chosenBy, b.at)
	}
	w.notes.text(at.String() + ": the request chooses the key that is read below it")
}

// variable returns the place of a variable of the path: each policy has its own
// names for the segments.
func (w *walker) variable(at *place) *place {
	if w.side.index == 0 {
		return at
	}
	for _, b := range at.above.below {
		if b.key == at.key+otherSide {
			return b
		}
	}
	return at.above.at(at.key + otherSide)
}

// otherSide marks the variables of the second policy. No name holds it.
const otherSide = "\x00"

// array returns the place of the array that some or every asks, if it is a path.
func (w *walker) array(u *unit, t rules.Term) *place {
	bs := w.bases(t, nil)
	for _, b := range bs {
		u.reads = append(u.reads, b.at)
		b.at.read = true
	}
	if len(bs) == 0 || t.Root == "" {
		w.notes.add(u, "asks about the elements of a call's result")
		for _, b := range bs {
			b.at.uses = append(b.at.uses, use{unit: u, typ: "list string", chain: b.chain})
		}
		return nil
	}
	return bs[0].at
}

// action records the paths that an action reads and changes. It returns the place of the
// elements of a filter or an each.
func (w *walker) action(u *unit, kind string) (item *place) {
	var sources []*place
	for _, f := range u.rule.Fields() {
		for _, t := range f.Terms {
			for _, b := range w.bases(t, nil) {
				b.at.read, b.at.copied = true, true
				sources = append(sources, b.at)
				if len(b.chain) > 0 {
					b.at.uses = append(b.at.uses, use{unit: u, typ: "string", chain: b.chain})
				}
			}
		}
	}
	u.reads = append(u.reads, sources...)
	paths, found := u.rule.Changed()
	if found {
		w.notes.add(u, "changes places that the request names")
	}
	for _, t := range paths {
		u.reads = append(u.reads, placesOf(w.brackets(t.Steps))...)
		at := w.base(t)
		if at == nil {
			continue
		}
		at.changed = true
		at.transformed = at.transformed || kind != "force" && kind != "remove"
		u.reads = append(u.reads, at)
		if keys := at.keys(); t.Root == "args" && keys[0] == rules.RootParams {
			u.shaped = true
		}
		if at.above.above != nil && at.above.above.above != nil && at.above.domain == anyJSON {
			at.above.container = true
		}
		for q := at.above; q != nil && q.above != nil && t.Root == "res" && q.domain == anyJSON; q = q.above {
			q.through = q.key != rules.RootRes
		}
		if kind == "keep" {
			for _, f := range u.rule.Fields() {
				for _, key := range f.Terms {
					if name, ok := key.Literal.Text(); ok {
						at.at(name).copied = true
					}
				}
			}
			at.at("other").copied = true
		}
		for _, src := range sources {
			join(at, src)
		}
		if u.rule.Loops() {
			item = at.elements()
		}
	}
	return item
}

func placesOf(bs []base) (out []*place) {
	for _, b := range bs {
		b.at.read = true
		out = append(out, b.at)
	}
	return out
}

// call records the question of a query or a webhook, and the place of its reply.
func (w *walker) call(u *unit) {
	for _, f := range u.rule.Fields() {
		for _, t := range f.Terms {
			if t.Root == "args" && len(t.Steps) == 0 {
				continue // all of args, which decides nothing by itself
			}
			for _, b := range w.bases(t, nil) {
				b.at.read, b.at.copied = true, true
				u.reads = append(u.reads, b.at)
				if len(b.chain) > 0 {
					b.at.uses = append(b.at.uses, use{unit: u, typ: "string", chain: b.chain})
				}
			}
		}
	}
	if t, ok := u.rule.Store(); ok {
		if at := w.base(t); at != nil {
			if at.domain != nothing && at.domain != replied {
				w.notes.add(u, "stores the reply over a part of the request")
			}
			at.copied, u.store = true, at
			at.all(func(p *place) { p.domain = replied })
		}
	}
}
