// Package importer is shared by the importers of `rulegate import`: the nodes
// of a YAML file, the draft of a policy, its file of variables and the report.
package importer

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"go.yaml.in/yaml/v4"
)

// Variable is a secret of the source. The policy names it, and the file of
// variables has its value.
type Variable struct{ Name, Value string }

// Draft is a policy that is being written.
type Draft struct {
	Name      string // of the project; "": the source has none
	Policy    *yaml.Node
	Variables []Variable
	Report    Report
}

// NewDraft returns an empty draft.
func NewDraft(name string) *Draft { return &Draft{Name: name, Policy: Object()} }

// Secret keeps a secret among the variables and returns the reference to it. Name is
// in upper case; a second secret of the name gets a number.
func (d *Draft) Secret(name, value string) *yaml.Node {
	unique, used := name, map[string]bool{}
	for _, v := range d.Variables {
		if v.Value == value && strings.HasPrefix(v.Name, name) {
			return Text("${" + v.Name + "}")
		}
		used[v.Name] = true
	}
	for i := 2; used[unique]; i++ {
		unique = fmt.Sprintf("%s_%d", name, i)
	}
	d.Variables = append(d.Variables, Variable{unique, value})
	return Text("${" + unique + "}")
}

// VariableName makes the name of an environment variable of the parts.
func VariableName(parts ...string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, strings.Join(parts, "_"))
}

// Todo is the beginning of a comment that asks the reader to decide.
const Todo = "# TODO: "

// Ask puts a question above a node, which is the key of a member or an element of a
// list.
func Ask(n *yaml.Node, question string) {
	line := Todo + oneLine(question)
	switch {
	case n.HeadComment == "":
		n.HeadComment = line
	case !strings.Contains(n.HeadComment, line):
		n.HeadComment += "\n" + line
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Render returns the policy as YAML.
func (d *Draft) Render() ([]byte, error) {
	tidy(d.Policy)
	var out bytes.Buffer
	dumper, err := yaml.NewDumper(&out, yaml.WithIndent(2), yaml.WithLineWidth(-1), yaml.WithCompactSeqIndent(false))
	if err != nil {
		return nil, err
	}
	if err := dumper.Dump(d.Policy); err != nil {
		return nil, err
	}
	return out.Bytes(), dumper.Close()
}

// Environment returns the variables as a file that a shell reads, and Docker
// Compose too.
func (d *Draft) Environment() []byte {
	var b bytes.Buffer
	for _, v := range d.Variables {
		fmt.Fprintf(&b, "%s='%s'\n", v.Name, strings.ReplaceAll(v.Value, "'", `'\''`))
	}
	return b.Bytes()
}

// maxLine is the length up to which an object is written in one line, in bytes.
const maxLine = 110

// tidy chooses the style of a node and all inside it: a short object without
// comments that holds no list of objects stands in one line. It returns the length of
// that line, or more than maxLine.
func tidy(n *yaml.Node) int {
	n.Line, n.Column = 0, 0
	if n.Kind == yaml.ScalarNode {
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return maxLine + 1
		}
		return len(n.Value) + 2 + commented(n)
	}
	length, objects := 0, 0
	for _, x := range n.Content {
		length += tidy(x) + 2
		if x.Kind == yaml.MappingNode {
			objects++
		}
	}
	n.Style &^= yaml.FlowStyle
	if len(n.Content) == 0 || length <= maxLine && (n.Kind == yaml.MappingNode || objects == 0) {
		n.Style |= yaml.FlowStyle
	}
	return length + commented(n)
}

// commented is more than maxLine if a node has a comment: it needs a line.
func commented(n *yaml.Node) int {
	if n.HeadComment+n.LineComment+n.FootComment != "" {
		return maxLine + 1
	}
	return 0
}

// site is a node of the draft with the nodes around it.
type site struct {
	node, name, container *yaml.Node // name: of its key, or the node itself in a list
	parent                string     // place of the container
}

// sites returns the nodes of the draft by their place.
func (d *Draft) sites() map[string]site {
	out := map[string]site{}
	var walk func(n *yaml.Node, place string)
	walk = func(n *yaml.Node, place string) {
		for i, x := range n.Content {
			at, name := rules.Elem(place, i), x
			if n.Kind == yaml.MappingNode {
				if i%2 == 0 {
					continue
				}
				name = n.Content[i-1]
				at = rules.Join(place, name.Value)
			}
			out[at] = site{x, name, n, place}
			walk(x, at)
		}
	}
	walk(d.Policy, "")
	return out
}
