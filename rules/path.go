package rules

import (
	"strings"

	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

// pathRoot is the value that the first key of a path is looked up in.
type pathRoot uint8

const (
	inArgs pathRoot = iota
	inItem          // the element, in the clauses of filter, some, every and each
	inRes           // the response, which only actions name
)

// path is a compiled path: `args.a.b.2.c`, `args.a[args.params.k]`, `args.a['b']`,
// `res.x.y`. Only in inItem it may have no steps.
type path struct {
	absence // of: the path as it is written
	root    pathRoot
	steps   []step

	names []string // the keys of the steps; nil if one is in brackets
	start *once    // resolves the first steps once for all elements; nil: none
	rest  []step   // the steps after them
}

// step is one step of a path.
type step struct {
	key   string // unless inner is set
	index int    // of an array, where key is a plain decimal index without quotes, else -1
	inner *path  // in brackets: its value is the key
}

// readPath reads a path whose value is read.
func (s scope) readPath(text string) (*path, error) {
	if s.item && isItem(text) {
		return s.pathIn(inItem, text)
	}
	return s.pathIn(inArgs, text)
}

// isItem reports whether a text is the element or a path into it, where item may
// be named.
func isItem(text string) bool {
	rest, ok := strings.CutPrefix(text, "item")
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// pathNames are the roots as paths spell them.
var pathNames = [...]string{inArgs: "args", inItem: "item", inRes: "res"}

// pathIn reads a path that starts at root.
func (s scope) pathIn(root pathRoot, text string) (*path, error) {
	rest, ok := strings.CutPrefix(text, pathNames[root])
	if !ok || root != inItem && (rest == "" || rest[0] != '.') || root == inItem && !isItem(text) {
		return nil, lightfmt.Errorf("%q is no path: want %s.…", text, pathNames[root])
	}
	steps, err := s.steps(text, rest)
	if err != nil {
		return nil, err
	}
	return &path{absence: absence{text}, root: root, steps: steps, names: names(steps)}, nil
}

// names lists the keys of steps; nil if one is in brackets.
func names(steps []step) []string {
	keys := make([]string, len(steps))
	for i := range steps {
		if steps[i].inner != nil {
			return nil
		}
		keys[i] = steps[i].key
	}
	return keys
}

// steps reads the rest of a path behind its root. A key is the text between two
// points, letter for letter, or stands in brackets and quotes.
func (s scope) steps(text, rest string) (steps []step, err error) {
	for rest != "" {
		var st step
		if rest[0] == '.' {
			end := strings.IndexAny(rest[1:], ".[]")
			if end < 0 {
				end = len(rest) - 1
			}
			st, rest = keyStep(rest[1:1+end]), rest[1+end:]
			if st.key == "" {
				return nil, lightfmt.Errorf("path %q has an empty key", text)
			}
		} else if st, rest, err = s.bracketStep(text, rest); err != nil {
			return nil, err
		}
		if rest != "" && rest[0] == ']' {
			return nil, lightfmt.Errorf("path %q has a ] without its [", text)
		}
		steps = append(steps, st)
	}
	return steps, nil
}

func keyStep(key string) step {
	i, ok := value.PlainIndex(key)
	if !ok {
		i = -1
	}
	return step{key: key, index: i}
}

// bracketStep reads `[path]` or `['key']` at the start of rest.
func (s scope) bracketStep(text, rest string) (step, string, error) {
	if rest[0] != '[' {
		return step{}, "", lightfmt.Errorf("path %q: want a point or [ before %q", text, rest)
	}
	var st step
	var inside string
	if len(rest) > 1 && (rest[1] == '\'' || rest[1] == '"') {
		end := strings.IndexByte(rest[2:], rest[1])
		if end < 0 || !strings.HasPrefix(rest[2+end+1:], "]") {
			return step{}, "", lightfmt.Errorf("path %q has a key in quotes without its %c]", text, rest[1])
		}
		st, rest = step{key: rest[2 : 2+end], index: -1}, rest[2+end+2:]
	} else {
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return step{}, "", lightfmt.Errorf("path %q has a [ without its ]", text)
		}
		inside, rest = rest[1:end], rest[end+1:]
		if strings.IndexByte(inside, '[') >= 0 {
			return step{}, "", lightfmt.Errorf("path %q has brackets inside brackets", text)
		}
		inner, err := s.readPath(inside)
		if err != nil {
			return step{}, "", lightfmt.Errorf("in the brackets of %q: %w", text, err)
		}
		st.inner = inner
	}
	if rest != "" && rest[0] != '.' && rest[0] != '[' {
		return step{}, "", lightfmt.Errorf("path %q goes on after a ] without a point", text)
	}
	return st, rest, nil
}

func (p *path) source() string { return p.of }

func (p *path) reads(rs *roots) { rs.read(p, readValue) }

func (p *path) value(r *run) (value.Value, error) {
	v := p.resolve(r)
	if v.Kind() == value.Missing {
		r.spend(stepsAbsent)
		return v, &p.absence
	}
	return v, nil
}

// resolve walks the path. The value is Missing where a step leads nowhere, and
// Pending where the path meets something that is awaited.
func (p *path) resolve(r *run) value.Value {
	switch {
	case p.root == inItem:
		return walk(r, *r.item, p.steps)
	case p.start != nil:
		v, _ := p.start.value(r)
		return walk(r, v, p.rest)
	}
	return walk(r, r.args, p.steps)
}

func walk(r *run, v value.Value, steps []step) value.Value {
	for i := range steps {
		if v.Kind() != value.Object && v.Kind() != value.Array {
			if v.Kind() == value.Pending {
				return v
			}
			return value.Value{}
		}
		var read int
		if s := &steps[i]; s.inner == nil {
			v, read = child(v, s.key, s.index)
		} else {
			v, read = dynamicChild(v, s.inner.resolve(r))
		}
		if !r.spend(1 + read/bytesWalked) {
			return value.Value{}
		}
	}
	return v
}

// child also returns the bytes that were read.
func child(v value.Value, key string, index int) (value.Value, int) {
	if v.Kind() == value.Array {
		return v.FindAt(index)
	}
	return v.FindKey(key)
}

// dynamicChild steps by a value: a string is a key, or an array's plain decimal
// index; an integer is an array's index.
func dynamicChild(v, k value.Value) (value.Value, int) {
	switch k.Kind() {
	case value.Pending:
		return k, 0
	case value.String:
		key, _ := k.Text()
		return child(v, key, keyStep(key).index)
	case value.Number:
		if i, ok := value.Index(k); ok && v.Kind() == value.Array {
			return v.FindAt(i)
		}
	}
	return value.Value{}, 0
}

// keys resolves a path that is to be changed: all its steps are keys of objects.
// Where a step in brackets names no key, keys is nil and res says why. The caller must
// not change the list.
func (p *path) keys(r *run) (keys []string, res result) {
	if p.names != nil {
		return p.names, yes
	}
	keys = make([]string, len(p.steps))
	for i := range p.steps {
		keys[i] = p.steps[i].key
		if p.steps[i].inner == nil {
			continue
		}
		k := p.steps[i].inner.resolve(r)
		text, ok := k.Text()
		if !ok {
			return nil, p.noKey(k)
		}
		keys[i] = text
	}
	return keys, yes
}

// noKey is the result of a step in brackets whose value is no string.
func (p *path) noKey(k value.Value) result {
	switch k.Kind() {
	case value.Pending:
		return waiting
	case value.Missing:
		return unknown(p.of + ": what is in the brackets is missing")
	}
	return unknown(p.of + ": want string in the brackets, found " + found(k))
}
