package trace

import (
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// node is a clause that is being evaluated.
type node struct {
	rule   *rules.Rule
	parent *node // nil: the rule itself
	clause *Clause
	full   bool // its operands are recorded
	// item are the keys from args down to the element around the clause.
	item  []rules.Key
	edits int // of the response, before the clause

	targets []target // that it may change
	reads   []rules.Operand

	// Of a clause that loops:
	itemPath []rules.Key // to its elements
	count    int
	element  *Element // that is being evaluated
	keepLast bool     // the last element that is shown stays when another comes
}

// target is a place that a clause may change, with its value before.
type target struct {
	rules.Target
	path   []rules.Key // from args down
	before value.Value
}

// resolve records the operands of the clause, and the values that it may change. Of a
// clause that is not recorded in full it keeps what the mask depends on: where force
// copies a value to, and where the elements of a loop are.
func (n *node) resolve(r *Recorder, at rules.Moment) {
	if !n.full && n.rule.Kind() != "force" && !n.rule.Loops() {
		return
	}
	n.reads = at.Operands(n.rule)
	n.clause.Operands = nil
	for i := range n.reads {
		if n.full {
			n.clause.Operands = append(n.clause.Operands, r.mask.operand(&n.reads[i], n.item, r.o.Limits.Value))
		}
	}
	n.targets = nil
	for _, t := range at.Targets(n.rule) {
		known := target{Target: t, path: names(t.Keys)}
		switch t.Root {
		case "args":
			known.before = valueAt(at.Args(), t.Keys)
		case "item":
			known.before = valueAt(at.Item(), t.Keys)
			known.path = append(n.item[:len(n.item):len(n.item)], known.path...)
		case "res":
			known.path = append(names([]string{rules.RootRes}), known.path...)
		}
		n.targets = append(n.targets, known)
	}
	if n.rule.Loops() {
		n.itemPath = n.elementsOf(r.mask)
		for _, in := range n.rule.Clauses() {
			r.loops[in] = n
		}
	}
}

// elementsOf returns the path to the elements of a loop: to the array that it
// changes or reads. The elements of an array that a function has made of a masked
// value are masked.
func (n *node) elementsOf(m *Mask) []rules.Key {
	if len(n.targets) > 0 {
		return n.targets[0].path
	}
	for _, o := range n.reads {
		for _, read := range o.Reads {
			switch path := m.absolute(read, n.item); {
			case read.Text == o.Text:
				return path
			case len(m.at(path)) > 0:
				return names(always[0])
			}
		}
	}
	return nil
}

// changes records the changes that the clause made.
func (n *node) changes(r *Recorder, at rules.Moment, v *rules.Verdict) {
	if v.Outcome != rules.Yes || len(n.clause.Calls) > 0 {
		return
	}
	if edits := at.Edits(); n.rule.Clauses() == nil || n.rule.Guarded() || n.rule.Loops() {
		for i := min(n.edits, len(edits)); i < len(edits); i++ {
			n.clause.Response = append(n.clause.Response, n.rule.Kind()+" res."+joined(edits[i].Path()))
		}
	}
	for _, t := range n.targets {
		n.taint(r, &t)
		after := value.Value{}
		switch {
		case !n.full, t.Root == "res":
			continue
		case t.Root == "args":
			after = valueAt(at.Args(), t.Keys)
		case t.Root == "item":
			after = valueAt(at.Item(), t.Keys)
		}
		if t.before.Same(after) || t.before.Kind() == after.Kind() && t.before.String() == after.String() {
			continue
		}
		below := r.mask.at(t.path)
		n.clause.Changes = append(n.clause.Changes, Change{
			Path:   t.Text,
			Before: r.mask.show(t.before, below, r.o.Limits.Value),
			After:  r.mask.show(after, below, r.o.Limits.Value),
		})
	}
}

// taint masks the place that a value made from masked ones was stored at.
func (n *node) taint(r *Recorder, t *target) {
	for _, o := range n.reads {
		for _, read := range o.Reads {
			if o.Field == "value" && !read.Exists && len(r.mask.at(r.mask.absolute(read, n.item))) > 0 && len(r.mask.paths) < maxLearnt {
				var path keys
				for _, k := range t.path {
					path = append(path, k.Name)
				}
				r.mask.AddPath(path...)
				return
			}
		}
	}
}

// complete adds the clauses that were not reached.
func (n *node) complete(r *Recorder) {
	all := n.rule.Clauses()
	if !n.rule.Loops() {
		n.clause.Clauses = append(n.clause.Clauses, r.notReached(all[len(n.clause.Clauses):])...)
		return
	}
	n.closeElement(r)
	if e := n.clause.Elements; e == nil {
		n.clause.Elements = &Elements{Clauses: r.notReached(all)}
	}
}

// inElement starts the next element when the loop comes to its first clause.
func (n *node) inElement(r *Recorder, rule *rules.Rule, at rules.Moment) {
	if n.clause.Elements == nil || n.clause.Elements.Clauses != nil {
		n.clause.Elements = &Elements{}
	}
	if rule != n.rule.Clauses()[0] {
		return
	}
	n.closeElement(r)
	n.element = &Element{Index: n.count}
	n.count++
	if n.full && r.now.left > 0 {
		n.element.Value = r.mask.show(at.Item(), r.mask.at(n.itemPath), r.o.Limits.Value)
	}
}

// closeElement counts the element, and keeps it if it is one that is shown.
func (n *node) closeElement(r *Recorder) {
	e, all := n.element, n.clause.Elements
	if e == nil {
		return
	}
	n.element = nil
	e.Clauses = append(e.Clauses, r.notReached(n.rule.Clauses()[len(e.Clauses):])...)
	all.Count++
	first := false
	count := func(of *int) { first = *of == 0; *of++ }
	switch e.Outcome {
	case Yes:
		count(&all.Yes)
	case No:
		count(&all.No)
	case Unknown:
		count(&all.Unknown)
	}
	// The last one is replaced by the next, unless it is shown for another reason.
	if last := len(all.Shown) - 1; last >= r.o.Limits.Elements && !n.keepLast {
		all.Shown = all.Shown[:last]
	}
	all.Shown = append(all.Shown, e)
	n.keepLast = first
}

func joined(path []string) string {
	out := ""
	for i, k := range path {
		if i > 0 {
			out += "."
		}
		out += k
	}
	return out
}
