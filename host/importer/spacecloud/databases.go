package spacecloud

import (
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"go.yaml.in/yaml/v4"
)

// types are the types of databases here by those of Space Cloud.
var types = map[string]string{
	"mongo": "mongo", "sql-mysql": "sql-mysql", "mysql": "sql-mysql", "sql-postgres": "sql-postgres",
	"postgres": "sql-postgres", "embedded": "embedded",
}

// databases writes the connections.
func (w *writer) databases() {
	for _, db := range w.project.databases {
		what := "database " + db.id
		kind, ok := types[importer.TextOf(db.node, "type")]
		switch {
		case importer.TextOf(db.node, "enabled") == "false":
			w.dropped(db.at, what, "it is not enabled")
			continue
		case !ok:
			w.ask(db.at, what, "type "+importer.TextOf(db.node, "type")+" has no counterpart: what asks it is denied")
			continue
		}
		out := importer.Section(w.Policy, "databases", db.id)
		importer.Set(out, "type", importer.Text(kind))
		conn := importer.TextOf(db.node, "conn")
		switch {
		case kind == "embedded":
			importer.Ask(importer.Set(out, "conn", importer.Text(":memory:")), "the path of an SQLite database: embedded was bolt in Space Cloud, whose data has to be copied")
			w.ask(db.at, what, "embedded is SQLite here and was bolt there")
		case conn != "":
			key := importer.Set(out, "conn", w.Secret(importer.VariableName("DB", db.id, "CONN"), conn))
			if why := mismatch(kind, conn); why != "" {
				importer.Ask(key, why)
				w.ask(db.at, what+".conn", why)
			}
			if name := importer.TextOf(db.node, "name"); name != "" && !strings.Contains(conn, name) {
				why := "the database or schema is called " + name + " in the source: name it in the connection string"
				importer.Ask(key, why)
				w.ask(db.at, what+".name", why)
			}
		}
		pool := importer.TextOf(db.node, "driverConf", "maxConn")
		if pool == "" {
			pool = importer.TextOf(importer.Get(db.node, "driverConf"), "maxconn")
		}
		if n := size(pool, 1000); n > 0 {
			importer.Set(importer.Section(out, "pool"), "size", importer.Int(n))
		}
		for _, field := range []string{"isPrimary", "limit", "batchTime", "batchRecords"} {
			if importer.Get(db.node, field) != nil {
				w.dropped(db.at, what+"."+field, "a setting of the server that answers the API")
			}
		}
		w.carried(db.at, what)
	}
}

// mismatch says why a connection string is not one of a type of database.
func mismatch(kind, conn string) string {
	scheme, _, ok := strings.Cut(conn, "://")
	want := map[string]string{"mongo": "mongodb", "sql-postgres": "postgres"}[kind]
	if ok && want != "" && !strings.HasPrefix(scheme, want) {
		return "the type is " + kind + ", and the connection string begins with " + scheme + "://"
	}
	return ""
}

// database returns the section of a database that is written, or nil.
func (w *writer) database(alias string) *yaml.Node {
	return importer.Get(w.Policy, "databases", alias)
}

var operations = []string{"create", "read", "update", "delete", "aggr"}

// collections writes the rules of collections.
func (w *writer) collections() {
	for _, col := range w.project.rules {
		what := "collection " + col.db + "." + col.col
		if w.database(col.db) == nil {
			w.dropped(col.at, what, "its database is not carried over")
			continue
		}
		if importer.IsTrue(col.node, "isRealtimeEnabled") {
			w.dropped(col.at, what+".isRealtimeEnabled", reasonFor("realtime"))
		}
		for _, field := range []string{"schema", "enableCacheInvalidation"} {
			if !importer.IsEmpty(importer.Get(col.node, field)) {
				w.dropped(col.at, what+"."+field, reasonFor(field))
			}
		}
		rules := importer.Object()
		for _, e := range importer.Entries(importer.Get(col.node, "rules")) {
			if !contains(operations, e.Key) {
				w.dropped(col.at, what+".rules."+e.Key, "no such operation")
				continue
			}
			if rule := w.rule(e.Value, col.at, what+" "+e.Key, false); rule != nil {
				comment(importer.Set(rules, e.Key, rule), e.Name)
			}
		}
		if len(rules.Content) == 0 {
			w.dropped(col.at, what, "no rule, so it is denied")
			continue
		}
		section := importer.Section(w.Policy, "databases", col.db, "collections")
		name := importer.Set(section, col.col, importer.Object(importer.Text("rules"), rules))
		comment(name, col.name)
		comment(name, importer.NameOf(col.node, "rules"))
		w.carried(col.at, what)
	}
}

// comment carries the comments of a key, or of the first key inside, over.
func comment(to, from *yaml.Node) {
	if from == nil {
		return
	}
	for _, text := range []string{from.HeadComment, from.LineComment} {
		switch {
		case text == "":
		case to.HeadComment == "":
			to.HeadComment = text
		default:
			to.HeadComment += "\n" + text
		}
	}
}

// queries writes the rules of prepared queries.
func (w *writer) queries() {
	for _, q := range w.project.queries {
		what := "prepared query " + q.db + "." + q.id
		if w.database(q.db) == nil {
			w.dropped(q.at, what, "its database is not carried over")
			continue
		}
		rule := w.rule(importer.Get(q.node, "rule"), q.at, what, false)
		if rule == nil {
			w.dropped(q.at, what, "no rule, so it is denied")
			continue
		}
		section := importer.Section(w.Policy, "databases", q.db, "queries")
		comment(importer.Set(section, q.id, importer.Object(importer.Text("rule"), rule)), q.name)
		for _, field := range []string{"sql", "args"} {
			if !importer.IsEmpty(importer.Get(q.node, field)) {
				w.dropped(q.at, what+"."+field, "the server that answers the API keeps the query")
			}
		}
		w.carried(q.at, what)
	}
}
