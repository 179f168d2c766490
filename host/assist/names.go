package assist

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// nameKind is a kind of names that one place of a policy gives and others use.
type nameKind string

const (
	rulesOfDefine nameKind = "define"
	databases     nameKind = "database"
	collections   nameKind = "collection"
	providers     nameKind = "provider"
	users         nameKind = "user"     // of a file with tests
	captures      nameKind = "variable" // of a path
)

// uses tells which names a scalar is one of, "" for none.
func (w *where) uses() nameKind {
	if w.rule() != nil {
		switch name, _ := scalar(w.rule(), "rule"); {
		case name == "use" && w.key() == "of":
			return rulesOfDefine
		case name == "query" && w.last("db"):
			return databases
		case name == "query" && w.last("col"):
			return collections
		}
		return ""
	}
	switch {
	case w.key() == "providers" && slices.Contains(w.steps, "auth"):
		return providers
	case w.key() == "as" && w.steps[0] == "tests":
		return users
	}
	return ""
}

// last reports whether the last step is a key.
func (w *where) last(key string) bool { return len(w.steps) > 0 && w.steps[len(w.steps)-1] == key }

// given lists the nodes that give names of a kind.
func given(root *yaml.Node, kind nameKind, database string) (out []*yaml.Node) {
	switch kind {
	case rulesOfDefine:
		return keysOf(member(root, "define"))
	case databases:
		return keysOf(member(root, "databases"))
	case collections:
		return keysOf(member(member(member(root, "databases"), database), "collections"))
	case users:
		return keysOf(member(root, "who"))
	case providers:
		if list := member(member(root, "auth"), "tokens"); list != nil {
			for _, x := range list.Content {
				if n := member(x, "name"); n != nil {
					out = append(out, n)
				}
			}
		}
	}
	return out
}

func keysOf(n *yaml.Node) (out []*yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		out = append(out, n.Content[i])
	}
	return out
}

// named adds the names that may stand at the cursor. It reports whether only names may.
func (t *completer) named() bool {
	kind := t.where.uses()
	if kind == "" {
		return false
	}
	database, _ := scalar(t.where.rule(), "db")
	roots := []*yaml.Node{t.where.root}
	for _, d := range t.others {
		roots = append(roots, parse(d.Text))
	}
	for _, root := range roots {
		for _, n := range given(root, kind, database) {
			t.add(Item{Label: n.Value, Kind: WordItem}, n.Value)
		}
	}
	if kind == users {
		t.add(Item{Label: "nobody", Kind: WordItem, About: "without a token"}, "nobody")
	}
	return true
}
