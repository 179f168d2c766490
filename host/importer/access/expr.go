// Package access writes policies of the conditions that other proxies have for
// requests: verified tokens, paths, headers, addresses, claims.
//
// Not every condition of another proxy can be said as a rule. So each is written
// twice: Under is yes for no request for which the original is not, and Over for each
// request for which it is. Where a policy allows, Under stands in it, and where it
// denies, Over does. So what cannot be said denies.
package access

import (
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/rules"
	"go.yaml.in/yaml/v4"
)

// op is the kind of an Expr.
type op uint8

const (
	never op = iota
	always
	leaf
	all
	some
	not
)

// Expr is a condition that a rule can say.
type Expr struct {
	op     op
	inside []*Expr
	rule   *yaml.Node // of a leaf
}

var (
	// Never is no for each request.
	Never = &Expr{op: never}
	// Always is yes for each request.
	Always = &Expr{op: always}
)

// And is yes where all are.
func And(list ...*Expr) *Expr { return joined(all, always, never, list) }

// Or is yes where one is.
func Or(list ...*Expr) *Expr { return joined(some, never, always, list) }

// joined joins expressions; none of them matters, and one of decides decides.
func joined(kind, none, decides op, list []*Expr) *Expr {
	out := &Expr{op: kind}
	for _, e := range list {
		switch e.op {
		case none:
		case decides:
			return &Expr{op: decides}
		case kind:
			out.inside = append(out.inside, e.inside...)
		default:
			out.inside = append(out.inside, e)
		}
	}
	switch len(out.inside) {
	case 0:
		return &Expr{op: none}
	case 1:
		return out.inside[0]
	}
	return out
}

// Not is yes where the other is no.
func Not(e *Expr) *Expr {
	switch e.op {
	case never:
		return Always
	case always:
		return Never
	case not:
		return e.inside[0]
	case leaf:
		if f2 := importer.Get(e.rule, "f2"); importer.TextOf(e.rule, "type") == "bool" && f2.Tag == "!!bool" {
			flipped := clone(e.rule)
			importer.Get(flipped, "f2").Value = map[string]string{"true": "false", "false": "true"}[f2.Value]
			return &Expr{op: leaf, rule: flipped}
		}
	}
	return &Expr{op: not, inside: []*Expr{e}}
}

// IsNever reports whether an expression is no for each request.
func (e *Expr) IsNever() bool { return e.op == never }

// IsAlways reports whether an expression is yes for each request.
func (e *Expr) IsAlways() bool { return e.op == always }

// Rule writes an expression as a rule.
func (e *Expr) Rule() *yaml.Node {
	switch e.op {
	case always:
		return ruleOf("allow")
	case leaf:
		return clone(e.rule)
	case not:
		return ruleOf("not", "clause", e.inside[0].Rule())
	case all, some:
		list := importer.List()
		for _, x := range e.inside {
			list.Content = append(list.Content, x.Rule())
		}
		return ruleOf(map[op]string{all: "and", some: "or"}[e.op], "clauses", list)
	}
	return ruleOf("deny")
}

// ruleOf returns a rule with fields: a name and its value, in turns.
func ruleOf(kind string, fields ...any) *yaml.Node {
	n := importer.Object(importer.Text("rule"), importer.Text(kind))
	for i := 0; i+1 < len(fields); i += 2 {
		v, ok := fields[i+1].(*yaml.Node)
		if !ok {
			v = importer.Text(fields[i+1].(string))
		}
		importer.Set(n, fields[i].(string), v)
	}
	return n
}

func clone(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = nil
	for _, x := range n.Content {
		out.Content = append(out.Content, clone(x))
	}
	return &out
}

// Match compares two operands.
func Match(kind, eval, f1 string, f2 *yaml.Node) *Expr {
	comparison := importer.Text(eval)
	if strings.ContainsAny(eval, "=<>") {
		comparison.Style = yaml.DoubleQuotedStyle
	}
	return &Expr{op: leaf, rule: ruleOf("match", "type", kind, "eval", comparison, "f1", f1, "f2", f2)}
}

// Literal is a text as an operand, also one that looks like a reference.
func Literal(s string) *yaml.Node {
	if rules.IsReference(s, true) {
		return importer.Object(importer.Text("literal"), importer.Text(s))
	}
	return importer.Text(s)
}

// Exists is yes where something is at a path, null included.
func Exists(path string) *Expr {
	return Match("bool", "==", "utils.exists("+path+")", importer.True())
}

// Use is the named rule of the policy.
func Use(name string) *Expr { return &Expr{op: leaf, rule: ruleOf("use", "of", name)} }

// Cond is a condition of another proxy.
type Cond struct{ Under, Over *Expr }

// Exact is a condition that a rule says as it is.
func Exact(e *Expr) Cond { return Cond{e, e} }

// Unknown is a condition that no rule can say.
func Unknown() Cond { return Cond{Never, Always} }

// IsExact reports whether the rule says the condition as it is.
func (c Cond) IsExact() bool { return c.Under == c.Over }

// All is a condition that holds where all do.
func All(list ...Cond) Cond { return combined(And, list) }

// Any is a condition that holds where one does.
func Any(list ...Cond) Cond { return combined(Or, list) }

func combined(join func(...*Expr) *Expr, list []Cond) Cond {
	var under, over []*Expr
	exact := true
	for _, c := range list {
		under, over = append(under, c.Under), append(over, c.Over)
		exact = exact && c.IsExact()
	}
	out := Cond{join(under...), join(over...)}
	if exact {
		out.Over = out.Under
	}
	return out
}

// Not holds where the condition does not.
func (c Cond) Not() Cond {
	if c.IsExact() {
		return Exact(Not(c.Under))
	}
	return Cond{Not(c.Over), Not(c.Under)}
}
