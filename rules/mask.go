package rules

import (
	"slices"
	"sync"
	"unsafe"

	"github.com/rulegate/rulegate/rules/value"
)

// mask applies edits to a response while that is checked: it copies the text, but
// for the values at the paths of the edits.
type mask struct {
	input Input
	run   run // of the edits
	r     *run
	text  string
	edits []Edit
	err   error // of an edit; the text may still turn out to be no JSON

	room   []byte // for out, if it is enough; nil: none
	out    []byte
	copied int // the text up to here is in out, or was left out

	paths []maskPath // the first one is the root
	stack []maskFrame

	firstPaths [8]maskPath // the memory of paths and stack, until they grow
	firstStack [4]maskFrame
}

// masks are masks that have ended, for the next responses.
var masks = sync.Pool{New: func() any { return new(mask) }}

// free gives the mask to another response. Nothing of this one stays in it.
func (m *mask) free() {
	*m = mask{}
	masks.Put(m)
}

// maskPath is a step of the edits' paths. The edits apply either at its end or below.
type maskPath struct {
	key   string
	depth int    // steps from the root
	bit   uint64 // of maskFrame.seen
	first int    // the index of the first step below it; 0: none
	next  int    // of the next step beside it; 0: none
	edit  *Edit  // at its end, or the first one below
	below []Edit // all edits below, in their order; nil: nobody has asked yet
}

// plan merges the paths of the edits. It reports false for edits that are not
// independent of each other, or too many for one object: for these, one after the
// other is applied to a tree.
func (m *mask) plan() bool {
	m.paths = append(m.firstPaths[:0], maskPath{})
	forces, returns := false, false
	for i := range m.edits {
		at := 0
		forces = forces || m.edits[i].op == opForce
		for depth, key := range m.edits[i].path {
			if p := &m.paths[at]; p.ends() && p.edit != &m.edits[i] { // an edit of a value around this one
				return false
			}
			next, last, ok := m.step(at, depth, key, &m.edits[i])
			if !ok {
				return false
			}
			returns = returns || !last
			at = next
		}
		if p := &m.paths[at]; p.first != 0 || p.edit != &m.edits[i] { // edits of this value, or inside of it
			return false
		}
	}
	// Members that a force adds stand in the order of the edits.
	return !forces || !returns
}

// step returns the step below a path that has this key, which it makes if there is
// none, and whether it is the last one that was made.
func (m *mask) step(at, depth int, key string, e *Edit) (next int, last, ok bool) {
	bit, before := uint64(1), 0
	for i := m.paths[at].first; i != 0; i = m.paths[i].next {
		if m.paths[i].key == key {
			return i, m.paths[i].next == 0, true
		}
		bit, before = bit<<1, i
	}
	if bit == 0 { // 64 are there, of which each has its bit
		return 0, false, false
	}
	m.paths = append(m.paths, maskPath{key: key, depth: depth + 1, bit: bit, edit: e})
	next = len(m.paths) - 1
	if before == 0 {
		m.paths[at].first = next
	} else {
		m.paths[before].next = next
	}
	return next, true, true
}

// ends reports whether an edit applies at the end of the path.
func (p *maskPath) ends() bool { return p.first == 0 && p.depth > 0 }

// inside returns the edits below a path, in their order.
func (m *mask) inside(p *maskPath) []Edit {
	if p.depth == 0 {
		return m.edits
	}
	if p.below == nil {
		leading := p.edit.path[:p.depth]
		for i := range m.edits {
			if path := m.edits[i].path; len(path) >= p.depth && slices.Equal(path[:p.depth], leading) {
				p.below = append(p.below, m.edits[i])
			}
		}
	}
	return p.below
}

// maskFrame is an array or object that is open, with edits inside it. It has no pointers,
// because a collection of garbage makes writing these slow.
type maskFrame struct {
	start  int
	object bool
	path   int // in mask.paths

	// Of an object.
	seen     uint64 // the bits of the steps below path that it has
	member   int    // the path of the value that is read; 0: no edit applies to it
	keyStart int
	before   int  // the end of the value before that
	kept     bool // a member before that stays
	cut      int  // where what is left out begins; -1: nothing is
}

func (m *mask) Open(object bool, start int) bool {
	if m.err != nil {
		return false
	}
	path := m.at()
	if m.paths[path].ends() {
		return false
	}
	m.stack = append(m.stack, maskFrame{start: start, object: object, path: path, cut: -1})
	return true
}

// at is the path that leads to the value that is read now.
func (m *mask) at() int {
	if len(m.stack) == 0 {
		return 0
	}
	top := &m.stack[len(m.stack)-1]
	if top.object {
		return top.member
	}
	return top.path // each element of an array
}

func (m *mask) Key(name string, start, _, before int) bool {
	if m.err != nil {
		return false
	}
	f := &m.stack[len(m.stack)-1]
	f.member, f.keyStart, f.before = 0, start, before
	for i := m.paths[f.path].first; i != 0; {
		p := &m.paths[i]
		if p.key == name {
			f.member, f.seen = i, f.seen|p.bit
			break
		}
		i = p.next
	}
	if f.member == 0 || !m.paths[f.member].ends() {
		m.keep(f)
	}
	return f.member != 0
}

func (m *mask) Scalar(start, end int, escaped bool) {
	if m.err != nil {
		return
	}
	path := &m.paths[m.at()]
	if path.ends() {
		m.edit(start, end)
		return
	}
	if len(m.stack) == 0 && m.text[start:end] == "null" {
		return
	}
	// Edits below a value that is no object: it stays as it is, or blocks.
	_, m.err = applyAll(m.r, value.Checked(m.text[start:end]), m.inside(path), path.depth)
}

func (m *mask) Close(start, end int) {
	if m.err != nil {
		return
	}
	f := &m.stack[len(m.stack)-1]
	if f.start != start { // it was not opened here
		m.edit(start, end)
		return
	}
	if f.object {
		m.endObject(f, end-1)
	}
	m.stack = m.stack[:len(m.stack)-1]
}

// edit applies the edit of a member to its value.
func (m *mask) edit(start, end int) {
	f := &m.stack[len(m.stack)-1]
	e := m.paths[f.member].edit
	if e.op == opRemove && !e.optional { // whatever the value is
		m.leaveOut(f)
		return
	}
	old := value.Checked(m.text[start:end])
	now, err := e.inResponse(m.r, old)
	switch {
	case err != nil:
		m.err = e.fault(err)
	case now.Kind() == value.Missing:
		m.leaveOut(f)
	case now.Same(old):
		m.keep(f)
	default:
		m.keep(f)
		m.replace(start, end, now)
	}
}

// leaveOut removes the member that is read now.
func (m *mask) leaveOut(f *maskFrame) {
	if f.cut < 0 {
		f.cut = f.before
	}
}

// keep notes that the member stays which is read now, and leaves out those before it
// that do not.
func (m *mask) keep(f *maskFrame) {
	if f.cut >= 0 {
		m.copyTo(f.cut)
		if f.kept {
			m.out = append(m.out, ',')
		}
		m.copied, f.cut = f.keyStart, -1
	}
	f.kept = true
}

// copyTo copies the text up to an offset.
func (m *mask) copyTo(end int) {
	if m.out == nil {
		m.out = m.room
	}
	if m.out == nil {
		m.out = make([]byte, 0, len(m.text)+len(m.text)/8)
	}
	m.out = append(m.out, m.text[m.copied:end]...)
	m.copied = end
}

func (m *mask) replace(start, end int, now value.Value) {
	m.copyTo(start)
	before := len(m.out)
	m.out = now.Append(m.out)
	m.copied = end
	m.r.spend(1 + (len(m.out)-before)/bytesWritten)
}

// endObject leaves out the last members, if they are removed, and adds those that were
// not there and that an edit makes.
func (m *mask) endObject(f *maskFrame, end int) {
	if f.cut >= 0 {
		m.copyTo(f.cut)
		m.copied = end
	}
	first := m.paths[f.path].first
	for i := first; i != 0; i = m.paths[i].next {
		m.r.spend(1)
	}
	if m.r.spend(1); m.r.exhausted() {
		m.err = errSteps
		return
	}
	for i := first; i != 0; i = m.paths[i].next {
		p := &m.paths[i]
		if f.seen&p.bit != 0 {
			continue
		}
		made, err := m.absent(p)
		if err != nil {
			m.err = err
			return
		}
		if made.Kind() == value.Missing {
			continue
		}
		m.copyTo(end)
		if f.kept {
			m.out = append(m.out, ',')
		}
		m.out = append(value.AppendString(m.out, p.key), ':')
		m.replace(end, end, made)
		f.kept = true
	}
}

// absent applies edits to a member that is not there.
func (m *mask) absent(p *maskPath) (value.Value, error) {
	if !p.ends() {
		return applyAll(m.r, value.Value{}, m.inside(p), p.depth)
	}
	made, err := p.edit.inResponse(m.r, value.Value{})
	if err != nil {
		err = p.edit.fault(err)
	}
	return made, err
}

// result is the response after the edits. Nothing changes out any more.
func (m *mask) result() (string, error) {
	switch {
	case m.err != nil:
		return "", m.err
	case m.r.exhausted():
		return "", errSteps
	case m.out == nil:
		return m.text, nil
	}
	m.copyTo(len(m.text))
	return unsafe.String(unsafe.SliceData(m.out), len(m.out)), nil
}
