package assist

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Location is a part of a file.
type Location struct {
	Path  string `json:"path"`
	Range Range  `json:"range"`
}

// symbol is a name that one place gives and others use.
type symbol struct {
	kind     nameKind
	name     string
	database string     // of a collection
	holder   *yaml.Node // the resource with a variable of its path
}

// Definition returns where the name at a position is given: in this document, or in one
// of the others of the policy.
func (d Document) Definition(at Position, others ...Document) (out []Location) {
	s, ok := d.symbol(at)
	if !ok {
		return nil
	}
	for _, x := range d.with(s, others) {
		out = append(out, x.occurrences(s, true)...)
	}
	return out
}

// Uses returns where the name at a position is used.
func (d Document) Uses(at Position, others ...Document) (out []Location) {
	s, ok := d.symbol(at)
	if !ok {
		return nil
	}
	for _, x := range d.with(s, others) {
		out = append(out, x.occurrences(s, false)...)
	}
	return out
}

// with returns the documents in which a symbol may be: a variable of a path is known in
// its own file alone.
func (d Document) with(s symbol, others []Document) []Document {
	all := []Document{d}
	if s.kind == captures {
		return all
	}
	return append(all, others...)
}

// symbol returns the name at a position.
func (d Document) symbol(at Position) (symbol, bool) {
	kind := d.Kind()
	if kind == Other || len(d.Text) > maxText {
		return symbol{}, false
	}
	c, ok := under(d.Text, at)
	if !ok {
		return symbol{}, false
	}
	w := locate(start(kind.schema(), c.path[0]), c.path)
	if s, ok := w.symbol(c.node, c.key); ok {
		return s, true
	}
	name := ""
	if c.key {
		return symbol{}, false
	}
	if w.last("path") || w.last("prefix") {
		name = captureAt(c.node.Value, len(c.prefix))
	} else if word, isPath := referenceAt(c.node.Value, utf8.RuneCountInString(c.prefix)); isPath {
		name = w.capture(word)
	}
	return symbol{kind: captures, name: name, holder: w.resource()}, name != ""
}

// symbol returns the name that a scalar gives or uses.
func (w *where) symbol(n *yaml.Node, key bool) (symbol, bool) {
	s := symbol{name: n.Value}
	depth := len(w.steps)
	switch {
	case key && depth == 1 && w.steps[0] == "define":
		s.kind = rulesOfDefine
	case key && depth == 1 && w.steps[0] == "databases":
		s.kind = databases
	case key && depth == 3 && w.steps[0] == "databases" && w.last("collections"):
		s.kind, s.database = collections, w.steps[1]
	case key && depth == 1 && w.steps[0] == "who":
		s.kind = users
	case !key && depth == 4 && w.steps[0] == "auth" && w.steps[1] == "tokens" && w.last("name"):
		s.kind = providers
	case !key:
		s.kind = w.uses()
		if s.kind == collections {
			s.database, _ = scalar(w.rule(), "db")
		}
	}
	return s, s.kind != ""
}

// capture returns the variable of the path that a reference leads to.
func (w *where) capture(path string) string {
	root := "args.request.vars."
	if len(w.steps) > 0 && w.steps[0] == "files" {
		root = "args.params."
	}
	name, ok := strings.CutPrefix(path, root)
	if name, _, _ = strings.Cut(name, "."); !ok {
		return ""
	}
	return name
}

// captureAt returns the variable at an offset of a path such as /v1/{id}.
func captureAt(template string, at int) string {
	from := strings.LastIndexByte(template[:min(at, len(template))], '/') + 1
	segment, _, _ := strings.Cut(template[from:], "/")
	if names := variables(segment); len(names) > 0 {
		return names[0]
	}
	return ""
}

// occurrences lists the places of a document that give a name, or that use it.
func (d Document) occurrences(s symbol, giving bool) (out []Location) {
	root := parse(d.Text)
	if root == nil {
		return nil
	}
	p := start(d.Kind().schema(), root)
	lines := strings.Split(d.Text, "\n")
	each(root, func(path []*yaml.Node, key bool) {
		n := path[len(path)-1]
		if !strings.Contains(n.Value, s.name) {
			return
		}
		w := locate(p, path)
		if s.kind == captures {
			if h := w.resource(); h != nil && s.holder != nil && h.Line == s.holder.Line && h.Column == s.holder.Column && !key {
				if text, ok := w.captureText(n.Value, s.name, giving); ok {
					out = append(out, Location{d.Path, within(lines, n, text, s.name)})
				}
			}
			return
		}
		if x, ok := w.symbol(n, key); ok && x == s && gives(&w, key) == giving {
			out = append(out, Location{d.Path, within(lines, n, n.Value, s.name)})
		}
	})
	return out
}

// gives reports whether a scalar of a symbol gives its name.
func gives(w *where, key bool) bool { return key || w.last("name") }

// captureText returns the part of a scalar that gives a variable, or that uses it.
func (w *where) captureText(text, name string, giving bool) (string, bool) {
	if giving {
		if !w.last("path") && !w.last("prefix") {
			return "", false
		}
		for _, part := range []string{"{" + name, ":" + name} {
			if strings.Contains(text, part) {
				return part, true
			}
		}
		return "", false
	}
	root := "args.request.vars."
	if w.steps[0] == "files" {
		root = "args.params."
	}
	i := strings.Index(text, root+name)
	if i < 0 {
		return "", false
	}
	word, _ := referenceAt(text, utf8.RuneCountInString(text[:i]))
	return root + name, w.capture(word) == name
}

// within returns the range of a name in a part of a scalar. Where the part is not found
// in the line, as in a text with escapes, it is where the scalar begins.
func within(lines []string, n *yaml.Node, part, name string) Range {
	from := Position{max(n.Line, 1), max(n.Column, 1)}
	if n.Line <= len(lines) {
		line := []rune(lines[from.Line-1])
		rest := string(line[min(from.Column-1, len(line)):])
		if i := strings.Index(rest, part); i >= 0 {
			i += strings.Index(part, name)
			from.Column += utf8.RuneCountInString(rest[:i])
		}
	}
	return Range{from, Position{from.Line, from.Column + utf8.RuneCountInString(name)}}
}

// each calls f for each scalar, with the way to it.
func each(root *yaml.Node, f func(path []*yaml.Node, key bool)) {
	var path []*yaml.Node
	var walk func(n *yaml.Node, key bool)
	walk = func(n *yaml.Node, key bool) {
		if n.Kind == yaml.AliasNode || len(path) > maxNested {
			return
		}
		path = append(path, n)
		if n.Kind == yaml.ScalarNode {
			f(path, key)
		}
		for i, x := range n.Content {
			switch {
			case n.Kind == yaml.MappingNode && i%2 == 1:
				path = append(path, n.Content[i-1]) // the key is on the way to its value
				walk(x, false)
				path = path[:len(path)-1]
			default:
				walk(x, n.Kind == yaml.MappingNode)
			}
		}
		path = path[:len(path)-1]
	}
	walk(root, false)
}
