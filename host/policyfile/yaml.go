package policyfile

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

func (f *File) readYAML(text string) error {
	if fault := f.lineSeparator(); fault != nil {
		return &Error{f, []Fault{*fault}}
	}
	documents, fault := f.parseYAML(text)
	if fault != nil {
		return &Error{f, []Fault{*fault}}
	}
	y := &yamlReader{f: f, open: map[*yaml.Node]bool{}}
	y.file(documents)
	if len(y.faults) > 0 {
		return &Error{f, y.faults}
	}
	return nil
}

// parseYAML returns the documents of a file.
func (f *File) parseYAML(text string) (documents []*yaml.Node, fault *Fault) {
	loader, err := yaml.NewLoader(strings.NewReader(text), yaml.WithStreamNodes())
	if err != nil {
		return nil, f.syntax(err)
	}
	for {
		node := &yaml.Node{}
		err := loader.Load(node)
		switch {
		case errors.Is(err, io.EOF):
			return documents, nil
		case err != nil:
			return nil, f.syntax(err)
		case node.Kind == yaml.StreamNode && (node.Stream.Version != nil || len(node.Stream.TagDirectives) > 0):
			return nil, f.directive()
		case node.Kind == yaml.DocumentNode && !(isEmpty(node) && len(documents) > 0):
			documents = append(documents, node)
		}
	}
}

// isEmpty reports whether a document contains nothing.
func isEmpty(document *yaml.Node) bool {
	root := document.Content[0]
	return root.Kind == yaml.ScalarNode && root.Style == 0 && root.Value == "" && root.Anchor == ""
}

// directive points at the first directive of the file.
func (f *File) directive() *Fault {
	for i, line := range f.lines {
		if strings.HasPrefix(line, "%") {
			return &Fault{Message: "directives are not allowed: the file is YAML 1.2", Line: i + 1, Column: 1}
		}
	}
	return &Fault{Message: "directives are not allowed", Line: 1, Column: 1}
}

// lineSeparator points at a character that ends a line in YAML 1.1 and does not
// in YAML 1.2: readers of the file would disagree.
func (f *File) lineSeparator() *Fault {
	for i, line := range f.lines {
		column := 0
		for _, r := range line {
			column++
			if r == '\u0085' || r == '\u2028' || r == '\u2029' {
				return &Fault{Message: "a character that some readers take for the end of the line; write it as an escape in double quotes", Line: i + 1, Column: column}
			}
		}
	}
	return nil
}

// at is a node's position, inside the file.
func (f *File) at(n *yaml.Node) position { return f.inside(position{n.Line, n.Column}) }

// inside moves a position behind the end of the file to its end.
func (f *File) inside(p position) position {
	if p.line > len(f.lines) {
		return position{len(f.lines), utf8.RuneCountInString(f.lines[len(f.lines)-1]) + 1}
	}
	return position{max(p.line, 1), max(p.column, 1)}
}
