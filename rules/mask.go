package rules

import (
	"slices"
	"unsafe"

	"github.com/rulegate/rulegate/rules/value"
)

// mask applies edits to a response while that is checked: it copies the text, but
// for the values at the paths of the edits.
type mask struct {
	r    *run
	text string
	err  error // of an edit; the text may still turn out to be no JSON

	out    []byte
	copied int // the text up to here is in out, or was left out

	root  *maskPath
	stack []maskFrame
}

// maskPath is a step of the edits' paths. The edits apply either at its end or below.
type maskPath struct {
	key   string
	depth int // steps from the root
	inner []*maskPath
	edits []Edit // in their order: those at its end, or all that are below
}

// maxMaskKeys bounds the keys that a mask looks for in one object.
const maxMaskKeys = 64

// newMaskPath merges the paths of edits. ok is false for edits that are not
// independent of each other, or too many for one object: for these, one after the
// other is applied to a tree.
func newMaskPath(edits []Edit) (root *maskPath, ok bool) {
	root = &maskPath{}
	forces, returns := false, false
	for i := range edits {
		at := root
		forces = forces || edits[i].op == opForce
		for depth, key := range edits[i].path {
			if at.ends() { // an edit of a value around this one
				return nil, false
			}
			at.edits = append(at.edits, edits[i])
			n := slices.IndexFunc(at.inner, func(p *maskPath) bool { return p.key == key })
			if n < 0 {
				if n = len(at.inner); n == maxMaskKeys {
					return nil, false
				}
				at.inner = append(at.inner, &maskPath{key: key, depth: depth + 1})
			}
			returns = returns || n < len(at.inner)-1
			at = at.inner[n]
		}
		if len(at.edits) > 0 { // edits of this value, or inside of it
			return nil, false
		}
		at.edits = edits[i : i+1]
	}
	// Members that a force adds stand in the order of the edits.
	return root, !forces || !returns
}

// ends reports whether edits apply at the end of the path.
func (p *maskPath) ends() bool { return p.depth > 0 && len(p.inner) == 0 && len(p.edits) > 0 }

// maskFrame is an array or object that is open, with edits inside it.
type maskFrame struct {
	start  int
	object bool
	path   *maskPath

	// Of an object.
	seen     uint64    // the keys of path.inner that it has, by index
	member   *maskPath // the value that is read; nil: no edit applies to it
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
	if path.ends() {
		return false
	}
	m.stack = append(m.stack, maskFrame{start: start, object: object, path: path, cut: -1})
	return true
}

// at is the path that leads to the value that is read now.
func (m *mask) at() *maskPath {
	if len(m.stack) == 0 {
		return m.root
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
	f.member, f.keyStart, f.before = nil, start, before
	for i, p := range f.path.inner {
		if p.key == name {
			f.member, f.seen = p, f.seen|1<<i
			break
		}
	}
	if f.member == nil || !f.member.ends() {
		m.keep(f)
	}
	return f.member != nil
}

func (m *mask) Scalar(start, end int, escaped bool) {
	if m.err != nil {
		return
	}
	path := m.at()
	if path.ends() {
		m.edit(start, end)
		return
	}
	if len(m.stack) == 0 && m.text[start:end] == "null" {
		return
	}
	// Edits below a value that is no object: it stays as it is, or blocks.
	_, m.err = applyAll(m.r, value.Checked(m.text[start:end]), path.edits, path.depth)
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
	e := &f.member.edits[0]
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
	if m.r.spend(1 + len(f.path.inner)); m.r.exhausted() {
		m.err = errSteps
		return
	}
	for i, p := range f.path.inner {
		if f.seen&(1<<i) != 0 {
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
		return applyAll(m.r, value.Value{}, p.edits, p.depth)
	}
	made, err := p.edits[0].inResponse(m.r, value.Value{})
	if err != nil {
		err = p.edits[0].fault(err)
	}
	return made, err
}

// result is the response after the edits.
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
	return unsafe.String(unsafe.SliceData(m.out), len(m.out)), nil // out is not changed any more
}
