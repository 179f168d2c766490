package openapi

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/route"
)

// Finding is a difference between a document and a policy.
type Finding struct {
	At      string // file:line
	Message string
}

// variable finds a variable of a path.
var variable = regexp.MustCompile(`\{[^}]*\}`)

// Check compares a document with a policy: operations without a route, routes without an
// operation, and operations that need other tokens than their routes. Locate gives the
// file and line of a place in the policy.
func Check(d *Document, p *policy.Policy, locate func(place string) string) (out []Finding) {
	used := map[*policy.Resource]bool{}
	for _, o := range d.operations() {
		m, err := p.Find(o.method, "", variable.ReplaceAllString(o.path, "x"))
		if err != nil || m.Resource == nil {
			out = append(out, Finding{o.at, fmt.Sprintf("%s %s (%s): no route of the policy covers the operation", o.method, o.path, o.name)})
			continue
		}
		used[m.Resource] = true
		if want, is := d.needs(o), tokenOf(m.Resource.Auth); want != "" && want != is {
			out = append(out, Finding{o.at, fmt.Sprintf("%s %s (%s): a token is %s in the document, and %s in route %s", o.method, o.path, o.name, want, is, m.Resource.Name)})
		}
	}
	for _, e := range p.Entries() {
		if e.Resource == nil || e.Unlisted || used[e.Resource] || e.Resource.Kind != policy.Route {
			continue
		}
		if !slices.ContainsFunc(d.operations(), func(o *operation) bool {
			t, err := route.ParseTemplate(o.path)
			return err == nil && t.Overlaps(e.Path) && (e.Methods == nil || slices.Contains(e.Methods, o.method))
		}) {
			used[e.Resource] = true
			out = append(out, Finding{locate(policy.Parent(e.Resource.Place)), fmt.Sprintf("route %s: the document has no operation for it", e.Resource.Name)})
		}
	}
	return out
}

// needs says whether an operation needs a token; "": other security than tokens.
func (d *Document) needs(o *operation) string {
	list, _ := d.requirements(o)
	word := "not read"
	for _, alternative := range list {
		if len(alternative) == 0 {
			if len(list) > 1 {
				return "optional"
			}
			continue
		}
		word = ""
		for name := range alternative {
			if c := d.api.Components; c != nil && c.SecuritySchemes[name] != nil && c.SecuritySchemes[name].Value != nil {
				if s := c.SecuritySchemes[name].Value; isToken(s) || strings.EqualFold(s.Type, "apiKey") {
					word = "required"
				}
			}
		}
	}
	return word
}

func tokenOf(a policy.Auth) string {
	switch {
	case !a.Reads():
		return "not read"
	case a.Optional():
		return "optional"
	}
	return "required"
}
