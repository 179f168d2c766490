package trace

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// masked stands in place of a value that may not be shown.
const masked = "[masked]"

// leastSecret is the length from which a text is masked wherever it occurs. A
// shorter one occurs by chance.
const leastSecret = 4

// Mask knows the values that may not be shown: those at some paths of args, and some
// texts wherever they occur.
type Mask struct {
	paths []keys
	texts []replacement
	// replacer replaces the texts; nil: one was added.
	replacer *strings.Replacer
}

// keys are the keys of a path, from args down.
type keys []string

// replacement replaces a text wherever it occurs.
type replacement struct{ text, by string }

// always are the paths that are masked whatever the policy says.
var always = []keys{
	{rules.RootToken},
	{rules.RootRequest, "headers", "authorization"},
	{rules.RootRequest, "headers", "proxy-authorization"},
	{rules.RootRequest, "headers", "cookie"},
	{rules.RootResponse, "headers", "set-cookie"},
}

// NewMask returns a mask of the paths that are always masked.
func NewMask() *Mask { return &Mask{paths: slices.Clone(always)} }

// AddPath masks the value at keys, from args down, and all below it. An array on
// the way means each of its elements.
func (m *Mask) AddPath(path ...string) { m.paths = append(m.paths, path) }

// AddText masks a text wherever it occurs; by, if it is not empty, stands in its
// place. A text of less than 4 bytes is not masked.
func (m *Mask) AddText(text, by string) {
	if len(text) < leastSecret || slices.ContainsFunc(m.texts, func(r replacement) bool { return r.text == text }) {
		return
	}
	if by == "" {
		by = masked
	}
	m.texts, m.replacer = append(m.texts, replacement{text, by}), nil
}

// clone returns a mask that can be added to.
func (m *Mask) clone() *Mask {
	return &Mask{paths: slices.Clone(m.paths), texts: slices.Clone(m.texts)}
}

// learn masks the texts at the masked paths of args wherever else they occur.
func (m *Mask) learn(args value.Value) {
	for _, p := range m.paths {
		m.learnAt(args, p)
	}
}

func (m *Mask) learnAt(v value.Value, path keys) {
	if text, ok := v.Text(); ok && len(path) == 0 {
		m.AddText(text, "")
		return
	}
	v.Each(func(key string, x value.Value) bool {
		switch {
		case v.Kind() == value.Array || len(path) == 0:
			m.learnAt(x, path)
		case key == path[0]:
			m.learnAt(x, path[1:])
		}
		return len(m.texts) < maxLearnt
	})
}

// maxLearnt bounds the texts that a mask learns from a request.
const maxLearnt = 1000

// Text masks the texts that are masked wherever they occur.
func (m *Mask) Text(s string) string {
	if m.replacer == nil {
		// The longest first: a text may be a part of another.
		slices.SortStableFunc(m.texts, func(a, b replacement) int { return len(b.text) - len(a.text) })
		var pairs []string
		for _, r := range m.texts {
			pairs = append(pairs, r.text, r.by)
		}
		m.replacer = strings.NewReplacer(pairs...)
	}
	return m.replacer.Replace(s)
}

// at returns the masked paths as they are from the value at the keys on: an empty
// one means the value itself.
func (m *Mask) at(path []rules.Key) (below []keys) {
	for _, p := range m.paths {
		if rest, ok := p.after(path); ok {
			below = append(below, rest)
		}
	}
	return below
}

// after returns the rest of p behind a path. It is empty for a path that ends
// in p or below it. ok is false if the two lead to different values.
func (p keys) after(path []rules.Key) (rest keys, ok bool) {
	for _, k := range path {
		switch {
		case len(p) == 0:
			return nil, true
		case k.Computed || k.Name == p[0]:
			p = p[1:]
		case !isIndex(k.Name):
			return nil, false
		}
	}
	return p, true
}

func isIndex(key string) bool {
	_, err := strconv.ParseUint(key, 10, 31)
	return err == nil
}

// names turns keys into those of a path without brackets.
func names(path []string) []rules.Key {
	out := make([]rules.Key, len(path))
	for i, k := range path {
		out[i].Name = k
	}
	return out
}

// hides reports whether one of the paths means the value itself.
func hides(below []keys) bool {
	return slices.ContainsFunc(below, func(p keys) bool { return len(p) == 0 })
}
