//go:build !wasip1

package rules

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// This file is for editors: the module does not have it.

// document is LANGUAGE.md.
//
//go:embed LANGUAGE.md
var document string

// language is LANGUAGE.md, taken apart.
type language struct {
	sections map[string]string   // by each name in a heading, such as "and"
	rows     map[string][]string // the cells of tables, by "heading/first cell"
}

var loadLanguage = sync.OnceValue(func() language {
	l := language{map[string]string{}, map[string][]string{}}
	for _, block := range strings.Split(document, "\n## ")[1:] {
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

// row returns the cells of a table's row that are not empty.
func (l language) row(heading, first string) string {
	cells := slices.DeleteFunc(slices.Clone(l.rows[heading+"/"+first]), func(s string) bool { return s == "" })
	return strings.Join(cells, " — ")
}

// RuleText is LANGUAGE.md's text about a rule, in Markdown: the row of its name, and the
// beginning of its section. It is "" for another name.
func RuleText(name string) string {
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

// FunctionText is LANGUAGE.md's text about a function of `utils.`, in Markdown. It is ""
// for another name.
func FunctionText(name string) string {
	f := functionOf(name)
	if f == nil {
		return ""
	}
	out := "`utils." + name + f.usage + "`"
	if row := loadLanguage().row("Functions", "utils."+name); row != "" {
		out += ": " + row + "."
	}
	return out
}

// TypeText is LANGUAGE.md's text about a type of match, in Markdown. It is "" for another
// name.
func TypeText(name string) string {
	if row := loadLanguage().row("match", name); row != "" {
		return "`" + name + "`: " + row
	}
	return ""
}

// Evals lists the evals of a type of match, nil for another name.
func Evals(typeName string) []string {
	for _, t := range operandTypes {
		if t.name == typeName {
			return t.evalNames()
		}
	}
	return nil
}
