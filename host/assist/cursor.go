package assist

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// cursor is the place of the cursor in the tree of a file.
type cursor struct {
	path   []*yaml.Node // from the root to the node at the cursor, keys and values in turn
	node   *yaml.Node   // the scalar at the cursor
	key    bool         // the scalar is a key
	prefix string       // the scalar before the cursor
	words  Range        // of the scalar, without quotes
	quotes bool         // the scalar is in quotes
	colon  bool         // a colon follows it already
}

// mark stands for the cursor in a text that is parsed: a letter for private use, which
// no policy has.
const mark = "\uE000"

// maxNested bounds how deep a file is looked into.
const maxNested = 300

// cursors returns the keys and values that the cursor may be in. The file need not be
// whole: if it cannot be parsed, the lines behind the cursor are left out, and open
// brackets are closed.
func cursors(text string, at Position) []cursor {
	before, after, ok := cut(text, at)
	if !ok || strings.Contains(text, mark) {
		return nil
	}
	var out []cursor
	for _, insert := range []string{mark + ": 0", mark} {
		if root := tolerant(before, insert, after); root != nil {
			c, ok := find(root)
			key := insert != mark
			if !ok || !c.typed(before) || key && (!c.key || c.node.Value != c.prefix+mark || colon.MatchString(after)) {
				continue
			}
			c.place(at)
			c.colon = c.key && !key
			out = append(out, c)
		}
	}
	return out
}

// colon finds the end of a key, and its colon.
var colon = regexp.MustCompile(`^\w*["']?\s*:`)

// under returns the scalar at a position of a text.
func under(text string, at Position) (cursor, bool) {
	before, after, ok := cut(text, at)
	if !ok || strings.Contains(text, mark) {
		return cursor{}, false
	}
	root := tolerant(before, mark, after)
	if root == nil {
		return cursor{}, false
	}
	c, ok := find(root)
	if !ok || !c.typed(before) {
		return cursor{}, false
	}
	c.place(at)
	c.node.Value = strings.Replace(c.node.Value, mark, "", 1)
	return c, c.node.Value != ""
}

// cut divides a text at a position. It reports false for one that is not in the text.
func cut(text string, at Position) (before, after string, ok bool) {
	start := 0
	for line := 1; line < at.Line; line++ {
		i := strings.IndexByte(text[start:], '\n')
		if i < 0 {
			return "", "", false
		}
		start += i + 1
	}
	end := start
	for column := 1; column < at.Column; column++ {
		if end >= len(text) || text[end] == '\n' {
			break
		}
		_, size := utf8.DecodeRuneInString(text[end:])
		end += size
	}
	return text[:end], text[end:], at.Line > 0 && at.Column > 0
}

// tolerant parses a text with something inserted.
func tolerant(before, insert, after string) *yaml.Node {
	if root := parse(before + insert + after); root != nil {
		return root
	}
	// The rest of the cursor's line may close its brackets.
	rest, _, _ := strings.Cut(after, "\n")
	if root := parse(before + insert + rest); root != nil {
		return root
	}
	open := opened(before)
	if root := parse(before + insert + open); root != nil {
		return root
	}
	return nil
}

func parse(text string) *yaml.Node {
	loader, err := yaml.NewLoader(strings.NewReader(text), yaml.WithStreamNodes())
	if err != nil {
		return nil
	}
	for {
		n := &yaml.Node{}
		if err := loader.Load(n); err != nil {
			return nil
		}
		if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
			return n.Content[0]
		}
	}
}

// opened returns the quote and the brackets that a text lacks at its end.
func opened(text string) string {
	var open []byte
	quote, comment := byte(0), false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\n':
			comment = false
			if len(open) == 0 {
				quote = 0 // an apostrophe in a plain text
			}
		case comment:
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '#' && (i == 0 || strings.IndexByte(" \t\n", text[i-1]) >= 0):
			comment = true
		case (c == '"' || c == '\'') && startsText(text[:i]):
			quote = c
		case c == '{' && (len(open) > 0 || startsText(text[:i])):
			open = append(open, '}')
		case c == '[' && (len(open) > 0 || startsText(text[:i])):
			open = append(open, ']')
		case (c == '}' || c == ']') && len(open) > 0 && open[len(open)-1] == c:
			open = open[:len(open)-1]
		}
	}
	out := ""
	if quote != 0 {
		out = string(quote)
	}
	for i := len(open) - 1; i >= 0; i-- {
		out += string(open[i])
	}
	return out
}

// startsText reports whether a value or a key may begin at the end of a text.
func startsText(before string) bool {
	before = strings.TrimRight(before, " ")
	return before == "" || strings.IndexByte("\n:-,{[", before[len(before)-1]) >= 0
}

// find looks for the mark.
func find(root *yaml.Node) (c cursor, ok bool) {
	each(root, func(path []*yaml.Node, key bool) {
		n := path[len(path)-1]
		if before, _, found := strings.Cut(n.Value, mark); found && !ok {
			ok = true
			c = cursor{path: slices.Clone(path), node: n, key: key, prefix: before,
				quotes: n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0}
		}
	})
	return c, ok
}

// typed reports whether the scalar begins in the line of the cursor: a word under a
// value of several lines would be a part of it.
func (c *cursor) typed(before string) bool {
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return !strings.Contains(c.prefix, "\n") && strings.HasSuffix(line, c.prefix)
}

// place sets the range of the scalar, up to the cursor and what follows it.
func (c *cursor) place(at Position) {
	length := len([]rune(c.prefix))
	_, rest, _ := strings.Cut(c.node.Value, mark)
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	c.words = Range{Position{at.Line, at.Column - length}, Position{at.Line, at.Column + len([]rune(rest))}}
}

// pathTo returns the way to the innermost node that begins at a position; it is empty if
// none does.
func pathTo(root *yaml.Node, at Position) (way []*yaml.Node) {
	each(root, func(path []*yaml.Node, key bool) {
		for i, n := range path {
			if n.Line == at.Line && n.Column == at.Column && i >= len(way) {
				way = slices.Clone(path[:i+1])
			}
		}
	})
	return way
}
