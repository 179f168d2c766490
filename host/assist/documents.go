package assist

import (
	"slices"
	"strings"
	"sync"

	"github.com/rulegate/rulegate/rules"
)

// language is LANGUAGE.md, taken apart.
type language struct {
	sections map[string]string   // by each name in a heading, such as "and"
	rows     map[string][]string // the cells of tables, by "heading/first cell"
}

var loadLanguage = sync.OnceValue(func() language {
	l := language{map[string]string{}, map[string][]string{}}
	for _, block := range strings.Split(rules.Language, "\n## ")[1:] {
		heading, text, _ := strings.Cut(block, "\n")
		for name := range strings.SplitSeq(heading, ", ") {
			l.sections[name] = strings.TrimSpace(text)
		}
		for line := range strings.SplitSeq(text, "\n") {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			if !strings.HasPrefix(line, "| `") || len(cells) < 2 {
				continue
			}
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			for code := range strings.SplitSeq(cells[0], ", ") {
				name, _, _ := strings.Cut(strings.Trim(code, "`"), "(")
				l.rows[heading+"/"+name] = cells[1:]
			}
		}
	}
	return l
})

// row returns a row of a table of LANGUAGE.md.
func (l language) row(heading, first string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(l.rows[heading+"/"+first]), func(s string) bool { return s == "" }), " — ")
}

// ruleText is LANGUAGE.md's text about a rule: the row of its name, and the beginning
// of its section.
func ruleText(name string) string {
	l := loadLanguage()
	row := l.rows["The rules/"+name]
	if row == nil {
		return ""
	}
	out, section := "`"+name+"` is yes when: "+row[len(row)-1]+".", l.sections[name]
	if strings.HasPrefix(row[len(row)-1], "always, or unknown") {
		out = "`" + name + "` changes the request or the response. It is yes, or unknown."
		if section == "" {
			section = l.sections["Actions"]
		}
	}
	before, _, _ := strings.Cut(section, "\n```")
	return strings.TrimSpace(out + "\n\n" + before)
}

// functionText is LANGUAGE.md's text about a function of utils.
func functionText(name string) string {
	usage := rules.Usage(name)
	if usage == "" {
		return ""
	}
	out := "`utils." + name + usage + "`"
	if row := loadLanguage().row("Functions", "utils."+name); row != "" {
		out += ": " + row + "."
	}
	return out
}

// typeText is LANGUAGE.md's text about the values that a type of match compares.
func typeText(name string) string {
	if row := loadLanguage().row("match", name); row != "" {
		return "`" + name + "`: " + row
	}
	return ""
}
