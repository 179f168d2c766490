package compare

import (
	"fmt"
	"io"
	"strings"
)

// headings are the titles of the kinds in Markdown.
var headings = map[Kind]string{
	Allow: "Allowed now", Refuse: "Refused now", Mask: "Another response", Upstream: "Another request to the upstream", Status: "Refused in another way",
}

// Markdown writes the report for a pull request.
func (r *Report) Markdown(w io.Writer, old, changed string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### Policy: %s → %s\n\n", code(old), code(changed))
	for _, kind := range Kinds {
		heading := false
		for _, d := range r.Differences {
			if d.Kind != kind {
				continue
			}
			if !heading {
				fmt.Fprintf(&b, "**%s**\n\n| request | what | with |\n|---|---|---|\n", headings[kind])
				heading = true
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", code(d.Case.Target()), cell(d.Sentence()), code(spaced(d.Case.Request())))
		}
		if heading {
			b.WriteByte('\n')
		}
	}
	for i, line := range r.Lines() {
		if rest, inner := strings.CutPrefix(line, "  "); inner {
			fmt.Fprintf(&b, "  - %s\n", cell(rest))
			continue
		}
		if i > 0 && i == 1 && len(r.Differences) == 0 {
			line = "**" + line + "**"
		}
		fmt.Fprintf(&b, "- %s\n", cell(line))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// code is a text as code in a cell of a table.
func code(s string) string {
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		s = " " + s + " "
	}
	return fence + strings.NewReplacer("|", "\\|", "\n", " ").Replace(s) + fence
}

// cell escapes a text of a table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;", "*", "\\*", "_", "\\_", "`", "\\`").Replace(s)
}
