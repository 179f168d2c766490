package policy

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// team is an entry of `teams`: files of another author, and their bounds.
type team struct {
	name, place string
	paths       []route.Template // nil: all
	hosts       []string         // nil: all
	require     ruleSource       // its spec is Missing: none
}

// readTeams reads the bounds of `teams`.
func (l *loader) readTeams() {
	for _, t := range l.teams {
		v := l.doc.Key("teams").Key(t.name)
		t.require = ruleSource{v.Key("require"), rules.Join(t.place, "require")}
		eachIn(v.Key("paths"), rules.Join(t.place, "paths"), func(at string, p value.Value) {
			template, err := route.ParseTemplate(textOf(p, ""))
			if err != nil && l.known(at) {
				l.fault(at, "%v", err)
			}
			t.paths = append(t.paths, template)
		})
		for i, host := range textsOf(v.Key("hosts")) {
			host = strings.ToLower(host)
			at := rules.Elem(rules.Join(t.place, "hosts"), i)
			if err := checkRouteHost(host); err != nil && l.known(at) {
				l.fault(at, "%v", err)
			}
			t.hosts = append(t.hosts, host)
		}
	}
}

// checkBounds adds faults for a resource outside the bounds of its team. Host is ""
// for every host.
func (t *team) checkBounds(l *loader, host string, path route.Template, hostPlace, pathPlace string) {
	if t == nil {
		return
	}
	if t.paths != nil && !slices.ContainsFunc(t.paths, func(p route.Template) bool { return p.Covers(path) }) {
		l.fault(pathPlace, "outside the paths of team %s (%s.paths)", t.name, t.place)
	}
	if t.hosts != nil && !slices.ContainsFunc(t.hosts, func(h string) bool { return coversHost(h, host) }) {
		found := host
		if found == "" {
			found = "every host"
		}
		l.fault(hostPlace, "%s is outside the hosts of team %s (%s.hosts)", found, t.name, t.place)
	}
}

// checkAPI adds faults for a resource of the API outside the team's bounds. Its
// paths hold on every host.
func (t *team) checkAPI(l *loader, place string, segments ...string) {
	if t == nil {
		return
	}
	path := "/" + strings.Join(append(slices.Clone(l.p.table.API.Base), segments...), "/")
	template, err := route.ParseTemplate(path)
	if err != nil {
		l.fault(place, "%s is not a path that a team can have: %v", path, err)
		return
	}
	t.checkBounds(l, "", template, place, place)
}

// checkCollection checks the bounds of a collection. `default` is for all.
func (t *team) checkCollection(l *loader, place, db, collection string) {
	if collection == route.Default {
		collection = "{collection}"
	}
	t.checkAPI(l, place, "crud", db, collection, "{operation}")
}

// checkQuery checks the bounds of a prepared query. `default` is for all.
func (t *team) checkQuery(l *loader, place, db, query string) {
	if query == route.Default {
		query = "{query}"
	}
	t.checkAPI(l, place, "crud", db, route.PreparedQueries, query)
}

// checkFiles checks the bounds of an entry of files, which covers all below it.
func (t *team) checkFiles(l *loader, place string, prefix route.Template) {
	if t != nil {
		t.checkAPI(l, place, append(append([]string{"files"}, prefix.Segments()...), "{rest...}")...)
	}
}

// coversHost reports whether a bound, a name or *. and the end of one, covers the
// host of a route.
func coversHost(bound, host string) bool {
	end, wild := strings.CutPrefix(bound, "*")
	return bound == host || wild && strings.HasSuffix(host, end) && host != end
}

// Names of rules that no `define` can have, for required.
const (
	requireName = "\x00require"
	ruleName    = "\x00rule"
)

// required returns a rule that asks the team's `require` before the rule, and the
// named rules that it uses.
func (t *team) required(rule ruleSource, define defines) (value.Value, defines) {
	use := func(name string) value.Value {
		return value.Obj(value.Member{Key: "rule", Value: value.Str("use")}, value.Member{Key: "of", Value: value.Str(name)})
	}
	both := value.Obj(
		value.Member{Key: "rule", Value: value.Str("and")},
		value.Member{Key: "clauses", Value: value.Arr(use(requireName), use(ruleName))})
	return both, func(name string) (value.Value, string, bool) {
		switch name {
		case requireName:
			return t.require.spec, t.require.place, true
		case ruleName:
			return rule.spec, rule.place, true
		}
		return define(name)
	}
}
