//go:build !js

package policytest

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

// WriteHTML writes the coverage of policies as one page, which needs neither scripts nor
// other files. It says in words what its colours say.
func WriteHTML(w io.Writer, coverages []*Coverage) error { return page.Execute(w, coverages) }

//go:embed coverage.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"percent": func(c *Coverage) string { return fmt.Sprintf("%.1f%%", c.Totals().Percent()) },
	"times":   func(n int) string { return counted(n, "time") },
	"class":   (*Clause).class,
	"share":   func(r *Route) string { hit, all := r.outcomes(); return fmt.Sprintf("%d of %d", hit, all) },
	"width":   width,
	"filled":  func(r *Route) int { return width(r.outcomes()) },
}).Parse(pageText))

// width is a share in percent, for a bar.
func width(hit, all int) int {
	if all == 0 {
		return 0
	}
	return 100 * hit / all
}

// class is the colour of a clause.
func (c *Clause) class() string {
	switch {
	case c.All() == 0:
		return "never"
	case c.Missing() != "":
		return "part"
	}
	return "whole"
}

// outcomes returns the outcomes of a resource that tests have shown, and all.
func (r *Route) outcomes() (hit, all int) {
	for _, top := range []*Clause{r.Rule, r.Response} {
		each(top, func(c *Clause) {
			h, a := c.goals()
			hit, all = hit+h, all+a
		})
	}
	return hit, all
}
