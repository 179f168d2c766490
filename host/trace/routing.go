package trace

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
)

// maxOthers bounds the routes that are listed although they were not chosen.
const maxOthers = 20

// route says which resource covers the request, and why not another one.
func (b *builder) route() *Route {
	in := b.Request
	all, section, err := b.Policy.Candidates(in.Method, host(b.Result.Received), in.Target)
	if err != nil {
		return nil
	}
	out := &Route{Section: section}
	if match, err := b.Policy.Find(in.Method, host(b.Result.Received), in.Target); err == nil {
		b.messages.vars = match.Vars
		out.Vars = b.mask.show(value.Obj(match.Vars...), b.mask.at(names([]string{rules.RootRequest, "vars"})), b.o.Limits.Value)
	}
	if r := b.Result.Resource; r != nil {
		out.Name, out.Kind, out.Place, out.Auth = r.Name, kindName(r.Kind), r.Place, authText(r.Auth)
		if b.o.Locate != nil {
			p := b.o.Locate(policy.Parent(r.Place))
			out.File, out.Line, out.Column = p.File, p.Line, p.Column
		}
	}
	b.inFileOrder(all)
	for i := range all {
		c := &all[i]
		switch {
		case c.Chosen:
			out.Pattern = pattern(c)
		case !c.FitsPath:
			out.Unlike++
		case len(out.Others) < maxOthers:
			out.Others = append(out.Others, Other{Name: nameOf(c), Place: placeOf(c), Pattern: pattern(c), Reason: unchosen(c, out.Name)})
		}
	}
	return out
}

// inFileOrder sorts routes as the policy has them.
func (b *builder) inFileOrder(all []policy.Candidate) {
	at := map[*policy.Resource]int{}
	for i, r := range b.Policy.Resources() {
		at[r] = i
	}
	slices.SortStableFunc(all, func(x, y policy.Candidate) int { return at[x.Resource] - at[y.Resource] })
}

// host returns the host of header fields.
func host(fields [][2]string) string {
	for _, f := range fields {
		if f[0] == ":authority" {
			return f[1]
		}
	}
	return ""
}

func nameOf(c *policy.Candidate) string {
	if c.Resource == nil {
		return c.Place
	}
	return c.Resource.Name
}

// placeOf returns the place of a route.
func placeOf(c *policy.Candidate) string {
	if c.Resource == nil {
		return c.Place
	}
	return policy.Parent(c.Resource.Place)
}

// unchosen says why a route whose path fits was not chosen.
func unchosen(c *policy.Candidate, chosen string) string {
	switch {
	case !c.FitsHost:
		return "its host does not fit"
	case !c.FitsMethod:
		return "it does not list the method"
	case chosen == "":
		return "another route has a more specific host or path, and does not list the method"
	}
	return "less specific than " + chosen
}

// pattern writes the methods, the host and the path of a route.
func pattern(c *policy.Candidate) string {
	methods := strings.Join(c.Methods, ",")
	if c.Methods == nil {
		methods = "*"
	}
	return methods + " " + c.Host + "/" + strings.Join(c.Path.Segments(), "/")
}

func kindName(k policy.Kind) string {
	return [...]string{policy.Route: "route", policy.Service: "service", policy.Database: "database", policy.File: "file", policy.Query: "query", policy.Event: "event"}[k]
}

// authText writes which token a resource needs.
func authText(a policy.Auth) string {
	text := "required"
	switch {
	case !a.Reads():
		return "none"
	case a.Optional():
		text = "optional"
	}
	if providers := a.Providers(); len(providers) > 0 {
		text += " of " + strings.Join(providers, ", ")
	}
	return text
}
