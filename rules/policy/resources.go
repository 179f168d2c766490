package policy

import (
	"errors"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// resources reads everything that rules guard.
func (l *loader) resources() {
	l.databases(l.doc.Key("databases"))
	l.apiBase()
	l.serviceRules(l.doc.Key("services"))
	l.databaseRules(l.doc.Key("databases"))
	l.fileRules(l.doc.Key("files"))
	l.routes(l.doc.Key("routes"))
}

// stated is a rule as the file has it.
type stated struct {
	spec  value.Value
	place string
}

// resource compiles a rule and, where there is one, the rule on the response. It
// is nil where there is no rule, or one with faults.
func (l *loader) resource(r Resource, rule value.Value, response stated, auth *Auth) *Resource {
	if rule.Kind() == value.Missing {
		return nil
	}
	l.ruled++
	compiled := l.compile(stated{rule, r.Place})
	if response.spec.Kind() != value.Missing {
		if r.Response = l.compile(response); r.Response == nil {
			return nil
		}
	}
	if compiled == nil {
		return nil
	}
	if r.Response != nil {
		compiled.Fetch(r.Response)
	}
	r.Rule = compiled
	switch kind := compiled.Kind(); {
	case auth != nil:
		r.Auth = *auth
	case kind == "allow" || kind == "deny":
		r.Auth.mode = authNone
	}
	for _, h := range l.p.ClaimHeaders {
		r.Strip = append(r.Strip, httpfield.Fold(h.Header))
	}
	for _, name := range compiled.ForcedHeaders() {
		r.Strip = append(r.Strip, httpfield.Fold(name))
	}
	r.Strip = sorted(r.Strip)
	l.p.resources = append(l.p.resources, &r)
	return &r
}

// compile compiles one rule, nil when it has faults.
func (l *loader) compile(s stated) *rules.Rule {
	compiled, faults := rules.Compile(s.spec, s.place, l.scope())
	for _, f := range faults {
		l.redact(&f)
		l.add(f)
	}
	eachClause(s.spec, s.place, func(clause value.Value, _ string) {
		if kind, _ := clause.Key("rule").Text(); kind == "query" || kind == "webhook" {
			l.p.Calls = true
			if l.firstCall == "" {
				l.firstCall = s.place
			}
		}
	})
	if compiled != nil {
		l.queried(compiled.Tables())
		l.stated = append(l.stated, s)
	}
	return compiled
}

func (l *loader) scope() *rules.Env {
	return &rules.Env{AESKey: l.p.AESKey, CanSign: l.canSign, Database: l.query, Webhook: l.webhook}
}

// auth reads what a resource says of tokens, nil when it says nothing.
func (l *loader) auth(v value.Value, place string) *Auth {
	switch v.Kind() {
	case value.Missing:
		return nil
	case value.String:
		switch mode, _ := v.Text(); mode {
		case "optional":
			return &Auth{mode: authOptional}
		case "none":
			return &Auth{mode: authNone}
		}
		return &Auth{}
	}
	a := &Auth{providers: []string{}}
	for i, name := range words(v.Key("providers")) {
		if name != "" && !slices.Contains(l.providers, name) {
			l.unknownProvider(rules.Elem(rules.Join(place, "providers"), i), name)
		}
		a.providers = append(a.providers, name)
	}
	return a
}

func (l *loader) unknownProvider(place, name string) {
	switch near := schema.Nearest(name, l.providers); {
	case near != "":
		l.fault(place, "no entry of auth.tokens has this name; did you mean %s?", near)
	case len(l.providers) == 0:
		l.fault(place, "no entry of auth.tokens has a name")
	default:
		l.fault(place, "no entry of auth.tokens has this name; want one of %s", strings.Join(l.providers, ", "))
	}
}

// apiBase reads what stands before the sections of the API.
func (l *loader) apiBase() {
	p := l.p
	prefix := textOf(l.doc.Key("apiPrefix"), schema.DefaultPrefix)
	template, err := route.ParseTemplate(prefix)
	base, all := template.Literals()
	if err == nil && !all {
		err = errors.New("want a path without variables")
	}
	if err != nil {
		l.fault("apiPrefix", "%v", err)
	}
	p.APIPrefix = strings.TrimSuffix(prefix, "/")
	p.table.API.Base = append(base, p.Project)
}

// needProject reports that a section's paths lack their {project}.
func (l *loader) needProject(section string) {
	if l.p.Project == "" && !l.quiet["project"] {
		l.broken("project", "missing; it is part of the paths of %s", section)
	}
}

// nameFault reports a name that no path can hold.
func (l *loader) nameFault(place, name string) bool {
	err := route.CheckSegment(name)
	if err != nil {
		l.fault(place, "%v", err)
	}
	return err != nil
}
