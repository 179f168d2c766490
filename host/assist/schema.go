package assist

import (
	"strings"

	"github.com/rulegate/rulegate/rules/value"
	"go.yaml.in/yaml/v4"
)

// place is what a JSON Schema says about one place of a file. Several schemas may
// describe it: the branches of anyOf.
type place struct {
	root    value.Value // the whole schema, which has the definitions
	schemas []value.Value
	rule    bool       // a rule stands here
	node    *yaml.Node // what is here; nil: nothing yet
}

// start returns the place of a whole file.
func start(root value.Value, n *yaml.Node) place {
	p := place{root: root, node: n}
	p.add(root)
	return p
}

// add adds a schema, and those that it refers to, as far as they hold for the node.
func (p *place) add(s value.Value) {
	if ref, ok := s.Key("$ref").Text(); ok {
		name := strings.TrimPrefix(ref, "#/definitions/")
		p.rule = p.rule || name == "rule"
		s = p.root.Key("definitions").Key(name)
	}
	p.schemas = append(p.schemas, s)
	for _, x := range s.Key("anyOf").Elements() {
		p.add(x)
	}
	for _, x := range s.Key("allOf").Elements() {
		if then := x.Key("then"); then.Kind() == value.Missing {
			p.add(x)
		} else if p.holds(x.Key("if")) {
			p.add(then)
		}
	}
}

// holds reports whether the condition of a schema is true: all its properties are
// there, with the one value, or one of the values, that it names.
func (p *place) holds(condition value.Value) bool {
	holds := true
	condition.Key("properties").Each(func(key string, s value.Value) bool {
		have, ok := scalar(p.node, key)
		if want, one := s.Key("const").Text(); one {
			holds = holds && ok && have == want
		} else {
			found := false
			for _, x := range s.Key("enum").Elements() {
				text, _ := x.Text()
				found = found || ok && have == text
			}
			holds = holds && found
		}
		return holds
	})
	return holds
}

// member returns the place below a key.
func (p place) member(key string, n *yaml.Node) place {
	out := place{root: p.root, node: n}
	for _, s := range p.schemas {
		if x := s.Key("properties").Key(key); x.Kind() != value.Missing {
			out.add(x)
		} else if x := s.Key("additionalProperties"); x.Kind() == value.Object {
			out.add(x)
		}
	}
	return out
}

// element returns the place of an element of a list.
func (p place) element(n *yaml.Node) place {
	out := place{root: p.root, node: n}
	for _, s := range p.schemas {
		if x := s.Key("items"); x.Kind() != value.Missing {
			out.add(x)
		}
	}
	return out
}

// property is a key that may stand in an object.
type property struct {
	name, about string
	needed      bool
	schema      value.Value
}

// properties lists the keys of the objects that may stand here.
func (p place) properties() (out []property) {
	seen := map[string]int{}
	for _, s := range p.schemas {
		needed := map[string]bool{}
		for _, x := range s.Key("required").Elements() {
			text, _ := x.Text()
			needed[text] = true
		}
		s.Key("properties").Each(func(name string, x value.Value) bool {
			about := p.about(x)
			if i, ok := seen[name]; ok {
				if out[i].about == "" {
					out[i].about = about
				}
				out[i].needed = out[i].needed || needed[name]
				return true
			}
			seen[name] = len(out)
			out = append(out, property{name, about, needed[name], x})
			return true
		})
	}
	return out
}

// about returns the description of a schema.
func (p place) about(s value.Value) string {
	if text, ok := s.Key("description").Text(); ok {
		return text
	}
	one := place{root: p.root}
	one.add(s)
	return one.description()
}

// description returns the first description of the place.
func (p place) description() string {
	for _, s := range p.schemas {
		if text, ok := s.Key("description").Text(); ok && text != "" {
			return text
		}
	}
	return ""
}

// choice is a word that may stand at a place.
type choice struct{ text, about string }

// choices lists the words that may stand here.
func (p place) choices() (out []choice) {
	for _, s := range p.schemas {
		for _, x := range s.Key("enum").Elements() {
			if text, ok := x.Text(); ok {
				out = append(out, choice{text: text})
			}
		}
		if text, ok := s.Key("const").Text(); ok {
			about, _ := s.Key("description").Text()
			out = append(out, choice{text, about})
		}
		if kind, _ := s.Key("type").Text(); kind == "boolean" {
			out = append(out, choice{text: "true"}, choice{text: "false"})
		}
	}
	return out
}

// scalar returns the text of a member of a mapping.
func scalar(n *yaml.Node, key string) (string, bool) {
	x := member(n, key)
	if x == nil || x.Kind != yaml.ScalarNode {
		return "", false
	}
	return x.Value, true
}

// member returns the value of a key, nil without it.
func member(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
