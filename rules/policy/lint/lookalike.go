package lint

import (
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/args"
	"github.com/rulegate/rulegate/rules/spelling"
)

func nearest(name string, names []string) string { return spelling.Nearest(name, names) }

// lookalike reports a text that reads like a reference and is none. A client who
// sends this text would be taken for somebody whom the rule's author did not mean.
func (c *checker) lookalike(s *step) {
	if c.substituted(s.place) || !c.readsLikeReference(s.text, s.response) {
		return
	}
	if near := c.suggest(s.text); near != "" {
		c.fault(s.place, "%q is a text, not a reference: did you mean %s? If the text is meant, write {literal: …}", s.text, near)
		return
	}
	c.fault(s.place, "%q is a text that reads like a reference; if the text is meant, write {literal: …}", s.text)
}

// readsLikeReference reports whether a text that is no reference was probably
// meant as one.
func (c *checker) readsLikeReference(text string, response bool) bool {
	text = strings.TrimSpace(text)
	lower := strings.ToLower(text)
	for _, start := range [...]string{"$args", "${args", "{{"} {
		if strings.HasPrefix(lower, start) {
			return true
		}
	}
	word, rest := firstWord(lower)
	switch {
	case isOneOf(word, functionsLower()) && strings.HasPrefix(rest, "("):
		return true
	case word == "args" || word == "utils":
		return rest == "" || strings.IndexByte(".[(:/ ", rest[0]) >= 0
	case rest == "" || rest[0] != '.' && rest[0] != '[':
		return text == "item"
	case word == "item" || word == "arg":
		return true
	}
	next, _ := firstWord(rest[1:])
	if next == "" {
		return false
	}
	roots := append(args.Of(c.r.Kind, true).Names(), rules.RootResult)
	if isOneOf(word, roots) {
		return true
	}
	return nearest(word, []string{"args"}) != "" && isOneOf(next, roots) ||
		nearest(word, []string{"utils"}) != "" && isOneOf(next, functionsLower())
}

// suggest returns the reference that a text was probably meant as, "" when none
// is near.
func (c *checker) suggest(text string) string {
	text = strings.Trim(strings.TrimSpace(text), "${} ")
	word, rest := firstWord(text)
	roots := append(args.Of(c.r.Kind, true).Names(), rules.RootResult)
	near := ""
	switch lower := strings.ToLower(word); {
	case isOneOf(lower, functionsLower()) && strings.HasPrefix(rest, "("):
		near = "utils." + rules.Functions()[index(lower, functionsLower())] + rest
	case isOneOf(lower, roots) && rest != "":
		near = "args." + lower + rest
	case lower == "arg" || nearest(lower, []string{"args"}) != "":
		near = "args" + rest
	case nearest(lower, []string{"utils"}) != "":
		near = "utils" + rest
	}
	if near == "" || rules.References(near, false) == nil {
		return ""
	}
	return near
}

// functionsLower returns rules.Functions in lower case.
func functionsLower() (out []string) {
	for _, name := range rules.Functions() {
		out = append(out, strings.ToLower(name))
	}
	return out
}

// firstWord splits off the letters and digits at the start of a text.
func firstWord(text string) (word, rest string) {
	i := 0
	for i < len(text) && (text[i] >= 'a' && text[i] <= 'z' || text[i] >= 'A' && text[i] <= 'Z' || text[i] >= '0' && text[i] <= '9' || text[i] == '_') {
		i++
	}
	return text[:i], text[i:]
}

func isOneOf(word string, words []string) bool { return index(word, words) >= 0 }

func index(word string, words []string) int {
	for i, w := range words {
		if w == word {
			return i
		}
	}
	return -1
}
