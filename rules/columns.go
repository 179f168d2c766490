package rules

import "slices"

// look is a place where a rule reads args.
type look struct {
	path *path
	free int // steps below rows that bring no column: -1 for a value, 0 for a length, 1 for whether it is there
}

// Fetch settles which columns the rule's queries bring: those that the rule reads,
// or one of later, which are evaluated with what it stored. What is read as a
// whole is fetched as a whole. Compile has done it for the rule alone.
func (r *Rule) Fetch(later ...*Rule) {
	all, looks := r.reads.all, slices.Clone(r.reads.looks)
	for _, l := range later {
		all, looks = all || l.reads.all, append(looks, l.reads.looks...)
	}
	for _, q := range r.queries {
		q.columns = nil
		if !all && !slices.Contains(reserved, q.at.steps[0].key) {
			q.columns = columnsOf(q.at, looks)
		}
	}
}

// columnsOf lists the columns of rows at a path that are looked at, nil for all.
func columnsOf(at *path, looks []look) []string {
	columns := []string{}
	for _, l := range looks {
		below, related := l.path.below(at)
		switch {
		case !related || len(below) <= l.free:
			continue
		case len(below) < 2 || below[1].inner != nil:
			return nil
		case below[0].inner == nil && below[0].index < 0: // no row of an array
			continue
		case !slices.Contains(columns, below[1].key):
			columns = append(columns, below[1].key)
		}
	}
	slices.Sort(columns)
	return columns
}

// below gives the steps of p that come after those of at, none when p ends before.
// related is false when the two surely lead to different places.
func (p *path) below(at *path) (steps []step, related bool) {
	for i := range min(len(p.steps), len(at.steps)) {
		if a, b := p.steps[i], at.steps[i]; a.inner == nil && b.inner == nil && a.key != b.key {
			return nil, false
		}
	}
	return p.steps[min(len(at.steps), len(p.steps)):], true
}
