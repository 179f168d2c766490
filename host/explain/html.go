//go:build !js

package explain

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/rulegate/rulegate/host/trace"
)

//go:embed page.html
var page string

var pages = template.Must(template.New("page").Funcs(template.FuncMap{
	"elsewhere": refusedElsewhere, "title": title, "said": said, "show": show, "outcome": outcomeText, "counted": counted,
	"mark":   func(o trace.Outcome) string { return marks[o] },
	"class":  func(o trace.Outcome) string { return strings.ReplaceAll(string(o), " ", "-") },
	"hidden": func(c *trace.Clause, o *trace.Operand) bool { return c.Kind == "match" && isWritten(o) || asked(c, o) },
	"verb":   func(kind string) string { return verbs[kind] },
	"at":     at,
}).Parse(page))

// HTML writes a trace as one page, which needs no other file and no script.
func HTML(w io.Writer, t *trace.Trace) error { return pages.ExecuteTemplate(w, "page", t) }

// show writes a value for a page.
func show(v *trace.Value) string {
	if v == nil {
		return "nothing"
	}
	text := string(v.JSON)
	if v.Cut {
		text += " …"
	}
	return text
}

// at writes the line of a place.
func at(file string, line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// LocatedHTML writes a decision of a log as one page.
func LocatedHTML(w io.Writer, l *Located) error {
	return pages.ExecuteTemplate(w, "located", struct {
		*Located
		Excerpt string
	}{l, l.excerpt()})
}
