package assist

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/policy/lint"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/spelling"
	"go.yaml.in/yaml/v4"
)

var (
	suggestion = regexp.MustCompile("did you mean `?([^`?]+?)`?\\?")
	inQuotes   = regexp.MustCompile(`put (the operator|the text|it|a text) in quotes`)
	word       = regexp.MustCompile(`[A-Za-z0-9_.-]+`)
)

// fixes returns the changes that take a finding away.
func fixes(x policyfile.Finding, lines, main []string, r Range) []Fix {
	if r.Start.Line > len(lines) {
		return nil
	}
	token := part(lines, r)
	switch {
	case x.Code == string(lint.Todo):
		line := Range{Position{x.Line, 1}, Position{x.Line + 1, 1}}
		return []Fix{{"Remove the question", []Edit{{line, ""}}}}
	case x.Code != policyfile.FaultCode:
		return off(x, lines, r)
	case suggestion.MatchString(x.Message):
		meant := suggestion.FindStringSubmatch(x.Message)[1]
		if e, ok := respell(token, meant, r); ok {
			return []Fix{{"Change to " + meant, []Edit{e}}}
		}
	case inQuotes.MatchString(x.Message) && token != "" && !strings.ContainsAny(token, `"'\{}[]`):
		return []Fix{{"Put it in quotes", []Edit{{r, `"` + token + `"`}}}}
	default:
		if name := nearestName(token, lines, main, r.Start); name != "" {
			return []Fix{{"Change to " + name, []Edit{{r, strings.Replace(token, strings.Trim(token, `"'`), name, 1)}}}}
		}
	}
	return nil
}

// nearestName returns the name that is meant where a scalar uses one that nothing has.
func nearestName(token string, lines, main []string, at Position) string {
	root := parse(strings.Join(lines, "\n"))
	if root == nil {
		return ""
	}
	path := pathTo(root, at)
	if len(path) == 0 {
		return ""
	}
	w := locate(start(schema.JSON(), root), path)
	kind := w.uses()
	if kind == "" {
		return ""
	}
	database, _ := scalar(w.rule(), "db")
	var names []string
	for _, n := range slices.Concat(given(root, kind, database), given(parse(strings.Join(main, "\n")), kind, database)) {
		names = append(names, n.Value)
	}
	return spelling.Nearest(strings.Trim(token, `"'`), names)
}

// part returns the text in a range of one line.
func part(lines []string, r Range) string {
	line := []rune(lines[r.Start.Line-1])
	from, to := min(r.Start.Column-1, len(line)), min(r.End.Column-1, len(line))
	return string(line[from:max(from, to)])
}

// respell replaces the word of a token that is meant, or all of it.
func respell(token, meant string, r Range) (Edit, bool) {
	for _, at := range word.FindAllStringIndex(token, -1) {
		misspelled := beginning(token[at[0]:at[1]], strings.Count(meant, "."))
		if spelling.Nearest(misspelled, []string{meant}) == meant {
			start := r.Start.Column + len([]rune(token[:at[0]]))
			end := start + len([]rune(misspelled))
			return Edit{Range{Position{r.Start.Line, start}, Position{r.Start.Line, end}}, meant}, true
		}
	}
	text := strings.Trim(token, `"'`)
	if text == "" || strings.ContainsAny(text, "{[(") {
		return Edit{}, false
	}
	return Edit{r, strings.Replace(token, text, meant, 1)}, true
}

// beginning returns the beginning of a path, with that many points.
func beginning(path string, points int) string {
	for i := range path {
		if path[i] == '.' {
			if points == 0 {
				return path[:i]
			}
			points--
		}
	}
	return path
}

// off returns a change that switches a warning off where it is given: `lint` in the
// nearest object that may have it.
func off(x policyfile.Finding, lines []string, r Range) []Fix {
	if !slices.Contains(lint.Codes(), x.Code) {
		return nil
	}
	root := parse(strings.Join(lines, "\n"))
	if root == nil {
		return nil
	}
	path := pathTo(root, r.Start)
	p := start(schema.JSON(), root)
	for i := len(path) - 1; i >= 0; i-- {
		n := path[i]
		if n.Kind != yaml.MappingNode {
			continue
		}
		w := locate(p, path[:i+1])
		if !slices.ContainsFunc(w.place.properties(), func(p property) bool { return p.name == "lint" }) {
			continue
		}
		entry := `lint: {off: [` + x.Code + `], why: "say why"}`
		at := Position{n.Line, n.Column}
		switch {
		case member(n, "lint") != nil:
			return nil // a person has to join the lists
		case n.Style&yaml.FlowStyle != 0:
			at.Column++
			entry += ", "
		default:
			entry += "\n" + strings.Repeat(" ", n.Column-1)
		}
		return []Fix{{"Switch off " + x.Code + " here", []Edit{{Range{at, at}, entry}}}}
	}
	return nil
}
