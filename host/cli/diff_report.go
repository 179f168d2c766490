package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/rulegate/rulegate/host/report"
	"github.com/rulegate/rulegate/rules"
)

func (f *diffFlags) write(w io.Writer, pairs []*comparedPair) error {
	switch f.format {
	case "json":
		return writeJSON(w, pairs)
	case "markdown":
		w = report.Plain(w)
		for i, p := range pairs {
			if i > 0 {
				fmt.Fprintln(w)
			}
			if err := p.report.Markdown(w, p.old.name, p.changed.name); err != nil {
				return err
			}
		}
		return nil
	case "sarif", "github", "junit":
		return report.Write(w, f.format, version(), diffCases(pairs), diffCodes)
	}
	w = report.Plain(w)
	for i, p := range pairs {
		if len(pairs) > 1 {
			fmt.Fprintf(w, "%s%s -> %s\n", map[bool]string{true: "\n"}[i > 0], p.old.name, p.changed.name)
		}
		for _, d := range p.report.Differences {
			fmt.Fprintln(w, d.Line())
			if at := p.position(d); at != nil && at.File != "" {
				fmt.Fprintf(w, "  refused by %s:%d:%d: %s\n", at.File, at.Line, at.Column, rules.Where(at.Place, at.Name))
			}
			if f.tests {
				fmt.Fprintf(w, "\n%s\n", d.Test(p.old.name))
			}
		}
		if _, err := fmt.Fprintln(w, strings.Join(p.report.Lines(), "\n")); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(w io.Writer, pairs []*comparedPair) error {
	out := struct {
		Policies []any `json:"policies"`
	}{[]any{}}
	for _, p := range pairs {
		out.Policies = append(out.Policies, p.report.JSON(p.old.name, p.changed.name, p.position))
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// position is the place of the clause that refuses, in the policy that does.
func (p *comparedPair) position(d *compare.Difference) *compare.PositionJSON {
	if d.Place == "" {
		return nil
	}
	of := p.changed
	if d.Kind == compare.Allow {
		of = p.old
	}
	out := &compare.PositionJSON{Place: d.Place, Name: d.Name}
	if of.file != nil {
		out.File, out.Line, out.Column = of.file.Locate(d.Place)
	}
	return out
}

// diffCodes explain the codes of differences.
var diffCodes = map[string]string{
	"diff/allow":    "A request that was refused is allowed now.",
	"diff/refuse":   "A request that was allowed is refused now.",
	"diff/mask":     "The client gets another response.",
	"diff/upstream": "The upstream gets another request.",
	"diff/status":   "A request is refused in another way.",
}

// diffCases are the differences as findings. They stand at the resource of the new
// policy, or at the clause that refuses there.
func diffCases(pairs []*comparedPair) (cases []report.Case) {
	for _, p := range pairs {
		c := report.Case{Suite: p.changed.name, Name: p.changed.name}
		for _, d := range p.report.Differences {
			level := report.Warning
			switch {
			case d.Shows:
				level = report.Error
			case d.Kind == compare.Status || d.Kind == compare.Upstream:
				level = report.Note
			}
			file, line, column := p.locate(d)
			c.Findings = append(c.Findings, report.Finding{
				Code: "diff/" + string(d.Kind), Level: level, Message: d.Line(), File: file, Line: line, Column: column,
			})
		}
		cases = append(cases, c)
	}
	return cases
}

// locate returns the position of a difference in the new policy, or, if it is not
// there any more, in the old one.
func (p *comparedPair) locate(d *compare.Difference) (file string, line, column int) {
	if d.Kind == compare.Refuse && d.Place != "" && p.changed.file != nil {
		return p.changed.file.Locate(d.Place)
	}
	for i, of := range []*comparedPolicy{p.changed, p.old} {
		for _, r := range of.Resources() {
			if of.file != nil && r.Name == d.Resources[1-i] {
				return of.file.Locate(r.Place)
			}
		}
	}
	return p.changed.name, 1, 1
}
