// Package explain shows traces to people: as text for a terminal, and as a page of
// HTML. It also finds the clause that a line of a log is about.
package explain

import (
	"fmt"
	"io"
	"strings"

	"github.com/rulegate/rulegate/host/trace"
)

// Options say how a trace is printed.
type Options struct {
	Colour bool // with the escapes of a terminal
}

// Text writes a trace for a terminal.
func Text(w io.Writer, t *trace.Trace, o Options) error {
	p := &printer{palette: palette{o.Colour}}
	p.decision(t)
	p.route(t)
	p.token(t.Token)
	p.rules("Rule", t.Rule)
	p.upstream(t)
	p.response(t.Response)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// Evaluation writes one evaluation of a rule, each line after the indent.
func Evaluation(w io.Writer, e *trace.Evaluation, indent string, o Options) error {
	p := &printer{palette: palette{o.Colour}}
	p.clause(e.Clause, indent, indent)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// printer writes a trace.
type printer struct {
	palette
	b strings.Builder
}

func (p *printer) line(format string, args ...any) {
	p.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	p.b.WriteByte('\n')
}

// section starts a part of the output.
func (p *printer) section(title string) { p.line("\n%s", p.bold(title)) }

// width is the column of the values behind the labels.
const width = 8

func (p *printer) label(label, format string, args ...any) {
	p.line("  %-*s %s", width, label, fmt.Sprintf(format, args...))
}

func (p *printer) decision(t *trace.Trace) {
	d := &t.Decision
	head := p.bold(printable(t.Request.Method + " " + t.Request.Target))
	if t.Request.Host != "" {
		head += p.dim(" at " + printable(t.Request.Host))
	}
	p.line("%s", head)
	if d.Outcome == "yes" {
		p.line("%s", p.good("allowed"+p.status(d)))
		return
	}
	what := "refused"
	if d.Of == "response" {
		what = "the response is refused"
	}
	p.line("%s", p.bad(fmt.Sprintf("%s: %d, %s", what, d.Status, outcomeText(string(d.Outcome)))))
	if d.Place != "" {
		p.label("clause", "%s", p.where(d.Place, d.Name, d.File, d.Line))
	}
	p.label("reason", "%s", printable(d.Reason))
	if d.Error != "" {
		p.label("error", "%s", printable(d.Error))
	}
	if d.Challenge != "" {
		p.label("asks for", "%s", printable(d.Challenge))
	}
}

func (p *printer) status(d *trace.Decision) string {
	if d.Status == 0 {
		return ""
	}
	return fmt.Sprintf(": %d", d.Status)
}

// outcomes say in words why a request was refused.
var outcomes = map[string]string{
	"no": "the rule says no", "unknown": "the rule cannot be decided", "error": "a call or the host failed",
	"token": "no valid token", "invalid": "the request cannot be read", "uncovered": "no resource covers it",
	"blocked": "the response cannot be given", "memory": "no memory is left", "steps": "the rule takes too many steps",
}

func outcomeText(outcome string) string {
	if text, ok := outcomes[outcome]; ok {
		return text
	}
	return outcome
}

// where writes a clause with its name and its line.
func (p *printer) where(place, name, file string, line int) string {
	text := printable(place)
	if name != "" {
		text += " (" + printable(name) + ")"
	}
	if line > 0 {
		text += p.dim(fmt.Sprintf("  %s:%d", printable(file), line))
	}
	return text
}

func (p *printer) route(t *trace.Trace) {
	r := t.Route
	if r == nil {
		return
	}
	p.section("Route")
	switch {
	case r.Name == "":
		p.label("none", "no entry of the policy covers the request")
	default:
		p.label(r.Kind, "%s", p.where(r.Name, "", r.File, r.Line))
	}
	if r.Pattern != "" {
		p.label("match", "%s", printable(r.Pattern))
	}
	if r.Section != "" {
		p.label("section", "%s decides on these paths, before any route", r.Section)
	}
	if r.Vars != nil && string(r.Vars.JSON) != "{}" {
		p.label("vars", "%s", p.value(r.Vars))
	}
	if r.Auth != "" {
		p.label("auth", "%s", printable(r.Auth))
	}
	for _, o := range r.Others {
		p.label("not", "%s  %s%s", printable(o.Name), printable(o.Pattern), p.dim(": "+printable(o.Reason)))
	}
	if r.Unlike > 0 {
		p.label("", "%s", p.dim(fmt.Sprintf("%s with other paths", counted(r.Unlike, "route"))))
	}
}

func (p *printer) rules(title string, all []*trace.Evaluation) {
	for _, e := range all {
		if e.Document == "" {
			p.section(title)
		} else {
			p.section(fmt.Sprintf("%s for document %s", title, e.Document))
		}
		if e.Clause != nil {
			p.clause(e.Clause, "  ", "  ")
		}
		if e.LeftOut > 0 {
			p.line("  %s", p.dim(counted(e.LeftOut, "more clause")+" evaluated, shown without operands or not at all"))
		}
	}
}

func (p *printer) upstream(t *trace.Trace) {
	p.section("Upstream")
	if t.Upstream == nil {
		p.line("  gets nothing")
		return
	}
	p.line("  %s", printable(t.Upstream.Method+" "+t.Upstream.Target))
	p.changes(t.Changes)
	if len(t.Changes) == 0 {
		p.line("  %s", p.dim("the request as it came"))
	}
}

func (p *printer) response(r *trace.Response) {
	if r == nil {
		return
	}
	p.rules("Rule on the response", r.Rule)
	p.section("Response")
	status := fmt.Sprint(r.Upstream.Status)
	if r.Client.Status != r.Upstream.Status {
		status += " → " + fmt.Sprint(r.Client.Status)
	}
	p.line("  %s", status)
	p.changes(r.Changes)
	if len(r.Changes) == 0 {
		p.line("  %s", p.dim("as the upstream sent it"))
	}
}

// changes writes the differences between two messages.
func (p *printer) changes(all []trace.Change) {
	for _, c := range all {
		if c.Before != nil {
			p.line("  %s", p.bad("- "+printable(c.Path)+": "+p.plain(c.Before)))
		}
		if c.After != nil {
			p.line("  %s", p.good("+ "+printable(c.Path)+": "+p.plain(c.After)))
		}
	}
}

// counted returns a number and its noun: "1 route", "2 routes".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
