package assist

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/args"
	"github.com/rulegate/rulegate/rules/value"
	"go.yaml.in/yaml/v4"
)

const (
	maxText  = 4 << 20 // bytes of a text that is looked at
	maxItems = 500     // of one answer
)

// ItemKind says what a completion is, for its sign in a list.
type ItemKind string

const (
	KeyItem       ItemKind = "key"
	WordItem      ItemKind = "word"
	ReferenceItem ItemKind = "reference" // a path into args, or a function
	RuleItem      ItemKind = "rule"      // a whole rule
)

// Item is a completion.
type Item struct {
	Label  string   `json:"label"`
	Kind   ItemKind `json:"kind"`
	Detail string   `json:"detail,omitempty"` // needed, for a key
	Filter string   `json:"filter"`           // what is typed has to fit this
	About  string   `json:"about,omitempty"`  // Markdown
	// Edit replaces what is typed. With Snippet, its text has places to fill in, as LSP
	// writes them: ${1:text}.
	Edit    Edit `json:"edit"`
	Snippet bool `json:"snippet,omitempty"`
}

// Complete lists what may be typed at a position. The names that others of the policy's
// files give are among it.
func (d Document) Complete(at Position, others ...Document) []Item {
	kind := d.Kind()
	if kind == Other || len(d.Text) > maxText {
		return nil
	}
	schema := kind.schema()
	t := completer{others: others}
	for _, c := range cursors(d.Text, at) {
		t.cursor, t.where = c, locate(start(schema, c.path[0]), c.path)
		if c.key {
			t.keys()
		} else {
			t.values()
		}
	}
	return t.items[:min(len(t.items), maxItems)]
}

// completer collects items.
type completer struct {
	cursor cursor
	where  where
	others []Document
	items  []Item
	seen   map[string]bool
}

// add adds an item whose text has the beginning that is typed.
func (t *completer) add(i Item, text string) {
	typed := t.cursor.prefix
	if !strings.HasPrefix(strings.ToLower(text), strings.ToLower(typed)) && !strings.HasPrefix(strings.ToLower(i.Label), strings.ToLower(typed)) {
		return
	}
	if t.seen == nil {
		t.seen = map[string]bool{}
	}
	if id := string(i.Kind) + i.Label; !t.seen[id] {
		t.seen[id] = true
		i.Edit, i.Filter = Edit{t.cursor.words, text}, t.cursor.prefix
		if i.Filter == "" || strings.HasPrefix(strings.ToLower(i.Label), strings.ToLower(i.Filter)) {
			i.Filter = i.Label
		}
		t.items = append(t.items, i)
	}
}

// keys adds the keys that the object at the cursor does not have yet, first those that
// it needs.
func (t *completer) keys() {
	properties := t.where.place.properties()
	slices.SortStableFunc(properties, func(a, b property) int {
		switch {
		case a.needed == b.needed:
			return 0
		case a.needed:
			return -1
		}
		return 1
	})
	for _, p := range properties {
		if x := member(t.where.holds, p.name); x != nil {
			continue
		}
		detail := ""
		if p.needed {
			detail = "needed"
		}
		text := p.name
		if !t.cursor.colon && !t.cursor.quotes {
			text += ": "
		}
		t.add(Item{Label: p.name, Kind: KeyItem, Detail: detail, About: p.about}, text)
	}
	if t.where.key() == "collections" || t.where.key() == "endpoints" {
		t.add(Item{Label: "default", Kind: KeyItem, About: "For those that are not listed."}, "default: ")
	}
}

// values adds the values that may stand at the cursor.
func (t *completer) values() {
	w := &t.where
	if t.named() {
		return
	}
	if w.key() == "eval" && w.rule() != nil {
		t.evals()
		return
	}
	if w.key() == "rule" && w.rule() != nil {
		for _, c := range w.place.choices() {
			t.add(Item{Label: c.text, Kind: WordItem, About: rules.RuleText(c.text)}, c.text)
		}
		return
	}
	if w.place.rule {
		t.wholeRules()
	}
	for _, c := range w.place.choices() {
		about := c.about
		if w.key() == "type" && w.rule() != nil {
			about = rules.TypeText(c.text)
		}
		t.add(Item{Label: c.text, Kind: WordItem, About: about}, c.text)
	}
	if t.takesReference() {
		t.references()
	}
}

// evals adds those of the type beside it.
func (t *completer) evals() {
	kind, _ := scalar(t.where.rule(), "type")
	list := rules.Evals(kind)
	if list == nil {
		for _, c := range t.where.place.choices() {
			list = append(list, c.text)
		}
	}
	for _, e := range list {
		text := e
		if !t.cursor.quotes && strings.ContainsAny(e, "=<>!") {
			text = `"` + e + `"`
		}
		t.add(Item{Label: e, Kind: WordItem, About: rules.TypeText(kind)}, text)
	}
}

// wholeRules adds a rule of each name with what it needs.
func (t *completer) wholeRules() {
	p := t.where.place
	for _, name := range p.member("rule", nil).choices() {
		node := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Value: "rule"}, {Kind: yaml.ScalarNode, Value: name.text}}}
		one := place{root: p.root, node: node, rule: true}
		one.add(reference("rule"))
		text, n := "{rule: "+name.text, 0
		for _, key := range one.properties() {
			if key.needed && key.name != "rule" {
				n++
				text += ", " + key.name + ": " + hole(n, key)
			}
		}
		t.add(Item{Label: name.text, Kind: RuleItem, About: rules.RuleText(name.text), Snippet: n > 0}, text+"}")
	}
}

// hole is the place of a snippet for the value of a key.
func hole(n int, key property) string {
	at := "$" + string(rune('0'+n))
	switch kind, _ := key.schema.Key("type").Text(); {
	case key.name == "eval":
		return `"${` + string(rune('0'+n)) + `:==}"`
	case kind == "array":
		return "[" + at + "]"
	}
	return at
}

func reference(name string) value.Value {
	return value.Obj(value.Member{Key: "$ref", Value: value.Str("#/definitions/" + name)})
}

// takesReference reports whether a path or a call may stand at the cursor.
func (t *completer) takesReference() bool {
	w := &t.where
	if len(w.steps) > 0 && w.steps[0] == "sensitive" {
		return true
	}
	if w.rule() == nil {
		return false
	}
	switch w.key() {
	case "f1", "f2", "value", "field", "fields", "keys", "store":
		return true
	}
	return slices.ContainsFunc(w.steps, func(s string) bool { return s == "find" || s == "claims" || s == "body" })
}

// references adds the paths of args, item and the functions.
func (t *completer) references() {
	var walk func(path string, m *args.Member)
	walk = func(path string, m *args.Member) {
		if path != "args" {
			t.add(Item{Label: path, Kind: ReferenceItem, About: m.About}, path)
		}
		for i := range m.Members {
			walk(path+"."+m.Members[i].Name, &m.Members[i])
		}
	}
	if all := t.where.args(); all != nil {
		walk("args", all)
		for _, name := range t.where.captures() {
			path := "args.request.vars." + name
			if t.where.steps[0] == "files" {
				path = "args.params." + name
			}
			t.add(Item{Label: path, Kind: ReferenceItem, About: "the variable of the path"}, path)
		}
	} else {
		for _, path := range args.Paths() {
			t.add(Item{Label: path, Kind: ReferenceItem, About: pathText(path, nil)}, path)
		}
	}
	if t.where.inItem() {
		t.add(Item{Label: "item", Kind: ReferenceItem, About: "the element"}, "item")
	}
	switch t.where.key() {
	case "field", "fields", "store":
		return // these are paths
	}
	for _, name := range rules.Functions() {
		label := "utils." + name
		t.add(Item{Label: label, Kind: ReferenceItem, About: rules.FunctionText(name), Snippet: true}, label+"($1)")
	}
}
