package rules

import "slices"

// columnRead is one place where a rule reads args, which may hold rows.
type columnRead struct {
	path *path
	part readPart
}

// readPart is the part of a value that a read needs.
type readPart uint8

const (
	readValue  readPart = iota
	readLength          // how many elements it has
	readExists          // whether it is there
	readPlace           // nothing: it is replaced or removed
)

// free is the number of steps below the rows that a read may take without
// needing a column: to count the rows, or to see whether one is there, the
// columns do not matter.
func (p readPart) free() int {
	switch p {
	case readLength:
		return 0
	case readExists:
		return 1
	}
	return -1
}

// Fetch settles which columns the rule's queries bring: those that the rule
// reads, or one of later, which are evaluated with the values that it stored. A
// row that is read as a whole is fetched as a whole. Compile has called Fetch
// for the rule alone.
func (r *Rule) Fetch(later ...*Rule) {
	all, reads := r.reads.all, slices.Clone(r.reads.reads)
	for _, l := range later {
		all, reads = all || l.reads.all, append(reads, l.reads.reads...)
	}
	for _, q := range r.queries {
		q.columns = nil
		if !all && !slices.Contains(reserved, q.store.steps[0].key) {
			q.columns = columnsOf(q.store, reads)
		}
	}
}

// columnsOf lists the columns of the rows at a path that are read, nil for all.
func columnsOf(rows *path, reads []columnRead) []string {
	columns := []string{}
	for _, r := range reads {
		below, related := r.path.below(rows)
		switch {
		case !related || len(below) <= r.part.free():
			continue
		case len(below) < 2 || below[1].inner != nil:
			return nil
		case below[0].inner == nil && below[0].index < 0: // a key, which an array has not
			continue
		case !slices.Contains(columns, below[1].key):
			columns = append(columns, below[1].key)
		}
	}
	slices.Sort(columns)
	return columns
}

// below returns the steps of p that come after those of q, none where p ends
// before. related is false when the two surely lead to different places.
func (p *path) below(q *path) (steps []step, related bool) {
	for i := range min(len(p.steps), len(q.steps)) {
		if a, b := p.steps[i], q.steps[i]; a.inner == nil && b.inner == nil && a.key != b.key {
			return nil, false
		}
	}
	return p.steps[min(len(q.steps), len(p.steps)):], true
}
