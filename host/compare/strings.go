package compare

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// manyValues bounds the values that are tried at one place.
const manyValues = 400

// stringTests are the texts that the strings of a group are compared with, by the
// way in which they are.
type stringTests struct {
	equal, prefixes, suffixes, parts, patterns []string
	places                                     int // that the group has
	own                                        int // index of the place among them
	ordered                                    bool
}

// stringTests collects the texts of a group.
func (g *group) stringTests(p *place) (t stringTests) {
	t.places, t.own = len(g.places), max(0, slices.Index(g.places, p))
	for _, u := range g.uses() {
		if !strings.HasSuffix(u.typ, "string") && u.typ != "any" {
			continue
		}
		into := &t.equal
		switch u.eval {
		case "startsWith":
			into = &t.prefixes
		case "endsWith":
			into = &t.suffixes
		case "contains":
			into = &t.parts
		case "matches":
			into = &t.patterns
		}
		if u.paths && into != &t.equal {
			t.ordered = true
		}
		for _, l := range u.literals {
			if s, ok := l.Literal.Text(); ok {
				*into = appendNew(*into, s)
			}
		}
	}
	return t
}

// texts returns strings of which one stands for each class of strings that the
// tests tell apart: the texts themselves, those that begin, end and contain as some
// tests want and others do not, and as many others as there are places. whole is
// false where classes may be missing.
func (t *stringTests) texts() (out []string, whole bool) {
	whole = len(t.patterns) == 0 && !t.ordered
	fill := t.filler()
	out = append(out, t.others()...)
	out = append(out, t.equal...)
	parts, all := subsets(t.parts)
	whole = whole && all
	for _, p := range append([]string{""}, t.prefixes...) {
		for _, s := range append([]string{""}, t.suffixes...) {
			for _, list := range parts {
				text := p
				for _, part := range list {
					text += fill + part
				}
				if text != "" && s != "" {
					text += fill
				}
				if text += s; text != "" && len(out) < manyValues {
					// Nothing but the affixes, and something beside them.
					out = appendNew(out, text)
					out = appendNew(out, t.padded(text, p, s, fill))
				}
			}
		}
	}
	for _, p := range t.patterns {
		for _, s := range examples(p) {
			out = appendNew(out, s)
		}
	}
	if t.ordered {
		for _, a := range t.others() {
			for _, b := range t.others() {
				out = appendNew(out, a+b)
			}
		}
		out = appendNew(out, "")
	}
	return out, whole && len(out) < manyValues
}

// padded is a text with the affixes and with more characters between them, so that
// it equals no text that has both.
func (t *stringTests) padded(text, prefix, suffix, fill string) string {
	switch {
	case prefix != "":
		return prefix + fill + strings.TrimPrefix(text, prefix)
	case suffix != "":
		return strings.TrimSuffix(text, suffix) + fill + suffix
	}
	return fill + text + fill
}

// filler is a character that no text has.
func (t *stringTests) filler() string {
	for _, c := range alphabet {
		if !strings.ContainsRune(t.all(), c) {
			return string(c)
		}
	}
	return "\u2603"
}

const alphabet = "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA0123456789_-~"

func (t *stringTests) all() string {
	return strings.Join(slices.Concat(t.equal, t.prefixes, t.suffixes, t.parts), "")
}

// others are texts that no test knows, one for each place of the group; that of the
// place itself comes first, so that the simplest values of two places differ.
func (t *stringTests) others() (out []string) {
	all := t.all()
	for _, c := range alphabet {
		if len(out) == t.places {
			break
		}
		if !strings.ContainsRune(all, c) {
			out = append(out, string(c))
		}
	}
	for n := 1; len(out) < t.places; n++ {
		out = append(out, t.filler()+strconv.Itoa(n))
	}
	return append(out[t.own:], out[:t.own]...)
}

// subsets lists all subsets of a few texts; of many, the small ones and the whole.
func subsets(list []string) (out [][]string, all bool) {
	if len(list) > 4 {
		out = append(out, nil, list)
		for _, s := range list {
			out = append(out, []string{s})
		}
		return out, false
	}
	for bits := range 1 << len(list) {
		var sub []string
		for i, s := range list {
			if bits>>i&1 == 1 {
				sub = append(sub, s)
			}
		}
		out = append(out, sub)
	}
	return out, true
}

// examples returns texts that a pattern finds, and some that are close to these and
// may not be found.
func examples(pattern string) (out []string) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil
	}
	for _, most := range []bool{false, true} {
		var b strings.Builder
		example(re.Simplify(), most, &b)
		s := b.String()
		if len(s) > 200 || !compiled.MatchString(s) {
			continue
		}
		out = appendNew(out, s)
		for _, near := range []string{s + "~", "~" + s, strings.ToUpper(s), strings.TrimSuffix(s, s[max(0, len(s)-1):])} {
			out = appendNew(out, near)
		}
	}
	return out
}

// example writes a text of a pattern: of repetitions the fewest, or one more.
func example(re *syntax.Regexp, most bool, b *strings.Builder) {
	if b.Len() > 200 {
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(runeOf(re.Rune, most))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteString("x")
	case syntax.OpCapture, syntax.OpPlus:
		example(re.Sub[0], most, b)
	case syntax.OpStar, syntax.OpQuest:
		if most {
			example(re.Sub[0], most, b)
		}
	case syntax.OpRepeat:
		for range max(re.Min, map[bool]int{true: 1}[most]) {
			example(re.Sub[0], most, b)
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			example(sub, most, b)
		}
	case syntax.OpAlternate:
		i := 0
		if most {
			i = len(re.Sub) - 1
		}
		example(re.Sub[i], most, b)
	}
}

// runeOf picks a printable character of a class, a letter if there is one.
func runeOf(ranges []rune, last bool) rune {
	in := func(c rune) bool {
		for i := 0; i+1 < len(ranges); i += 2 {
			if c >= ranges[i] && c <= ranges[i+1] {
				return true
			}
		}
		return false
	}
	letters := "xaA0-_ "
	if last {
		letters = "yzB1.:/"
	}
	for _, c := range letters {
		if in(c) {
			return c
		}
	}
	if len(ranges) == 0 {
		return 'x'
	}
	return ranges[0]
}
