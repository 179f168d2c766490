package explain

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/trace"
	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
)

// Located is a decision of a log, with the clause that it names in the policy.
type Located struct {
	Version int             `json:"version"`
	Policy  string          `json:"policy"` // the file
	Record  *Record         `json:"record"`
	File    string          `json:"file,omitempty"` // of the clause, or else of the resource
	Line    int             `json:"line,omitempty"`
	Column  int             `json:"column,omitempty"`
	Clause  json.RawMessage `json:"clause,omitempty"` // as the policy has it
	Way     []Step          `json:"way,omitempty"`    // from the rule down to the clause
	Note    string          `json:"note,omitempty"`   // what the policy does not have

	file *policyfile.File
}

// Step is a rule around a clause, or the clause itself.
type Step struct {
	Place string `json:"place"`
	Kind  string `json:"kind"`
	Name  string `json:"name,omitempty"`
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
}

// Locate finds the clause of a record in a policy. A reason may quote the rule, so it is
// masked.
func Locate(r *Record, p *policy.Policy, f *policyfile.File, mask *trace.Mask) *Located {
	r.Reason = mask.Text(r.Reason)
	out := &Located{Version: trace.Version, Policy: f.Path, Record: r, file: f}
	resource := resourceOf(p, r.Route)
	switch {
	case r.Route == "":
		out.Note = "no entry of the policy covers the request"
	case resource == nil:
		out.Note = fmt.Sprintf("the policy has no %q: the line is of another policy, or of another version of it", r.Route)
	}
	place := r.Clause
	if place == "" && resource != nil {
		place = policy.Parent(resource.Place)
	}
	if place == "" {
		return out
	}
	if r.Clause != "" {
		out.way(resource, p)
		if source := f.Value(place); out.Way != nil {
			out.Clause = json.RawMessage(source.String())
		}
	}
	if r.Clause == "" || out.Way != nil {
		out.File, out.Line, out.Column = f.Locate(place)
	}
	return out
}

func resourceOf(p *policy.Policy, name string) *policy.Resource {
	for _, r := range p.Resources() {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// way finds the rules around the clause: in the resource, else in any other.
func (l *Located) way(resource *policy.Resource, p *policy.Policy) {
	all := p.Resources()
	if resource != nil {
		all = []*policy.Resource{resource}
	}
	for _, r := range all {
		for _, rule := range []*rules.Rule{r.Rule, r.Response} {
			if rule == nil {
				continue
			}
			if way := wayTo(rule, l.Record.Clause, nil); way != nil {
				for _, in := range way {
					l.Way = append(l.Way, l.step(in))
				}
				return
			}
		}
	}
	if l.Note == "" {
		l.Note = fmt.Sprintf("the rules of the policy have no %s: the line is of another version of it", l.Record.Clause)
	}
}

// wayTo returns the rules from rule down to the clause at a place, nil if it is not in
// there.
func wayTo(rule *rules.Rule, place string, above []*rules.Rule) []*rules.Rule {
	above = append(above[:len(above):len(above)], rule)
	if rule.Place() == place {
		return above
	}
	for _, in := range rule.Clauses() {
		if way := wayTo(in, place, above); way != nil {
			return way
		}
	}
	return nil
}

func (l *Located) step(r *rules.Rule) Step {
	s := Step{Place: r.Place(), Kind: r.Kind(), Name: r.Name()}
	if r.UsesName() {
		s.Kind = "use"
	}
	s.File, s.Line, _ = l.file.Locate(s.Place)
	return s
}

// LocatedText writes a decision of a log for a terminal.
func LocatedText(w io.Writer, l *Located, o Options) error {
	p := &printer{palette: palette{o.Colour}}
	r := l.Record
	if r.Outcome == "yes" {
		p.line("%s", p.good("allowed"))
	} else {
		what := "refused"
		if r.Of == "response" {
			what = "the response is refused"
		}
		p.line("%s", p.bad(fmt.Sprintf("%s: %d, %s", what, r.Status, outcomeText(r.Outcome))))
	}
	for _, f := range []struct{ label, text string }{
		{"id", r.RequestID}, {"route", r.Route}, {"clause", rules.Where(r.Clause, r.Name)}, {"reason", r.Reason}, {"note", l.Note},
	} {
		if f.text != "" {
			p.label(f.label, "%s", printable(f.text))
		}
	}
	indent := "  "
	for i, s := range l.Way {
		text := s.Kind
		if s.Name != "" {
			text += " (" + printable(s.Name) + ")"
		}
		if i == len(l.Way)-1 {
			text = p.bad(text) + "  " + p.bold("◀ decides")
		}
		p.line("%s%s%s", indent, text, p.dim(fmt.Sprintf("  %s:%d", printable(s.File), s.Line)))
		if indent == "  " {
			indent = "  └ "
		} else {
			indent = "  " + indent
		}
	}
	if excerpt := l.excerpt(); excerpt != "" {
		p.line("\n%s", excerpt)
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

// excerpt shows the line of the clause, "" if the policy has none.
func (l *Located) excerpt() string {
	if l.Way == nil {
		return ""
	}
	return l.file.Excerpt(l.Record.Clause, printable(l.Record.Reason))
}
