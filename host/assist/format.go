package assist

import (
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"go.yaml.in/yaml/v4"
)

// Format returns a text with two spaces for each level of blocks. Everything else stays:
// comments, braces, quotes, the order. A text that cannot be parsed, or that would mean
// something else, is returned as it is.
func (d Document) Format() string {
	before, err := policyfile.ParseOther(d.Path, []byte(d.Text))
	if err != nil || len(d.Text) > maxText {
		return d.Text
	}
	root := parse(d.Text)
	if root == nil {
		return d.Text
	}
	f := formatter{lines: strings.Split(d.Text, "\n"), indent: map[int]int{}}
	f.block(root, 0)
	out := f.text()
	after, err := policyfile.ParseOther(d.Path, []byte(out))
	if err != nil || before.Doc.String() != after.Doc.String() {
		return d.Text
	}
	return out
}

// formatter finds the indentation of lines.
type formatter struct {
	lines  []string
	indent map[int]int // by line, from 1: of those that a key or an element of a block begins
}

// block sets the indentation of the lines of a block.
func (f *formatter) block(n *yaml.Node, indent int) {
	if n.Style&yaml.FlowStyle != 0 {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, x := n.Content[i], n.Content[i+1]
			f.set(key, indent)
			f.block(x, indent+2)
		}
	case yaml.SequenceNode:
		for _, x := range n.Content {
			f.set(x, indent)
			f.block(x, indent+2)
		}
	}
}

// set sets the indentation of the line that a node begins, unless something else of the
// block begins it.
func (f *formatter) set(n *yaml.Node, indent int) {
	if _, ok := f.indent[n.Line]; !ok {
		f.indent[n.Line] = indent
	}
}

// text returns the lines with their indentation. A line that nothing of a block begins
// moves with the one before it, and a comment with the one behind it.
func (f *formatter) text() string {
	out := make([]string, len(f.lines))
	shift := 0
	for i := range f.lines {
		line, end := strings.CutSuffix(f.lines[i], "\r")
		line = strings.TrimRight(line, " \t")
		old := len(line) - len(strings.TrimLeft(line, " "))
		indent, ok := f.indent[i+1]
		if comment := strings.HasPrefix(line[old:], "#"); comment && !ok {
			if next := f.next(i); next > 0 {
				indent, ok = f.indent[next], true
			}
		}
		if ok {
			shift = indent - old
		}
		if line != "" {
			line = strings.Repeat(" ", max(0, old+shift)) + line[old:]
		}
		out[i] = line
		if end {
			out[i] += "\r"
		}
	}
	return strings.Join(out, "\n")
}

// next returns the next line that something of a block begins, if nothing but comments is
// before it; 0 without one.
func (f *formatter) next(i int) int {
	for ; i < len(f.lines); i++ {
		text := strings.TrimSpace(f.lines[i])
		if _, ok := f.indent[i+1]; ok {
			return i + 1
		}
		if text != "" && !strings.HasPrefix(text, "#") {
			return 0
		}
	}
	return 0
}
