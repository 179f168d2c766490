package compare

import (
	"github.com/rulegate/rulegate/rules"
)

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
