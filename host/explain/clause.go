package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/trace"
)

// marks stand before a clause, by its outcome.
var marks = map[trace.Outcome]string{trace.Yes: "✓", trace.No: "✗", trace.Unknown: "?", trace.Waiting: "…", trace.NotReached: "·"}

// clause writes a clause and the clauses inside it. The first line follows first, the
// others follow rest.
func (p *printer) clause(c *trace.Clause, first, rest string) {
	text := p.outcome(c.Outcome, marks[c.Outcome]+" "+title(c))
	if c.Outcome != trace.Yes && c.Outcome != trace.NotReached {
		text += p.outcome(c.Outcome, ": "+string(c.Outcome))
	}
	if c.Deciding {
		text += "  " + p.bold("◀ decides")
	}
	if c.Line > 0 {
		text += p.dim(fmt.Sprintf("  %s:%d", printable(c.File), c.Line))
	}
	p.line("%s%s", first, text)
	inner := rest + "│ "
	if c.Clauses == nil && c.Elements == nil {
		inner = rest + "  "
	}
	p.details(c, inner)
	p.clauses(c.Clauses, rest)
	if c.Elements != nil {
		p.elements(c.Elements, rest)
	}
}

// title names a clause.
func title(c *trace.Clause) string {
	text := c.Kind
	switch {
	case c.Type != "" && len(c.Operands) == 2:
		text += " " + c.Type + ": " + printable(c.Operands[0].Text+" "+c.Eval+" "+c.Operands[1].Text)
	case c.Type != "":
		text += " " + c.Type + " " + c.Eval
	case c.Kind == "use" && len(c.Clauses) == 1:
		text += " " + printable(c.Clauses[0].Place)
	}
	if c.Name != "" {
		text += " (" + printable(c.Name) + ")"
	}
	return text
}

// details writes the operands, the calls and the changes of a clause.
func (p *printer) details(c *trace.Clause, rest string) {
	if !said(c) {
		p.line("%s  %s", rest, p.dim(printable(c.Reason)))
	}
	for i := range c.Operands {
		if o := &c.Operands[i]; !(c.Kind == "match" && isWritten(o)) && !asked(c, o) {
			p.line("%s  %s", rest, p.operand(c, o))
		}
	}
	for i := range c.Calls {
		p.call(&c.Calls[i], rest+"  ")
	}
	for _, ch := range c.Changes {
		text := fmt.Sprintf("%s: %s → %s", printable(ch.Path), p.orNothing(ch.Before), p.orNothing(ch.After))
		if ch.Undone {
			text += p.dim(" (undone)")
		}
		p.line("%s  %s", rest, text)
	}
	for _, r := range c.Response {
		p.line("%s  %s", rest, printable("for the response: "+r))
	}
}

// said reports whether the reason of a clause is told by its title, by its operands or
// calls, or by the clauses inside it.
func said(c *trace.Clause) bool {
	if c.Reason == "" || c.From != "" || c.Kind == "or" || c.Kind == "match" && c.Outcome == trace.No {
		return true
	}
	operand := func(o trace.Operand) bool { return o.Missing == c.Reason }
	failed := func(call trace.Call) bool {
		return call.Reply != nil && call.Reply.Error != "" && strings.HasSuffix(c.Reason, call.Reply.Error)
	}
	return slices.ContainsFunc(c.Operands, operand) || slices.ContainsFunc(c.Calls, failed)
}

// isWritten reports whether an operand stands in the rule, which the title shows.
func isWritten(o *trace.Operand) bool { return o.Value != nil && string(o.Value.JSON) == o.Text }

// asked reports whether a call of the clause shows an operand.
func asked(c *trace.Clause, o *trace.Operand) bool {
	return len(c.Calls) > 0 && (o.Text == "" || strings.HasPrefix(o.Field, "headers"))
}

func (p *printer) operand(c *trace.Clause, o *trace.Operand) string {
	text := printable(o.Text)
	if c.Kind != "match" || text == "" {
		text = strings.TrimSpace(o.Field + " " + text)
	}
	switch {
	case o.Value != nil:
		return text + " = " + p.value(o.Value)
	case o.Text != "" && strings.HasPrefix(o.Missing, o.Text):
		return p.warn(printable(o.Missing))
	}
	return text + ": " + p.warn(printable(o.Missing))
}

// verbs stand before the URL of a call.
var verbs = map[string]string{"webhook": "posted to ", "introspect": "asked the issuer at "}

func (p *printer) call(c *trace.Call, rest string) {
	if c.Kind == "query" {
		text := "asked " + printable(c.DB+"."+c.Col)
		if c.Find != nil {
			text += " for " + p.value(c.Find)
		}
		p.line("%s%s", rest, text)
	} else {
		p.line("%s%s", rest, printable(verbs[c.Kind]+c.URL))
		if c.Body != nil {
			p.line("%s  body %s", rest, p.value(c.Body))
		}
		if c.Claims != nil {
			p.line("%s  claims %s", rest, p.value(c.Claims))
		}
		for _, h := range c.Headers {
			p.line("%s  %s: %s", rest, printable(h.Name), printable(h.Value))
		}
	}
	p.reply(c, rest)
}

func (p *printer) reply(c *trace.Call, rest string) {
	r := c.Reply
	switch {
	case r == nil:
		p.line("%s%s", rest, p.warn("no reply"))
		return
	case r.Error != "":
		p.line("%s%s", rest, p.warn("failed: "+printable(r.Error)))
		return
	}
	text := "got"
	if r.Status != 0 {
		text += fmt.Sprintf(" %d", r.Status)
	}
	for _, v := range []*trace.Value{r.Rows, r.Body} {
		if v != nil {
			text += " " + p.value(v)
		}
	}
	p.line("%s%s", rest, text)
}

// clauses writes clauses as the branches of a tree.
func (p *printer) clauses(all []*trace.Clause, rest string) {
	for i, in := range all {
		if i == len(all)-1 {
			p.clause(in, rest+"└ ", rest+"  ")
		} else {
			p.clause(in, rest+"├ ", rest+"│ ")
		}
	}
}

func (p *printer) elements(e *trace.Elements, rest string) {
	if e.Count == 0 {
		p.line("%s└ %s", rest, p.dim("for each element (there is none, or it was not reached)"))
		p.clauses(e.Clauses, rest+"  ")
		return
	}
	p.line("%s├ %s", rest, p.dim(fmt.Sprintf("%s: %d yes, %d no, %d unknown", counted(e.Count, "element"), e.Yes, e.No, e.Unknown)))
	next := 0
	for i, x := range e.Shown {
		if x.Index > next {
			p.line("%s│ %s", rest, p.dim(fmt.Sprintf("… %s", counted(x.Index-next, "element"))))
		}
		next = x.Index + 1
		first, below := rest+"├ ", rest+"│ "
		if i == len(e.Shown)-1 {
			first, below = rest+"└ ", rest+"  "
		}
		title := fmt.Sprintf("%s element %d", marks[x.Outcome], x.Index)
		if x.Value != nil {
			p.line("%s%s = %s", first, p.outcome(x.Outcome, title), p.value(x.Value))
		} else {
			p.line("%s%s", first, p.outcome(x.Outcome, title))
		}
		p.clauses(x.Clauses, below)
	}
}

// maxShown bounds a value on a line of text, in characters.
const maxShown = 300

// value writes a value on one line.
func (p *printer) value(v *trace.Value) string {
	text := p.plain(v)
	if v.Masked {
		text = strings.ReplaceAll(text, `"[masked]"`, p.warn("[masked]"))
	}
	return text
}

func (p *printer) plain(v *trace.Value) string {
	runes := []rune(printable(string(v.JSON)))
	if len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return string(runes)
}

func (p *printer) orNothing(v *trace.Value) string {
	if v == nil {
		return "nothing"
	}
	return p.value(v)
}
