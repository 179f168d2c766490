package policy

import (
	"encoding/base64"
	"errors"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// resources reads the sections with rules. Databases come first, because query
// rules of all sections refer to them; routes come last, because the other
// sections decide on their own paths.
func (l *loader) resources() {
	l.databases(l.doc.Key("databases"))
	l.apiBase()
	for _, p := range l.documents() {
		l.serviceRules(p)
		l.databaseRules(p)
		l.queryRules(p)
		l.eventRules(p)
		l.fileRules(p)
	}
	places := map[string]string{}
	for _, p := range l.documents() {
		l.routes(p, places)
	}
	l.queue()
}

// ruleSource is a rule as it is written in the file.
type ruleSource struct {
	spec  value.Value
	place string
}

// guarded is a resource as it is written in the file.
type guarded struct {
	rule     value.Value
	response ruleSource // its spec is Missing when there is none
	auth     *Auth      // nil: not written
	team     *team      // nil: none
	path     string     // of a route
	vars     []string   // variables of the path
	methods  []string   // of a route; nil: all
}

// resource compiles the rule of a resource and its rule on the response, if it
// has one. It returns nil when the rule is missing, or when one of them has
// faults.
func (l *loader) resource(r Resource, g guarded) *Resource {
	r.CORS = l.p.CORS
	if g.rule.Kind() == value.Missing {
		return nil
	}
	l.ruleCount++
	define := l.define(r.Place)
	rule := ruleSource{g.rule, r.Place}
	if g.team != nil && g.team.require.spec.Kind() != value.Missing {
		rule.spec, define = g.team.required(rule, define)
	}
	compiled := l.compile(rule, define)
	if g.response.spec.Kind() != value.Missing {
		if r.Response = l.compile(g.response, l.define(r.Place)); r.Response == nil {
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
	case g.auth != nil:
		r.Auth = *g.auth
	case kind == "allow" || kind == "deny":
		r.Auth.mode = authNone
	}
	if l.review != nil {
		l.review(l, &r, &g, rule, define)
	}
	for _, h := range l.p.ClaimHeaders {
		r.Reserved = append(r.Reserved, httpfield.Fold(h.Header))
	}
	for _, name := range compiled.ForcedHeaders() {
		r.Reserved = append(r.Reserved, httpfield.Fold(name))
	}
	r.Reserved = sorted(r.Reserved)
	r.Request = r.names(rules.RootRequest)
	r.Headers = r.names(rules.RootRequest, "headers")
	r.Query = r.names(rules.RootRequest, "query")
	r.Params = r.names(rules.RootParams)
	u := &r.Uses
	for i, used := range [...]*bool{&u.Auth, &u.Token, &u.Peer, &u.Request, &u.Params} {
		root := [...]string{rules.RootAuth, rules.RootToken, rules.RootPeer, rules.RootRequest, rules.RootParams}[i]
		*used = compiled.Uses(root) || r.Response != nil && r.Response.Uses(root)
	}
	r.Index = len(l.p.resources)
	l.p.resources = append(l.p.resources, &r)
	return &r
}

// names are the keys below a path that the rules of the resource read or change.
func (r *Resource) names(path ...string) (n Names) {
	n.List, n.All = r.Rule.Members(path...)
	if r.Response != nil {
		more, all := r.Response.Members(path...)
		n.List, n.All = sorted(append(n.List, more...)), n.All || all
	}
	return n
}

// compile compiles a rule; it returns nil when the rule has faults.
func (l *loader) compile(s ruleSource, define defines) *rules.Rule {
	compiled, faults := rules.Compile(s.spec, s.place, l.env(define))
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
	if compiled != nil && compiled.Calls() {
		l.p.Calls = true
		if l.firstCall == "" {
			l.firstCall = s.place
		}
	}
	if compiled != nil {
		l.queried(compiled.Tables())
	}
	return compiled
}

func (l *loader) env(define defines) *rules.Env {
	written := func(place string) string { return l.substituted[place] }
	return &rules.Env{Written: written, Define: define, Zone: l.zone, AESKey: l.p.AESKey, CanSign: l.canSign, Database: l.checkQuery, Webhook: l.checkWebhook}
}

// zone returns a time zone, whose data the host has put under `zones`.
func (l *loader) zone(name string) (*time.Location, error) {
	text, ok := l.doc.Key("zones").Key(name).Text()
	if !ok {
		return nil, errors.New("want an IANA name such as Europe/Berlin")
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(name, data)
}

// eachClause calls f for a rule and the rules inside it.
func eachClause(rule value.Value, place string, f func(value.Value, string)) {
	f(rule, place)
	if c := rule.Key("clause"); c.Kind() == value.Object {
		eachClause(c, rules.Join(place, "clause"), f)
	}
	eachIn(rule.Key("clauses"), rules.Join(place, "clauses"), func(place string, c value.Value) {
		eachClause(c, place, f)
	})
}

// apiBase reads the beginning of the paths of services, databases and files.
func (l *loader) apiBase() {
	template, err := route.ParseTemplate(textOf(l.doc.Key("apiPrefix"), schema.DefaultPrefix))
	base, all := template.Literals()
	if err == nil && !all {
		err = errors.New("want a path without variables")
	}
	if err != nil {
		l.fault("apiPrefix", "%v", err)
	}
	l.p.table.API.Base = append(base, l.p.Project)
}

// needProject adds a fault when a section is used without a project.
func (l *loader) needProject(section string) {
	if l.p.Project == "" && !l.settled["project"] {
		l.settle(rules.Fault{Place: "project", Message: "missing; it is part of the paths of " + section})
	}
}

// checkName adds a fault, and returns false, for a name that no path can hold.
func (l *loader) checkName(place, name string) bool {
	err := route.CheckSegment(name)
	if err != nil {
		l.fault(place, "%v", err)
	}
	return err == nil
}
