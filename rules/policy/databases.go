package policy

import (
	"errors"
	"slices"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/spelling"
	"github.com/rulegate/rulegate/rules/value"
)

// databases reads the connections of `databases`.
func (l *loader) databases(v value.Value) {
	v.Each(func(name string, d value.Value) bool {
		l.p.Databases = append(l.p.Databases, DB{Name: name, Type: textOf(d.Key("type"), ""), Conn: textOf(d.Key("conn"), ""), Pool: poolOf(d.Key("pool"))})
		return true
	})
}

func poolOf(v value.Value) Pool {
	return Pool{Size: intOf(v.Key("size"), 0), Queue: intOf(v.Key("queue"), 0)}
}

// checkQuery returns an error when a query rule cannot read from a database.
func (l *loader) checkQuery(db, _ string) error {
	i := l.database(db)
	if i < 0 {
		var names []string
		for _, d := range l.p.Databases {
			names = append(names, d.Name)
		}
		if near := spelling.Nearest(db, names); near != "" {
			return lightfmt.Errorf("no such database; did you mean %s?", near)
		}
		return errors.New("databases has no entry of this name")
	}
	d := &l.p.Databases[i]
	conn := rules.Join(rules.Join("databases", db), "conn")
	if d.Type != "" && d.Conn == "" && !l.o.Module && l.known(conn) {
		return errors.New("the database has no conn")
	}
	return nil
}

// queried adds the tables that the queries of a rule read to their databases.
func (l *loader) queried(tables []rules.Table) {
	for _, t := range tables {
		if d := &l.p.Databases[l.database(t.DB)]; !slices.Contains(d.Queried, t.Col) {
			d.Queried = sorted(append(d.Queried, t.Col))
		}
	}
}

// database returns the index of a database, -1 when there is none.
func (l *loader) database(name string) int {
	return slices.IndexFunc(l.p.Databases, func(d DB) bool { return d.Name == name })
}
