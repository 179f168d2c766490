package policy

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/spelling"
	"github.com/rulegate/rulegate/rules/value"
)

// routes reads `routes`.
// Places has the places of named routes, by name.
func (l *loader) routes(p *part, places map[string]string) {
	eachIn(p.doc.Key("routes"), rules.Join(p.root, "routes"), func(place string, r value.Value) {
		if r.Kind() == value.Object {
			l.route(p, r, place, l.routeName(r, place, places))
		}
	})
}

// routeName returns the name of a route; its place when it has none.
func (l *loader) routeName(v value.Value, place string, places map[string]string) string {
	name, ok := v.Key("name").Text()
	if !ok || name == "" {
		if p := l.partAt(place); p != nil {
			return p.file + ":" + strings.TrimPrefix(strings.TrimPrefix(place, p.root), ".")
		}
		return place
	}
	at := rules.Join(place, "name")
	switch other := places[name]; {
	case other != "":
		l.fault(at, "%s has this name already", l.seenFrom(at, other))
	case !isPrintable(name):
		l.fault(at, "want at most 100 bytes of printable text")
	}
	places[name] = place
	return name
}

// isPrintable reports whether logs and metrics can have a name.
func isPrintable(name string) bool {
	return len(name) <= 100 && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

func (l *loader) route(p *part, v value.Value, place, name string) {
	match := v.Key("match")
	at := rules.Join(place, "match")
	host := l.routeHost(match.Key("host"), rules.Join(at, "host"))
	methods := l.methods(match.Key("methods"), rules.Join(at, "methods"))
	path, hasPath := match.Key("path").Text()
	template, err := route.ParseTemplate(path)
	if section := l.p.table.API.Decides(template); err == nil && section != "" {
		err = lightfmt.Errorf("the rules of %s decide on these paths", section)
	}
	if err != nil && hasPath {
		l.fault(rules.Join(at, "path"), "%v", err)
	}
	if hasPath && err == nil {
		p.team.checkBounds(l, host, template, rules.Join(at, "host"), rules.Join(at, "path"))
	}
	keep := l.keepsSlash(v.Key("paths").Key("encodedSlash"), rules.Join(rules.Join(place, "paths"), "encodedSlash"), template, err == nil)
	r := l.resource(Resource{Kind: Route, Name: name, Place: rules.Join(place, "rule")},
		guarded{
			rule: v.Key("rule"), response: ruleSource{v.Key("response"), rules.Join(place, "response")},
			auth: l.auth(v.Key("auth"), rules.Join(place, "auth")), path: path, vars: template.Vars(), methods: methods, team: p.team,
		})
	cors := l.routeCORS(p, v.Key("cors"), rules.Join(place, "cors"))
	idle := l.idle(v.Key("idle"), rules.Join(place, "idle"), 0)
	shadow := l.shadowed(v.Key("mode"), rules.Join(place, "mode"), p.team)
	if r != nil {
		r.CORS, r.Idle, r.Shadow = cors, idle, shadow
	}
	if !hasPath || err != nil || l.unset[rules.Join(at, "path")] || l.unset[rules.Join(at, "host")] {
		return
	}
	named := place
	if _, ok := v.Key("name").Text(); ok {
		named += " (" + name + ")"
	}
	other := l.p.table.Routes.Add(&route.Route[Resource]{Host: host, Methods: methods, Path: template, KeepSlash: keep, Place: named, Resource: r})
	if other != nil {
		l.fault(at, "covers requests of %s, and neither is more specific", l.seenFrom(at, other.Place))
	}
	if r != nil {
		l.checkSamePath(rules.Join(place, "cors"), r, host, template.Shape())
	}
}

// shadowed reads the `mode` of a route. A team must not lift the bounds around its rules.
func (l *loader) shadowed(v value.Value, place string, of *team) bool {
	text, _ := v.Text()
	if text != "shadow" {
		return false
	}
	if of != nil {
		l.fault(place, "only the main file and its include may put a route in shadow: its requests pass whatever is required of the team")
	}
	return true
}

// keepsSlash reads `paths.encodedSlash`.
func (l *loader) keepsSlash(v value.Value, place string, template route.Template, known bool) bool {
	keep, _ := v.Text()
	if keep != "keep" {
		return false
	}
	if known && !template.HasSegment() {
		l.fault(place, "the path has no variable of one segment, {x}, which could hold a slash")
	}
	return true
}

// routeHost reads the host of a route: lower case, "" for every host.
func (l *loader) routeHost(v value.Value, place string) string {
	text, _ := v.Text()
	host := strings.ToLower(text)
	if host == "" {
		return ""
	}
	if err := checkRouteHost(host); err != nil {
		l.fault(place, "%v", err)
	}
	return host
}

func checkRouteHost(host string) error {
	name, _ := strings.CutPrefix(host, "*.")
	err := route.CheckHost(name)
	switch {
	case host == "*":
		return errors.New("leave host out for all hosts")
	case strings.Contains(name, "*"):
		return errors.New("a star stands only at the start, before a dot")
	case strings.HasSuffix(name, "."):
		return errors.New("write it without the dot at the end")
	case err != nil && strings.Contains(name, ":"):
		return errors.New("want a host without a port: a route covers all ports")
	}
	return err
}

// methods reads the methods of a route, nil for all.
func (l *loader) methods(v value.Value, place string) []string {
	list := textsOf(v)
	for i, m := range list {
		at := rules.Elem(place, i)
		switch {
		case m == "": // schema.Check reports it
		case !httpfield.IsToken(m):
			l.fault(at, "not a method")
		case m == "*":
			l.fault(at, "leave methods out for all methods")
		case m != strings.ToUpper(m):
			l.fault(at, "methods are case-sensitive (RFC 9110, section 9.1); want %s", strings.ToUpper(m))
		case m == "HEAD":
			l.fault(at, "HEAD is decided as GET; list GET")
		case m == "CONNECT":
			l.fault(at, "CONNECT has no path, so no route covers it")
		case slices.Contains(list[:i], m):
			l.fault(at, "%s is listed already", m)
		case !httpfield.IsMethod(m):
			l.unknownMethod(at, m, ", or leave methods out for all")
		}
	}
	return list
}

func (l *loader) unknownMethod(place, method, help string) {
	if near := spelling.Nearest(method, httpfield.Methods); near != "" {
		l.fault(place, "%s is not a method of HTTP; did you mean %s?", method, near)
		return
	}
	l.fault(place, "%s is not a method of HTTP; want GET, POST, PUT, PATCH, DELETE or OPTIONS%s", method, help)
}
