package importer

import (
	"strconv"

	"go.yaml.in/yaml/v4"
)

// Get returns the value at a path of keys; nil: there is none, or it is null.
func Get(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var found *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				found = n.Content[i+1]
			}
		}
		n = found
	}
	if IsNull(n) {
		return nil
	}
	return n
}

// IsNull reports whether a node is absent or null.
func IsNull(n *yaml.Node) bool { return n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// IsEmpty reports whether a node is absent, null, "", [] or {}.
func IsEmpty(n *yaml.Node) bool {
	return IsNull(n) || n.Kind == yaml.ScalarNode && n.Value == "" || n.Kind != yaml.ScalarNode && len(n.Content) == 0
}

// TextOf returns the value of a scalar at a path of keys, or "".
func TextOf(n *yaml.Node, path ...string) string {
	if n = Get(n, path...); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

// IsTrue reports whether the value at a path of keys is true, as a text too.
func IsTrue(n *yaml.Node, path ...string) bool { return TextOf(n, path...) == "true" }

// Entry is a member of an object or an element of a list.
type Entry struct {
	Key   string // "" in a list
	Value *yaml.Node
	Name  *yaml.Node // the node of the key; nil in a list
}

// Entries returns the members of an object, or the elements of a list, that are not
// null.
func Entries(n *yaml.Node) (out []Entry) {
	switch {
	case n == nil:
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !IsNull(n.Content[i+1]) {
				out = append(out, Entry{n.Content[i].Value, n.Content[i+1], n.Content[i]})
			}
		}
	case n.Kind == yaml.SequenceNode:
		for _, x := range n.Content {
			if !IsNull(x) {
				out = append(out, Entry{Value: x})
			}
		}
	}
	return out
}

// Texts returns the texts of a list, or of a single text.
func Texts(n *yaml.Node) (out []string) {
	if n != nil && n.Kind == yaml.ScalarNode && n.Value != "" {
		return []string{n.Value}
	}
	for _, e := range Entries(n) {
		if e.Value.Kind == yaml.ScalarNode {
			out = append(out, e.Value.Value)
		}
	}
	return out
}

// Object returns an object with the given members.
func Object(members ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Content: members}
}

// List returns a list.
func List(elements ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Content: elements}
}

// TextList returns a list of texts in one line.
func TextList(texts ...string) *yaml.Node {
	out := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, s := range texts {
		out.Content = append(out.Content, Text(s))
	}
	return out
}

// Text returns a text.
func Text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// Int returns a number.
func Int(n int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(n)}
}

// True returns true.
func True() *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"} }

// NameOf returns the node of a key, which carries the comments of its member; nil:
// there is none.
func NameOf(object *yaml.Node, key string) *yaml.Node {
	for _, e := range Entries(object) {
		if e.Key == key {
			return e.Name
		}
	}
	return nil
}

// Set sets a member of an object, behind the others if it is new. It returns the
// node of the key, which carries the member's comments.
func Set(object *yaml.Node, key string, v *yaml.Node) *yaml.Node {
	for i := 0; i+1 < len(object.Content); i += 2 {
		if object.Content[i].Value == key {
			object.Content[i+1] = v
			return object.Content[i]
		}
	}
	name := Text(key)
	object.Content = append(object.Content, name, v)
	return name
}

// Section returns the object at a path of keys, and makes it where it is not there.
func Section(object *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		next := Get(object, key)
		if next == nil {
			next = Object()
			Set(object, key, next)
		}
		object = next
	}
	return object
}

// Remove removes the element or member of a container that v is.
func Remove(container, v *yaml.Node) {
	step := 1
	if container.Kind == yaml.MappingNode {
		step = 2
	}
	for i := step - 1; i < len(container.Content); i += step {
		if container.Content[i] == v {
			container.Content = append(container.Content[:i-step+1], container.Content[i+1:]...)
			return
		}
	}
}
