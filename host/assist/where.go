package assist

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/policy/args"
	"go.yaml.in/yaml/v4"
)

// where is a place of a file, with what surrounds it.
type where struct {
	place place // of the scalar; for a key, of the object that has it
	root  *yaml.Node
	steps []string     // the keys on the way, and [] for an element
	rules []*yaml.Node // the rules on the way, from the outermost
	holds *yaml.Node   // the object or list that has the scalar
}

// locate follows a path from the root, with the schema.
func locate(p place, path []*yaml.Node) where {
	w := where{place: p, root: path[0]}
	for i := 0; i+1 < len(path); {
		n := path[i]
		w.holds = n
		if w.place.rule && n.Kind == yaml.MappingNode {
			w.rules = append(w.rules, n)
		}
		switch n.Kind {
		case yaml.MappingNode:
			if i+2 >= len(path) { // the key itself
				return w
			}
			w.steps = append(w.steps, path[i+1].Value)
			w.place = w.place.member(path[i+1].Value, path[i+2])
			i += 2
		case yaml.SequenceNode:
			w.steps = append(w.steps, "[]")
			w.place = w.place.element(path[i+1])
			i++
		default:
			return w
		}
	}
	return w
}

// rule is the innermost rule around the scalar, nil outside of rules.
func (w *where) rule() *yaml.Node {
	if len(w.rules) == 0 {
		return nil
	}
	return w.rules[len(w.rules)-1]
}

// key is the last key on the way: that of the scalar, or of the list that it is in.
func (w *where) key() string {
	for i := len(w.steps) - 1; i >= 0; i-- {
		if w.steps[i] != "[]" {
			return w.steps[i]
		}
	}
	return ""
}

// args returns the members of `args` for the rule around the scalar. A rule in define may be used
// for every kind of resource: nil.
func (w *where) args() *args.Member {
	response := slices.Contains(w.steps, "response")
	kind, ok := map[string]args.Resource{"routes": args.Route, "services": args.Service, "databases": args.Database, "files": args.File}[w.steps[0]]
	if !ok {
		return nil
	}
	return args.Of(kind, response)
}

// resource is the route, the file's entry and so on that the scalar is in.
func (w *where) resource() *yaml.Node {
	holder := w.root
	for _, step := range w.steps[:min(2, len(w.steps))] {
		if step == "[]" {
			holder = w.elementAround(holder)
		} else {
			holder = member(holder, step)
		}
	}
	return holder
}

// captures lists the variables of the path of the resource around the scalar.
func (w *where) captures() []string {
	template, _ := scalar(member(w.resource(), "match"), "path")
	if prefix, ok := scalar(w.resource(), "prefix"); ok {
		template = prefix
	}
	return variables(template)
}

// elementAround returns the element of a list that the scalar is in.
func (w *where) elementAround(list *yaml.Node) *yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode || w.holds == nil {
		return nil
	}
	var found *yaml.Node
	for _, x := range list.Content {
		if x.Line < w.holds.Line || x.Line == w.holds.Line && x.Column <= w.holds.Column {
			found = x
		}
	}
	return found
}

// variables lists those of a path such as /v1/{tenant}/{rest...} or /users/:id.
func variables(template string) (out []string) {
	for _, segment := range strings.Split(template, "/") {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			out = append(out, name)
		} else if _, rest, ok := strings.Cut(segment, "{"); ok {
			name, _, _ := strings.Cut(rest, "}")
			if name = strings.TrimSuffix(name, "..."); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

// inItem reports whether a rule around the scalar gives it an `item`.
func (w *where) inItem() bool {
	for _, n := range w.rules[:max(0, len(w.rules)-1)] {
		switch name, _ := scalar(n, "rule"); name {
		case "filter", "some", "every", "each":
			return true
		}
	}
	return false
}
