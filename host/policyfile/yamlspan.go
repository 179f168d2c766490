package policyfile

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// end returns the position after a scalar; the parser reports only its start.
// Where the end is not certain, it is the start of the next node: that hides
// too much of the file, never too little. It is zero for the last node.
func (y *yamlReader) end(n *yaml.Node) position {
	start := y.f.at(n)
	line := []rune(y.f.lines[start.line-1])[start.column-1:]
	length := 0
	switch {
	case n.Anchor != "" || tagged(n): // these come before the text
	case n.Style&yaml.SingleQuotedStyle != 0:
		length = singleQuoted(line)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		length = doubleQuoted(line)
	case n.Style&quoted == 0 && strings.HasPrefix(string(line), n.Value):
		length = len([]rune(n.Value))
	}
	if length > 0 {
		return position{start.line, start.column + length}
	}
	next, found := slices.BinarySearchFunc(y.starts, start, comparePositions)
	for found && next < len(y.starts) && y.starts[next] == start {
		next++
	}
	if next >= len(y.starts) {
		return position{}
	}
	return y.starts[next]
}

func comparePositions(a, b position) int {
	if a.line != b.line {
		return a.line - b.line
	}
	return a.column - b.column
}

// singleQuoted returns the length of a text in single quotes; 0: it goes on in
// the next line.
func singleQuoted(line []rune) int {
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] != '\'':
		case i+1 < len(line) && line[i+1] == '\'':
			i++
		default:
			return i + 1
		}
	}
	return 0
}

// doubleQuoted is singleQuoted for double quotes.
func doubleQuoted(line []rune) int {
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}
