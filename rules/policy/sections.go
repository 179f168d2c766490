package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// serviceRules reads the rules of remote services.
func (l *loader) serviceRules(v value.Value) {
	if v.Kind() != value.Object {
		return
	}
	if v.Len() > 0 {
		l.needProject("services")
	}
	index := map[string]map[string]*Resource{}
	v.Each(func(service string, s value.Value) bool {
		at := rules.Join("services", service)
		l.nameFault(at, service)
		endpoints := map[string]*Resource{}
		s.Key("endpoints").Each(func(endpoint string, e value.Value) bool {
			place := rules.Join(rules.Join(at, "endpoints"), endpoint)
			if l.nameFault(place, endpoint) || e.Kind() != value.Object {
				return true
			}
			endpoints[endpoint] = l.resource(
				Resource{Kind: Service, Name: "services." + service + "." + endpoint, Place: rules.Join(place, "rule")},
				e.Key("rule"), stated{e.Key("response"), rules.Join(place, "response")}, l.auth(e.Key("auth"), rules.Join(place, "auth")))
			return true
		})
		index[service] = endpoints
		return true
	})
	l.p.table.API.Services = index
}

// databases reads what there is to query.
func (l *loader) databases(v value.Value) {
	v.Each(func(name string, d value.Value) bool {
		l.p.Databases = append(l.p.Databases, DB{Name: name, Type: textOf(d.Key("type"), ""), Conn: textOf(d.Key("conn"), ""), Pool: pool(d.Key("pool"))})
		return true
	})
}

func pool(v value.Value) Pool {
	return Pool{Size: intOf(v.Key("size"), 0), Queue: intOf(v.Key("queue"), 0)}
}

// query returns an error when a query rule cannot read from a database.
func (l *loader) query(db, _ string) error {
	i := slices.IndexFunc(l.p.Databases, func(d DB) bool { return d.Name == db })
	if i < 0 {
		var names []string
		for _, d := range l.p.Databases {
			names = append(names, d.Name)
		}
		if near := schema.Nearest(db, names); near != "" {
			return fmt.Errorf("no such database; did you mean %s?", near)
		}
		return errors.New("no such database in databases")
	}
	d := &l.p.Databases[i]
	conn := rules.Join(rules.Join("databases", db), "conn")
	if d.Type != "" && d.Conn == "" && !l.o.Module && !l.unset[conn] && !l.quiet[conn] {
		return errors.New("the database has no conn")
	}
	return nil
}

// queried notes the tables that the queries of a rule read.
func (l *loader) queried(tables []rules.Table) {
	for _, t := range tables {
		i := slices.IndexFunc(l.p.Databases, func(d DB) bool { return d.Name == t.DB })
		if d := &l.p.Databases[i]; !slices.Contains(d.Queried, t.Col) {
			d.Queried = sorted(append(d.Queried, t.Col))
		}
	}
}

// databaseRules reads the rules of collections.
func (l *loader) databaseRules(v value.Value) {
	index := map[string]map[string]map[string]*Resource{}
	v.Each(func(db string, d value.Value) bool {
		collections := d.Key("collections")
		if collections.Kind() != value.Object {
			return true
		}
		l.needProject("collections")
		at := rules.Join("databases", db)
		l.nameFault(at, db)
		byCollection := map[string]map[string]*Resource{}
		collections.Each(func(col string, c value.Value) bool {
			place := rules.Join(rules.Join(at, "collections"), col)
			if !l.nameFault(place, col) {
				byCollection[col] = l.operationRules(c, place, schema.Operations,
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

// operationRules reads `auth`, `rules` and `response`.
func (l *loader) operationRules(v value.Value, place string, operations []string, like Resource) map[string]*Resource {
	byOp := map[string]*Resource{}
	at := rules.Join(place, "rules")
	auth := l.auth(v.Key("auth"), rules.Join(place, "auth"))
	v.Key("rules").Each(func(op string, rule value.Value) bool {
		if slices.Contains(operations, op) { // else it is reported
			r := like
			r.Op, r.Name, r.Place = op, like.Name+"."+op, rules.Join(at, op)
			byOp[op] = l.resource(r, rule, stated{v.Key("response").Key(op), rules.Join(rules.Join(place, "response"), op)}, auth)
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

// fileRules reads the rules of files.
func (l *loader) fileRules(v value.Value) {
	if v.Kind() != value.Array {
		return
	}
	files := &route.Files[Resource]{}
	l.p.table.API.Files = files
	i := -1
	v.Each(func(_ string, f value.Value) bool {
		i++
		if i == 0 {
			l.needProject("files")
		}
		place := rules.Elem("files", i)
		prefix, _ := f.Key("prefix").Text()
		template, err := route.ParsePrefix(prefix)
		at := rules.Join(place, "prefix")
		if err != nil && prefix != "" {
			l.fault(at, "%v", err)
		}
		operations := l.operationRules(f, place, schema.FileOperations, Resource{Kind: File, Name: "files[" + prefix + "]"})
		if err == nil && !l.unset[at] {
			other := files.Add(&route.Prefix[Resource]{Path: template, Place: place, Operations: operations})
			if other != nil {
				l.fault(at, "the same paths as %s", other.Place)
			}
		}
		return true
	})
}
