package compare

import (
	"strconv"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

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
