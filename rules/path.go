package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// path is a compiled path: `args.a.b.2.c`, `args.a[args.params.k]`, `res.x.y`.
type path struct {
	text  string
	steps []step
	item  bool // below a filter's element, not below args
}

// step is one step of a path: a key that is written there, or the value at an
// inner path.
type step struct {
	key   string
	index int   // of key as a plain decimal index, else -1
	inner *path // nil: key is it
}

// reach is what references may name where they stand.
type reach uint8

const (
	ofArgs reach = iota
	ofItem       // beside args, the element: inside the clause of a filter
)

// path reads a path that a value is read at.
func (w reach) path(text string) (*path, error) {
	if w == ofItem && strings.HasPrefix(text, "item.") {
		p, err := w.pathBelow("item", text)
		if err == nil {
			p.item = true
		}
		return p, err
	}
	return w.pathBelow("args", text)
}

// pathBelow reads a path below root ("args", "item" or "res"). Keys are what
// stands between the points, letter for letter.
func (w reach) pathBelow(root, text string) (*path, error) {
	rest, ok := strings.CutPrefix(text, root)
	if !ok || rest == "" || rest[0] != '.' {
		return nil, fmt.Errorf("%q is no path: want %s.…", text, root)
	}
	p := &path{text: text}
	for rest != "" {
		var s step
		var err error
		if rest[0] == '.' {
			end := strings.IndexAny(rest[1:], ".[]")
			if end < 0 {
				end = len(rest) - 1
			}
			s, rest = keyStep(rest[1:1+end]), rest[1+end:]
			if s.key == "" {
				return nil, fmt.Errorf("path %q has an empty key", text)
			}
		} else if s, rest, err = w.bracketStep(text, rest); err != nil {
			return nil, err
		}
		if rest != "" && rest[0] == ']' {
			return nil, fmt.Errorf("path %q has a ] without its [", text)
		}
		p.steps = append(p.steps, s)
	}
	return p, nil
}

func keyStep(key string) step {
	i, ok := value.PlainIndex(key)
	if !ok {
		i = -1
	}
	return step{key: key, index: i}
}

func (w reach) bracketStep(text, rest string) (step, string, error) {
	end := strings.IndexByte(rest, ']')
	if end < 0 {
		return step{}, "", fmt.Errorf("path %q has a [ without its ]", text)
	}
	inside, rest := rest[1:end], rest[end+1:]
	if strings.IndexByte(inside, '[') >= 0 {
		return step{}, "", fmt.Errorf("path %q has brackets inside brackets", text)
	}
	if rest != "" && rest[0] != '.' && rest[0] != '[' {
		return step{}, "", fmt.Errorf("path %q goes on after a ] without a point", text)
	}
	inner, err := w.path(inside)
	if err != nil {
		return step{}, "", fmt.Errorf("in the brackets of %q: %w", text, err)
	}
	return step{inner: inner}, rest, nil
}

// resolve walks the path. What is not there is Missing; Pending wins over
// everything behind it.
func (p *path) resolve(r *run) value.Value {
	v := r.args
	if p.item {
		v = *r.item
	}
	for i := range p.steps {
		if v.Kind() != value.Object && v.Kind() != value.Array {
			if v.Kind() == value.Pending {
				return v
			}
			return value.Value{}
		}
		s := &p.steps[i]
		if s.inner == nil {
			v = child(v, s.key, s.index)
			continue
		}
		v = dynamic(v, s.inner.resolve(r))
	}
	return v
}

func child(v value.Value, key string, index int) value.Value {
	if v.Kind() == value.Array {
		return v.At(index)
	}
	return v.Key(key)
}

// dynamic steps by a value: a string is a key, or an array's plain decimal
// index; an integer is an array's index.
func dynamic(v, k value.Value) value.Value {
	switch k.Kind() {
	case value.Pending:
		return k
	case value.String:
		key, _ := k.Text()
		return child(v, key, keyStep(key).index)
	case value.Number:
		if i, ok := value.Index(k); ok && v.Kind() == value.Array {
			return v.At(i)
		}
	}
	return value.Value{}
}

// keys resolves a path that is to be changed: all its steps are keys of objects.
func (p *path) keys(r *run) (keys []string, v value.Value) {
	keys = make([]string, len(p.steps))
	for i := range p.steps {
		keys[i] = p.steps[i].key
		if p.steps[i].inner == nil {
			continue
		}
		k := p.steps[i].inner.resolve(r)
		text, ok := k.Text()
		if !ok {
			return nil, k
		}
		keys[i] = text
	}
	return keys, value.Str("")
}

// roots is a set of the keys of args that a rule touches.
type roots struct {
	all   bool
	names []string
	looks []look // at args, wherever
}

func (r *roots) add(name string) {
	if !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
}

func (r *roots) merge(o roots) {
	r.all = r.all || o.all
	for _, n := range o.names {
		r.add(n)
	}
	r.looks = append(r.looks, o.looks...)
}

func (r *roots) has(name string) bool { return r.all || slices.Contains(r.names, name) }

// read adds every key of args that resolving a path looks at.
func (r *roots) read(p *path) { r.look(p, -1) }

func (r *roots) look(p *path, free int) {
	if !p.item {
		r.add(p.steps[0].key)
		r.looks = append(r.looks, look{path: p, free: free})
	}
	r.inner(p)
}

// inner adds those that only the brackets of a path look at.
func (r *roots) inner(p *path) {
	for i := range p.steps {
		if in := p.steps[i].inner; in != nil {
			r.read(in)
		}
	}
}
