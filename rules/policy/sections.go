package policy

import (
	"slices"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// serviceRules reads `services`.
func (l *loader) serviceRules(p *part) {
	v := p.doc.Key("services")
	if v.Kind() != value.Object {
		return
	}
	if v.Len() > 0 {
		l.needProject("services")
	}
	index := l.p.table.API.Services
	if index == nil {
		index = map[string]map[string]*Resource{}
	}
	v.Each(func(service string, s value.Value) bool {
		at := rules.Join(rules.Join(p.root, "services"), service)
		l.checkName(at, service)
		endpoints := index[service]
		if endpoints == nil {
			endpoints = map[string]*Resource{}
		}
		l.namedRules(p, s.Key("endpoints"), rules.Join(at, "endpoints"), Resource{Kind: Service, Name: "services." + service}, endpoints,
			func(place, endpoint string) bool {
				p.team.checkAPI(l, place, "services", service, endpoint)
				return l.checkName(place, endpoint)
			})
		index[service] = endpoints
		return true
	})
	l.p.table.API.Services = index
}

// namedRules reads entries with one rule each, by name. Like is a resource without
// the entry's name. Check reports whether an entry can have its name.
func (l *loader) namedRules(p *part, v value.Value, place string, like Resource, index map[string]*Resource, check func(place, name string) bool) {
	v.Each(func(name string, e value.Value) bool {
		at := rules.Join(place, name)
		if !check(at, name) || e.Kind() != value.Object || l.isTaken(like.Name+" "+name, at) {
			return true
		}
		r := like
		r.Name, r.Place = like.Name+"."+name, rules.Join(at, "rule")
		index[name] = l.resource(r, guarded{
			rule: e.Key("rule"), response: ruleSource{e.Key("response"), rules.Join(at, "response")},
			auth: l.auth(e.Key("auth"), rules.Join(at, "auth")), team: p.team,
		})
		return true
	})
}

// eventRules reads `events`.
func (l *loader) eventRules(p *part) {
	v := p.doc.Key("events")
	if v.Kind() != value.Object {
		return
	}
	if v.Len() > 0 {
		l.needProject("events")
	}
	api := &l.p.table.API
	if api.Events == nil {
		api.Events = map[string]*Resource{}
	}
	l.namedRules(p, v, rules.Join(p.root, "events"), Resource{Kind: Event, Name: "events"}, api.Events, func(place, name string) bool {
		if name == "" || !isPrintable(name) {
			l.fault(place, "want a type of 1 to 100 bytes of printable text")
			return false
		}
		p.team.checkAPI(l, place, "eventing", "queue")
		return true
	})
}

// queue makes the resource of an event whose type is not known yet. Where all events
// need the same tokens, a request without one is refused before its body is read.
func (l *loader) queue() {
	api := &l.p.table.API
	if api.Events == nil {
		return
	}
	none := Auth{mode: authNone}
	q := &Resource{Kind: Event, Name: "events", Place: "events", Index: len(l.p.resources), CORS: l.p.CORS, Auth: none}
	var first *Resource
	for _, r := range api.Events {
		switch {
		case r == nil || r.Rule.Kind() == "deny": // faults, or never yes
			continue
		case first == nil:
			first, q.Auth = r, r.Auth
		case !r.Auth.Equal(first.Auth):
			q.Auth = none
		}
		q.Reserved = append(q.Reserved, r.Reserved...)
		q.Headers.List = append(q.Headers.List, r.Headers.List...)
		q.Headers.All = q.Headers.All || r.Headers.All
	}
	q.Reserved, q.Headers.List = sorted(q.Reserved), sorted(q.Headers.List)
	api.Queue = q
}

// queryRules reads `databases.*.queries`.
func (l *loader) queryRules(p *part) {
	p.doc.Key("databases").Each(func(db string, d value.Value) bool {
		queries := d.Key("queries")
		if queries.Kind() != value.Object {
			return true
		}
		at := l.ruledDatabase(p, db, "queries")
		if l.p.table.API.Queries == nil {
			l.p.table.API.Queries = map[string]map[string]*Resource{}
		}
		index := l.p.table.API.Queries[db]
		if index == nil {
			index = map[string]*Resource{}
		}
		l.p.table.API.Queries[db] = index
		l.namedRules(p, queries, rules.Join(at, "queries"), Resource{Kind: Query, Name: "databases." + db + ".queries"}, index, func(place, name string) bool {
			if slices.Contains(route.Operations, name) {
				l.fault(place, "Space Cloud takes its path for the operation %s on a collection; want another name", name)
				return false
			}
			p.team.checkQuery(l, place, db, name)
			return l.checkName(place, name)
		})
		return true
	})
}

// ruledDatabase checks a database whose rules are read, and returns its place.
func (l *loader) ruledDatabase(p *part, db, section string) (place string) {
	l.needProject(section)
	place = rules.Join(rules.Join(p.root, "databases"), db)
	l.checkName(place, db)
	if l.database(db) < 0 && l.known(place) {
		l.settle(rules.Fault{Place: place, Message: "databases of the main file has no entry of this name"})
	}
	return place
}

// databaseRules reads `databases.*.collections`.
func (l *loader) databaseRules(p *part) {
	index := l.p.table.API.Databases
	if index == nil {
		index = map[string]map[string]map[string]*Resource{}
	}
	p.doc.Key("databases").Each(func(db string, d value.Value) bool {
		collections := d.Key("collections")
		if collections.Kind() != value.Object {
			return true
		}
		at := l.ruledDatabase(p, db, "collections")
		byCollection := index[db]
		if byCollection == nil {
			byCollection = map[string]map[string]*Resource{}
		}
		collections.Each(func(col string, c value.Value) bool {
			place := rules.Join(rules.Join(at, "collections"), col)
			if col == route.PreparedQueries {
				l.fault(place, "its paths are those of prepared queries; want %s", rules.Join(at, "queries"))
				return true
			}
			if l.checkName(place, col) && !l.isTaken("collections "+db+" "+col, place) {
				p.team.checkCollection(l, place, db, col)
				byCollection[col] = l.operationRules(p, c, place, route.Operations, nil,
					Resource{Kind: Database, Name: "databases." + db + "." + col})
			}
			return true
		})
		index[db] = byCollection
		return true
	})
	if len(index) > 0 {
		l.p.table.API.Databases = index
	}
}

// operationRules reads `auth`, `rules` and `response` of a collection or of an
// entry of `files`. Like is the resource without its operation.
func (l *loader) operationRules(p *part, v value.Value, place string, operations, vars []string, like Resource) map[string]*Resource {
	byOp := map[string]*Resource{}
	at := rules.Join(place, "rules")
	auth := l.auth(v.Key("auth"), rules.Join(place, "auth"))
	v.Key("rules").Each(func(op string, rule value.Value) bool {
		if slices.Contains(operations, op) { // schema.Check reports the others
			r := like
			r.Op, r.Name, r.Place = op, like.Name+"."+op, rules.Join(at, op)
			byOp[op] = l.resource(r, guarded{
				rule: rule, response: ruleSource{v.Key("response").Key(op), rules.Join(rules.Join(place, "response"), op)}, auth: auth, vars: vars, team: p.team,
			})
		}
		return true
	})
	v.Key("response").Each(func(op string, _ value.Value) bool {
		if slices.Contains(operations, op) && v.Key("rules").Key(op).Kind() == value.Missing {
			l.fault(rules.Join(rules.Join(place, "response"), op), "there is no rule for %s beside it, under rules", op)
		}
		return true
	})
	return byOp
}

// fileRules reads `files`.
func (l *loader) fileRules(part *part) {
	v := part.doc.Key("files")
	if v.Kind() != value.Array {
		return
	}
	if l.p.table.API.Files == nil {
		l.p.table.API.Files = &route.Files[Resource]{}
	}
	files := l.p.table.API.Files
	if v.Len() > 0 {
		l.needProject("files")
	}
	eachIn(v, rules.Join(part.root, "files"), func(place string, f value.Value) {
		prefix, _ := f.Key("prefix").Text()
		template, err := route.ParsePrefix(prefix)
		at := rules.Join(place, "prefix")
		if err != nil && prefix != "" {
			l.fault(at, "%v", err)
		}
		if err == nil {
			part.team.checkFiles(l, at, template)
		}
		operations := l.operationRules(part, f, place, schema.FileOperations, template.Vars(), Resource{Kind: File, Name: "files[" + prefix + "]"})
		if err != nil || l.unset[at] {
			return
		}
		if other := files.Add(&route.Prefix[Resource]{Path: template, Place: place, Operations: operations}); other != nil {
			l.fault(at, "the same paths as %s", l.seenFrom(at, other.Place))
		}
	})
}
