package policyfile

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"go.yaml.in/yaml/v4"
)

// Documents is a file of another program: its documents, in YAML or JSON, with
// their comments.
type Documents struct {
	Path  string
	Roots []*yaml.Node // the content of each document that is not empty

	file *File
}

// ReadDocuments reads a file of at most 4 MiB. Anchors, aliases, tags and repeated
// keys are faults, and so is what is nested too deep: who reads the documents can
// walk their nodes.
//
// Errors: *Error for a fault.
func ReadDocuments(path string) (*Documents, error) {
	if (Disk{}).IsDir(path) {
		return nil, fmt.Errorf("%s is a folder: want its files, such as %s", path, filepath.Join(path, "*.yaml"))
	}
	data, err := Disk{}.Read(path, maxFile)
	if err != nil {
		return nil, err
	}
	return ParseDocuments(path, data)
}

// ParseDocuments is ReadDocuments for content that is here already.
func ParseDocuments(path string, data []byte) (*Documents, error) {
	text := strings.TrimPrefix(string(data), "\ufeff")
	f := &File{Path: path, marks: map[string]mark{}, hidden: map[int][]span{}}
	f.lines = strings.Split(text, "\n")
	for i, line := range f.lines {
		f.lines[i] = strings.TrimSuffix(line, "\r")
	}
	if fault := f.checkText(text); fault != nil {
		return nil, &Error{f, []Fault{*fault}}
	}
	if isJSON(path, text) {
		// JSON may be indented with tabs and YAML may not. A tab inside a text
		// is always an escape in JSON.
		text = strings.ReplaceAll(text, "\t", " ")
	}
	documents, fault := f.parseYAML(text)
	if fault != nil {
		return nil, &Error{f, []Fault{*fault}}
	}
	d := &Documents{Path: path, file: f}
	for _, document := range documents {
		if isEmpty(document) {
			continue
		}
		root := document.Content[0]
		if root.HeadComment == "" {
			root.HeadComment = document.HeadComment
		}
		if err := d.check(root, "", 0); err != nil {
			return nil, err
		}
		d.Roots = append(d.Roots, root)
	}
	if len(d.Roots) == 0 {
		return nil, &Error{f, []Fault{{Message: "the file has nothing in it but comments or blanks: was it written whole?", Line: 1, Column: 1}}}
	}
	return d, nil
}

// Fault returns an error at a node.
func (d *Documents) Fault(n *yaml.Node, place, format string, args ...any) *Error {
	at := d.file.at(n)
	return &Error{d.file, []Fault{{Place: place, Message: fmt.Sprintf(format, args...), Line: at.line, Column: at.column}}}
}

func (d *Documents) check(n *yaml.Node, place string, depth int) *Error {
	switch {
	case depth > policy.MaxDepth:
		return d.Fault(n, "", "nested deeper than %d", policy.MaxDepth)
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return d.Fault(n, place, "anchors and aliases are not read: write the value out")
	case tagged(n):
		return d.Fault(n, place, "tags are not read; put a text in quotes")
	}
	switch n.Kind {
	case yaml.MappingNode:
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			at := rules.Join(place, key.Value)
			switch {
			case key.Kind != yaml.ScalarNode || key.Anchor != "":
				return d.Fault(key, place, "want a text as key")
			case key.Value == "<<" && key.Style == 0:
				return d.Fault(key, at, "merge keys are not read: write the keys out")
			case seen[key.Value]:
				return d.Fault(key, at, "repeated key")
			}
			seen[key.Value] = true
			if err := d.check(n.Content[i+1], at, depth+1); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		for i, x := range n.Content {
			if err := d.check(x, rules.Elem(place, i), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
