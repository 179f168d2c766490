package assist

import "go.yaml.in/yaml/v4"

// Lens is a part of a file whose tests can be run.
type Lens struct {
	Title string
	Range Range  // of the first line
	Last  int    // the last line of a resource; 0 for the whole file and for a test
	Test  string // the name of a test
}

// Lenses lists the parts of a policy, or of a file with tests, whose tests can be run.
func (d Document) Lenses() (out []Lens) {
	kind := d.Kind()
	if len(d.Text) > maxText || kind != Policy && kind != Tests {
		return nil
	}
	root := parse(d.Text)
	if root == nil || root.Kind != yaml.MappingNode || len(root.Content) == 0 {
		return nil
	}
	out = append(out, lensAt(root.Content[0], "Run all tests"))
	if kind == Tests {
		for _, n := range elements(member(root, "tests")) {
			if name, ok := scalar(n, "name"); ok {
				l := lensAt(n, "Run")
				l.Test = name
				out = append(out, l)
			}
		}
		return out
	}
	resource := func(key, n *yaml.Node) {
		l := lensAt(key, "Run tests")
		l.Last = lastLine(n)
		out = append(out, l)
	}
	for _, section := range []string{"routes", "files"} {
		for _, n := range elements(member(root, section)) {
			resource(n, n)
		}
	}
	for _, section := range [][2]string{{"services", "endpoints"}, {"databases", "collections"}} {
		for _, x := range pairs(member(root, section[0])) {
			for _, y := range pairs(member(x[1], section[1])) {
				resource(y[0], y[1])
			}
		}
	}
	return out
}

func lensAt(n *yaml.Node, title string) Lens {
	at := Position{max(n.Line, 1), max(n.Column, 1)}
	return Lens{Title: title, Range: Range{at, Position{at.Line, at.Column + 1}}}
}

func elements(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// pairs lists the keys of a mapping, each with its value.
func pairs(n *yaml.Node) (out [][2]*yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		out = append(out, [2]*yaml.Node{n.Content[i], n.Content[i+1]})
	}
	return out
}

// lastLine returns the line on which the last scalar of a node begins.
func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, x := range n.Content {
		last = max(last, lastLine(x))
	}
	return last
}
