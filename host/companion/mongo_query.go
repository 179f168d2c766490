package companion

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// mongoQuery is a query as MongoDB is asked it. The database narrows, and each
// document that it brings is looked at once more by query.Match: so what a find
// means is the same as everywhere, whatever the server makes of a decimal, an
// object or a pattern.
type mongoQuery struct {
	where   query.Expr
	filter  bson.D
	exact   bool     // the database leaves nothing to be decided
	fields  []string // of a document that conditions look at
	project bson.D   // nil: whole documents
}

// newMongoQuery gives nil for a query that no document answers.
func newMongoQuery(q Query) (*mongoQuery, error) {
	f := &mongoQuery{where: q.Where}
	n, err := f.expr(q.Where, true)
	if err != nil || n.nothing {
		return nil, err
	}
	f.filter, f.exact = n.filter, n.exact
	if f.filter == nil {
		f.filter = bson.D{}
	}
	f.project = f.projection(q.Columns)
	return f, nil
}

func (f *mongoQuery) command(q Query, concern string, collation bool) bson.D {
	cmd := bson.D{{Key: "find", Value: q.Table}, {Key: "filter", Value: f.filter}}
	if f.project != nil {
		cmd = append(cmd, bson.E{Key: "projection", Value: f.project})
	}
	if f.exact {
		// One more in a batch than there are, so that no cursor is left.
		cmd = append(cmd, bson.E{Key: "limit", Value: int64(q.Limit)}, bson.E{Key: "batchSize", Value: int32(min(q.Limit, maxScan) + 1)})
	} else {
		cmd = append(cmd, bson.E{Key: "batchSize", Value: int32(500)})
	}
	if collation { // a collection may have one that takes A for a
		cmd = append(cmd, bson.E{Key: "collation", Value: bson.D{{Key: "locale", Value: "simple"}}})
	}
	if concern != "" {
		cmd = append(cmd, bson.E{Key: "readConcern", Value: bson.D{{Key: "level", Value: concern}}})
	}
	return cmd
}

// projection names what is fetched. MongoDB reads dots and dollars in it, and not
// all servers of its protocol take every space, so columns with one are taken out
// of the whole document here.
func (f *mongoQuery) projection(columns []string) bson.D {
	if columns == nil {
		return nil
	}
	p := bson.D{}
	for _, name := range append(slices.Clone(f.fields), columns...) {
		switch {
		case strings.ContainsAny(name, ".\x00") || strings.HasPrefix(name, "$") || name == "" || strings.TrimSpace(name) != name:
			return nil
		case !slices.ContainsFunc(p, func(e bson.E) bool { return e.Key == name }):
			p = append(p, bson.E{Key: name, Value: int32(1)})
		}
	}
	switch {
	case len(p) == 0:
		p = bson.D{{Key: "_id", Value: int32(1)}}
	case !slices.ContainsFunc(p, func(e bson.E) bool { return e.Key == "_id" }):
		p = append(p, bson.E{Key: "_id", Value: int32(0)})
	}
	return p
}

// row writes a document if it fits.
func (f *mongoQuery) row(out *documentWriter, doc bson.Raw) error {
	members, err := elements(doc)
	if err != nil {
		return err
	}
	if len(f.fields) > 0 {
		v, err := documentOf(members, f.fields)
		if err != nil {
			return err
		}
		if !query.Match(f.where, v) {
			if f.exact { // it has counted against the limit, in another's place
				return faultf(internal, "the server and this program do not agree on what a condition means")
			}
			return nil
		}
	}
	return out.row(members)
}

// narrowed is a condition as the database is asked it. Where it is not exact, it
// holds at least wherever the condition does (or, where the opposite is asked
// for, at most). nothing and everything need no asking.
type narrowed struct {
	filter              bson.D
	everything, nothing bool
	exact               bool
}

// least is what is known of a condition that the database cannot be asked.
func least(want bool) narrowed {
	return narrowed{everything: want, nothing: !want}
}

func (f *mongoQuery) expr(e query.Expr, want bool) (narrowed, error) {
	switch e := e.(type) {
	case query.And:
		return f.join("$and", e, want)
	case query.Or:
		return f.join("$or", e, want)
	case query.Not:
		n, err := f.expr(e.Expr, !want)
		if n.everything, n.nothing = n.nothing, n.everything; n.filter != nil {
			n.filter = bson.D{{Key: "$nor", Value: bson.A{n.filter}}}
		}
		return n, err
	case *query.Field:
		return f.field(e, want)
	}
	return narrowed{}, faultf(internal, "unknown expression %T", e)
}

func (f *mongoQuery) join(op string, list []query.Expr, want bool) (narrowed, error) {
	exact, decided := true, false
	docs := bson.A{}
	for _, e := range list {
		n, err := f.expr(e, want)
		if err != nil {
			return n, err
		}
		exact = exact && n.exact
		switch {
		case n.nothing && op == "$and" || n.everything && op == "$or":
			decided = true
		case n.filter != nil:
			docs = append(docs, n.filter)
		}
	}
	n := narrowed{exact: exact}
	switch {
	case decided || len(docs) == 0:
		// Decided by one: nothing of an $and, everything of an $or. By none: the opposite.
		n.nothing = (op == "$and") == decided
		n.everything = !n.nothing
	case len(docs) == 1:
		n.filter, _ = docs[0].(bson.D)
	default:
		n.filter = bson.D{{Key: op, Value: docs}}
	}
	return n, nil
}

// field decides here what servers that speak MongoDB's protocol do not agree on: a
// number in a path, which is an index of an array and a key of its elements, and
// what is null when only some elements of an array on the way have the rest of it.
func (f *mongoQuery) field(x *query.Field, want bool) (narrowed, error) {
	parts := strings.Split(x.Key, ".")
	here := len(parts) > 1 && asksForNull(x)
	for i, part := range parts {
		if part == "" || strings.HasPrefix(part, "$") || strings.Contains(part, "\x00") {
			return narrowed{}, faultf(badCall, "%q: no path of a document", x.Key)
		}
		if i == 0 && !slices.Contains(f.fields, part) {
			f.fields = append(f.fields, part)
		}
		_, number := value.PlainIndex(part)
		here = here || number && i > 0
	}
	if here {
		return least(want), nil
	}
	return mongoCondition(x, want), nil
}

func asksForNull(x *query.Field) bool {
	isNull := func(v query.Value) bool { return v.Kind == query.Null }
	return x.Op != query.Exists && x.Op != query.Regex && (isNull(x.Value) || slices.ContainsFunc(x.Values, isNull))
}
