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
		s.Key("endpoints").Each(func(endpoint string, e value.Value) bool {
			place := rules.Join(rules.Join(at, "endpoints"), endpoint)
			if !l.checkName(place, endpoint) || e.Kind() != value.Object {
				return true
			}
			if l.isTaken("services "+service+" "+endpoint, place) {
				return true
			}
			p.team.checkAPI(l, place, "services", service, endpoint)
			endpoints[endpoint] = l.resource(
				Resource{Kind: Service, Name: "services." + service + "." + endpoint, Place: rules.Join(place, "rule")},
				guarded{
					rule: e.Key("rule"), response: ruleSource{e.Key("response"), rules.Join(place, "response")},
					auth: l.auth(e.Key("auth"), rules.Join(place, "auth")), team: p.team,
				})
			return true
		})
		index[service] = endpoints
		return true
	})
	l.p.table.API.Services = index
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
		l.needProject("collections")
		at := rules.Join(rules.Join(p.root, "databases"), db)
		l.checkName(at, db)
		if l.database(db) < 0 {
			l.fault(at, "databases of the main file has no entry of this name")
		}
		byCollection := index[db]
		if byCollection == nil {
			byCollection = map[string]map[string]*Resource{}
		}
		collections.Each(func(col string, c value.Value) bool {
			place := rules.Join(rules.Join(at, "collections"), col)
			if l.checkName(place, col) && !l.isTaken("collections "+db+" "+col, place) {
				p.team.checkCollection(l, place, db, col)
				byCollection[col] = l.operationRules(p, c, place, schema.Operations, nil,
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
