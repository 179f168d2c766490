package access

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/policyfile"
	"go.yaml.in/yaml/v4"
)

// Effect is the outcome for a request that fulfils a part of a Stage.
type Effect uint8

const (
	Allow Effect = iota + 1
	Deny
)

// Part is one policy of a stage.
type Part struct {
	Name    string
	At      string // file:line
	Cond    Cond
	Reasons []string // why the condition cannot be said as it is
	Asks    bool     // the reasons are questions, whatever the condition is
}

// Stage is a filter that a request has to pass. One that allows lets a request pass
// that fulfils some part, one that denies a request that fulfils none.
type Stage struct {
	Name   string
	Effect Effect
	Status int // of a refusal; 0: 403
	Parts  []Part
	// Noted are parts of the original that are in the conditions of Parts.
	Noted []Part
}

// Policy is a policy of another proxy.
type Policy struct {
	Providers Providers
	Stages    []Stage
	// Remove are headers of clients that the original replaces.
	Remove  []string
	APIKeys APIKeys
}

// Write writes the policy into a draft, with its report.
func (p *Policy) Write(d *importer.Draft) error {
	p.Providers.refuse()
	p.bound()
	p.Providers.auth(d)
	p.APIKeys.auth(d)
	rule := p.rule(d)
	define := importer.Object()
	importer.Set(define, registeredName, registered().Rule())
	for _, x := range p.Providers.List {
		if x.Refused == "" {
			importer.Set(define, ruleName(x), p.Providers.rule(x).Rule())
			if x.Ran != nil && !x.Ran.IsAlways() {
				importer.Set(define, claimsName(x), And(x.Ran, Use(ruleName(x))).Rule())
			}
		}
	}
	if used := named(rule); len(used) > 0 {
		kept := importer.Object()
		for _, e := range importer.Entries(define) {
			if e.Key == registeredName || used[e.Key] || used[strings.Replace(e.Key, "token of", "claims of", 1)] {
				importer.Set(kept, e.Key, e.Value)
			}
		}
		if len(kept.Content) > 0 {
			importer.Set(d.Policy, "define", kept)
		}
	}
	route := importer.Object(importer.Text("match"), importer.Object(importer.Text("path"), importer.Text("/{rest...}")))
	if importer.Get(d.Policy, "auth", "tokens") != nil && len(importer.Get(d.Policy, "auth", "tokens").Content) > 0 {
		importer.Set(route, "auth", importer.Object(importer.Text("optional"), importer.True(), importer.Text("invalid"), importer.Text("ignore")))
	} else {
		importer.Set(route, "auth", importer.Text("none"))
	}
	importer.Set(route, "rule", rule)
	importer.Set(d.Policy, "routes", importer.List(route))
	return p.settle(d, route)
}

// maxExprs bounds the conditions of a policy: those of one filter may stand in many
// rules.
const maxExprs = 20_000

// bound makes a policy that would be too large one that denies.
func (p *Policy) bound() {
	left := maxExprs
	for _, s := range p.Stages {
		for _, part := range s.Parts {
			if s.Effect == Deny {
				part.Cond.Over.count(&left)
			} else {
				part.Cond.Under.count(&left)
			}
		}
	}
	for _, x := range p.Providers.List {
		if x.Ran != nil {
			x.Ran.count(&left)
		}
	}
	if left <= 0 {
		p.Stages = []Stage{{Name: "all filters", Effect: Allow, Parts: []Part{{Cond: Unknown(), Reasons: []string{"they have more conditions than a policy may have"}}}}}
		for _, x := range p.Providers.List {
			x.Ran = nil
		}
	}
}

// count takes the number of conditions from left, and stops at 0.
func (e *Expr) count(left *int) {
	if *left--; *left <= 0 {
		return
	}
	for _, x := range e.inside {
		x.count(left)
	}
}

// named are the rules that a rule uses.
func named(rule *yaml.Node) map[string]bool {
	out := map[string]bool{}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if importer.TextOf(n, "rule") == "use" {
			out[importer.TextOf(n, "of")] = true
		}
		for _, x := range n.Content {
			walk(x)
		}
	}
	walk(rule)
	return out
}

// settle makes the policy load. A rule with a fault must not become one that denies
// inside `not`, so the rule of the route denies then.
func (p *Policy) settle(d *importer.Draft, route *yaml.Node) error {
	_, err := d.Load()
	var faults *policyfile.Error
	if err == nil || !errors.As(err, &faults) {
		return err
	}
	for _, f := range faults.Faults {
		if strings.HasPrefix(f.Place, "routes") || strings.HasPrefix(f.Place, "define") {
			name := importer.Set(route, "rule", ruleOf("deny"))
			importer.Remove(d.Policy, importer.Get(d.Policy, "define"))
			importer.Ask(name, "every request is denied until you decide: "+f.Message)
			d.Report.Add(importer.Item{Outcome: importer.ToDecide, Part: f.Place, Reason: f.Message + "; every request is denied"})
			break
		}
	}
	return nil
}

// rule writes the rule of all stages.
func (p *Policy) rule(d *importer.Draft) *yaml.Node {
	clauses := importer.List()
	for _, s := range p.Stages {
		if n := s.rule(d); n != nil {
			clauses.Content = append(clauses.Content, n)
		}
	}
	for _, name := range p.Remove {
		if path := HeaderPath(name); path != "" {
			clauses.Content = append(clauses.Content, ruleOf("remove", "fields", importer.TextList(path)))
		}
	}
	switch len(clauses.Content) {
	case 0:
		return ruleOf("allow")
	case 1:
		return clauses.Content[0]
	}
	return ruleOf("and", "clauses", clauses)
}

// rule writes the rule of a stage; nil: each request passes it.
func (s *Stage) rule(d *importer.Draft) *yaml.Node {
	list := importer.List()
	for _, part := range s.Noted {
		denies := Stage{Name: s.Name, Effect: Deny}
		denies.report(d, &part, part.Cond.Over)
	}
	for _, part := range s.Parts {
		expr := part.Cond.Under
		if s.Effect == Deny {
			expr = part.Cond.Over
		}
		s.report(d, &part, expr)
		if s.Effect == Deny && expr.IsNever() || s.Effect == Allow && expr.IsNever() && part.Cond.IsExact() && len(s.Parts) > 1 {
			continue // it decides about no request
		}
		n := expr.Rule()
		if importer.Get(n, "name") == nil && part.Name != "" {
			named := append([]*yaml.Node{importer.Text("name"), importer.Text(part.Name)}, n.Content[2:]...)
			n.Content = append(n.Content[:2:2], named...)
		}
		for _, why := range part.Reasons {
			if part.Asks || s.Effect == Allow && expr.IsNever() || s.Effect == Deny && expr.IsAlways() {
				importer.Ask(n, fmt.Sprintf("%s: %s", part.Name, why))
			}
		}
		list.Content = append(list.Content, n)
	}
	var out *yaml.Node
	switch {
	case s.Effect == Allow && len(list.Content) == 0:
		out = ruleOf("deny")
	case s.Effect == Allow && len(list.Content) == 1:
		out = list.Content[0]
	case s.Effect == Allow:
		out = ruleOf("or", "clauses", list)
	case len(list.Content) == 0:
		return nil
	case len(list.Content) == 1:
		out = ruleOf("not", "clause", list.Content[0])
		out.HeadComment, list.Content[0].HeadComment = list.Content[0].HeadComment, ""
	default:
		out = ruleOf("not", "clause", ruleOf("or", "clauses", list))
	}
	for _, part := range s.Noted {
		if part.Asks || part.Cond.Over.IsAlways() {
			for _, why := range part.Reasons {
				importer.Ask(out, part.Name+": "+why)
			}
		}
	}
	if s.Status != 0 {
		importer.Set(out, "status", importer.Int(s.Status))
	}
	return out
}

// report adds the outcome of a part.
func (s *Stage) report(d *importer.Draft, part *Part, expr *Expr) {
	item := importer.Item{Outcome: importer.CarriedOver, At: part.At, Part: part.Name, Reason: "exact"}
	if s.Name != part.Name {
		item.Part = strings.TrimSpace(s.Name + " " + part.Name)
	}
	switch {
	case part.Asks:
		item.Outcome, item.Reason = importer.ToDecide, strings.Join(part.Reasons, "; ")+"; until you decide they are denied"
	case part.Cond.IsExact():
	case s.Effect == Allow && expr.IsNever():
		item.Outcome, item.Reason = importer.ToDecide, "it allows nothing: "+strings.Join(part.Reasons, "; ")
	case s.Effect == Deny && expr.IsAlways():
		item.Outcome, item.Reason = importer.ToDecide, "it denies every request: "+strings.Join(part.Reasons, "; ")
	case len(part.Reasons) > 0:
		item.Outcome, item.Reason = importer.Rewritten, "stricter: "+strings.Join(part.Reasons, "; ")
	default:
		item.Reason = "stricter where a token or a certificate is not clear, or a claim has another type"
	}
	d.Report.Add(item)
}
