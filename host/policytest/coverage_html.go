//go:build !js

package policytest

import (
	"fmt"
	"html/template"
	"io"
)

// WriteHTML writes the coverage of policies as one page, which needs neither scripts nor
// other files. It says in words what its colours say.
func WriteHTML(w io.Writer, coverages []*Coverage) error { return page.Execute(w, coverages) }

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"percent": func(c *Coverage) string { return fmt.Sprintf("%.1f%%", c.Totals().Percent()) },
	"times":   func(n int) string { return counted(n, "time") },
	"class":   (*Clause).class,
	"share":   func(r *Route) string { hit, all := r.outcomes(); return fmt.Sprintf("%d of %d", hit, all) },
}).Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Policy coverage</title>
<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse } td, th { padding: .1rem .8rem .1rem 0; text-align: left }
ul { list-style: none; padding-left: 1.4rem } li > code { padding: 0 .3rem; border-left: .3rem solid }
code { font: 14px ui-monospace, monospace } small { opacity: .75 }
.whole > code { border-color: #1a7f37 } .part > code { border-color: #bf8700 } .never > code { border-color: #cf222e }
.part > b { color: #bf8700 } .never > b { color: #cf222e }
summary { cursor: pointer; font-weight: 600; margin-top: .6rem }
</style>
<h1>Policy coverage</h1>
{{range .}}{{$c := .}}{{with .Totals}}
<h2>{{$c.Path}}: {{percent $c}}</h2>
<p>{{.Hit}} of {{.All}} outcomes of clauses, {{.Asked}} of {{.Routes}} routes asked.</p>
{{end}}
<table>
<tr><th>route</th><th>requests</th><th>outcomes</th></tr>
{{range .Routes}}<tr><td>{{.Name}}</td><td>{{.Asked}}</td><td>{{share .}}</td></tr>
{{end}}</table>
{{range .Routes}}
<details open><summary>{{.Name}} <small>{{if .Asked}}asked {{times .Asked}}{{else}}never asked{{end}}</small></summary>
<ul>{{template "clause" .Rule}}</ul>
{{with .Response}}<p>On the response:</p><ul>{{template "clause" .}}</ul>{{end}}
</details>
{{end}}{{end}}
</html>
{{define "clause"}}<li class="{{class .}}"><code>{{.Kind}}{{with .Name}} ({{.}}){{end}}</code>
{{if .All}}yes {{.Yes}}, no {{.No}}, unknown {{.Unknown}}{{end}}{{with .Missing}} <b>{{.}}</b>{{end}}
<small>{{.File}}:{{.Line}}</small>
{{with .Clauses}}<ul>{{range .}}{{template "clause" .}}
{{end}}</ul>{{end}}</li>{{end}}`))

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
