package assist

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/args"
	"github.com/rulegate/rulegate/rules/policy/lint"
)

// Text is the explanation of a part of a file.
type Text struct {
	Range    Range  `json:"range"`
	Markdown string `json:"markdown"`
}

// Hover returns the text about what is at a position; ok is false where there is none.
func (d Document) Hover(at Position) (t Text, ok bool) {
	kind := d.Kind()
	if kind == Other || len(d.Text) > maxText {
		return Text{}, false
	}
	c, ok := under(d.Text, at)
	if !ok {
		return Text{}, false
	}
	w := locate(start(kind.schema(), c.path[0]), c.path)
	t = Text{Range: c.words}
	if c.key {
		t.Markdown = w.keyText(c.node.Value)
	} else {
		t.Markdown = w.valueText(c.node.Value, len([]rune(c.prefix)))
	}
	return t, t.Markdown != ""
}

// keyText is the text about a key.
func (w *where) keyText(key string) string {
	if key == "rule" && w.place.rule {
		name, _ := scalar(w.holds, "rule")
		return rules.RuleText(name)
	}
	for _, p := range w.place.properties() {
		if p.name == key {
			return p.about
		}
	}
	return w.place.member(key, nil).description()
}

// valueText is the text about a value, of which the character at an offset is meant.
func (w *where) valueText(text string, at int) string {
	if word, isPath := referenceAt(text, at); word != "" && (w.rule() != nil || w.key() == "sensitive") {
		if isPath {
			return pathText(word, w)
		}
		return rules.FunctionText(word)
	}
	switch {
	case w.rule() != nil && w.last("rule"):
		return rules.RuleText(text)
	case w.rule() != nil && w.last("eval"):
		kind, _ := scalar(w.rule(), "type")
		return rules.TypeText(kind)
	case w.rule() != nil && w.last("type"):
		return rules.TypeText(text)
	case w.key() == "off":
		why, _ := lint.Explain(text)
		return why
	}
	for _, c := range w.place.choices() {
		if c.text == text && c.about != "" {
			return c.about
		}
	}
	return w.place.description()
}

// referenceAt returns the path, or the name of the function, at an offset of a text such
// as utils.lower(args.auth.id).
func referenceAt(text string, at int) (word string, isPath bool) {
	runes := []rune(text)
	isWord := func(r rune) bool {
		return r == '.' || r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	from, to := min(at, len(runes)), min(at, len(runes))
	for from > 0 && isWord(runes[from-1]) {
		from--
	}
	for to < len(runes) && isWord(runes[to]) {
		to++
	}
	word = string(runes[from:to])
	if name, ok := strings.CutPrefix(word, "utils."); ok {
		return name, false
	}
	for _, root := range []string{"args.", "res.", "item."} {
		if strings.HasPrefix(word+".", root) {
			return word, true
		}
	}
	return "", false
}

// pathText explains a path, by the longest beginning of it that args describes.
func pathText(path string, w *where) string {
	root, rest, _ := strings.Cut(path, ".")
	switch root {
	case "item":
		return "`" + path + "`: the element, or a place in it"
	case "res":
		return "`" + path + "`: a place in the JSON body of the response"
	}
	var kinds []*args.Member
	if w != nil && w.args() != nil {
		kinds = append(kinds, w.args())
	} else {
		for _, kind := range []args.Resource{args.Route, args.Service, args.Database, args.File} {
			kinds = append(kinds, args.Of(kind, true))
		}
	}
	var out []string
	for _, m := range kinds {
		about, name := "", "args"
		for _, step := range strings.Split(rest, ".") {
			next := m.Member(step)
			if next == nil {
				break
			}
			m, about, name = next, next.About, name+"."+step
		}
		if line := "`" + name + "`: " + about; about != "" && !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	if strings.HasPrefix(rest, rules.RootResult) {
		out = append(out, "`args."+rules.RootResult+"`: the reply of a query or a webhook")
	}
	return strings.Join(out, "\n\n")
}
