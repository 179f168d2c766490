package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/httpfield"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// routes reads the routes and files them.
func (l *loader) routes(v value.Value) {
	names := map[string]string{}
	i := -1
	v.Each(func(_ string, x value.Value) bool {
		i++
		if place := rules.Elem("routes", i); x.Kind() == value.Object {
			l.route(x, place, l.routeName(x, place, names))
		}
		return true
	})
}

func (l *loader) routeName(v value.Value, place string, names map[string]string) string {
	name, ok := v.Key("name").Text()
	if !ok || name == "" {
		return place
	}
	at := rules.Join(place, "name")
	switch other := names[name]; {
	case other != "":
		l.fault(at, "%s has this name already", other)
	case len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		l.fault(at, "want at most 100 bytes of printable text")
	}
	names[name] = place
	return name
}

func (l *loader) route(v value.Value, place, name string) {
	match := v.Key("match")
	at := rules.Join(place, "match")
	host := l.routeHost(match.Key("host"), rules.Join(at, "host"))
	methods := l.methods(match.Key("methods"), rules.Join(at, "methods"))
	path, hasPath := match.Key("path").Text()
	template, err := route.ParseTemplate(path)
	if section := l.p.table.API.Decides(template); err == nil && section != "" {
		err = fmt.Errorf("the rules of %s decide on these paths", section)
	}
	if err != nil && hasPath {
		l.fault(rules.Join(at, "path"), "%v", err)
	}
	r := l.resource(Resource{Kind: Route, Name: name, Place: rules.Join(place, "rule")},
		v.Key("rule"), stated{v.Key("response"), rules.Join(place, "response")}, l.auth(v.Key("auth"), rules.Join(place, "auth")))
	if !hasPath || err != nil || l.unset[rules.Join(at, "path")] || l.unset[rules.Join(at, "host")] {
		return
	}
	other := l.p.table.Routes.Add(&route.Route[Resource]{Host: host, Methods: methods, Path: template, Place: named(place, name), Resource: r})
	if other != nil {
		l.fault(at, "covers requests of %s, and neither is more specific", other.Place)
	}
}

// named is a route's place with its name.
func named(place, name string) string {
	if name == place {
		return place
	}
	return place + " (" + name + ")"
}

func (l *loader) routeHost(v value.Value, place string) string {
	text, _ := v.Text()
	host := strings.ToLower(text)
	if host == "" {
		return ""
	}
	name, _ := strings.CutPrefix(host, "*.")
	switch err := route.CheckHost(name); {
	case host == "*":
		l.fault(place, "leave host out for all hosts")
	case strings.Contains(name, "*"):
		l.fault(place, "a star stands at the start alone, before a dot")
	case strings.HasSuffix(name, "."):
		l.fault(place, "write it without the dot at the end")
	case err != nil && strings.Contains(name, ":"):
		l.fault(place, "want a host without a port: a route covers all ports")
	case err != nil:
		l.fault(place, "%v", err)
	}
	return host
}

// methods reads the methods of a route, nil for all.
func (l *loader) methods(v value.Value, place string) []string {
	list := words(v)
	for i, m := range list {
		at := rules.Elem(place, i)
		switch {
		case m == "":
		case !httpfield.IsToken(m):
			l.fault(at, "not a method")
		case m != strings.ToUpper(m):
			l.fault(at, "methods are told apart by case (RFC 9110, section 9.1); want %s", strings.ToUpper(m))
		case m == "HEAD":
			l.fault(at, "HEAD is decided as GET; list GET")
		case m == "CONNECT":
			l.fault(at, "CONNECT has no path, so no route covers it")
		case slices.Contains(list[:i], m):
			l.fault(at, "%s is listed already", m)
		}
	}
	return list
}
