package mongo

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// statement is a find command. The server narrows, and query.Match decides every
// document that it returns once more, so that a find has the same meaning as on other
// databases, however the server compares decimals, objects and patterns.
type statement struct {
	where     query.Expr
	condition condition
	fields    []string // the fields of a document that conditions read
	project   bson.D   // nil: whole documents
}

// condition is a condition as the server is asked for it. A row is a document with
// the fields that conditions read.
type condition = query.Condition[bson.D, query.Value]

func newStatement(q query.Query) (*statement, error) {
	s := &statement{where: q.Where}
	var err error
	if s.condition, err = query.Narrow(s, q.Where); err != nil {
		return nil, err
	}
	s.project = s.projection(q.Columns)
	return s, nil
}

// empty reports whether no document can match, so that the server need not be asked.
func (s *statement) empty() bool { return s.condition.Known == query.Never }

// exact reports whether the server decides all by itself.
func (s *statement) exact() bool { return s.condition.Test == nil }

func (s *statement) filter() bson.D {
	if s.condition.Known == query.Always {
		return bson.D{}
	}
	return s.condition.Filter
}

func (s *statement) command(q query.Query, concern string, collation bool) bson.D {
	cmd := bson.D{{Key: "find", Value: q.Table}, {Key: "filter", Value: s.filter()}}
	if s.project != nil {
		cmd = append(cmd, bson.E{Key: "projection", Value: s.project})
	}
	if s.exact() {
		// A batch larger than the limit leaves no cursor open.
		cmd = append(cmd, bson.E{Key: "limit", Value: int64(q.Limit)}, bson.E{Key: "batchSize", Value: int32(min(q.Limit, query.MaxScan) + 1)})
	} else {
		cmd = append(cmd, bson.E{Key: "batchSize", Value: int32(500)})
	}
	if collation { // override the collection's own, which may ignore case
		cmd = append(cmd, bson.E{Key: "collation", Value: bson.D{{Key: "locale", Value: "simple"}}})
	}
	if concern != "" {
		cmd = append(cmd, bson.E{Key: "readConcern", Value: bson.D{{Key: "level", Value: concern}}})
	}
	return cmd
}

// projection names the fields to fetch. MongoDB interprets dots and dollars in it, and
// some servers of its protocol refuse names with spaces at the ends: for such a column
// it is nil, and whole documents are fetched.
func (s *statement) projection(columns []string) bson.D {
	if columns == nil {
		return nil
	}
	p := bson.D{}
	for _, name := range append(slices.Clone(s.fields), columns...) {
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

// row writes a document if it matches.
func (s *statement) row(out *documentWriter, doc bson.Raw) error {
	members, err := elements(doc)
	if err != nil {
		return err
	}
	if len(s.fields) > 0 {
		v, err := documentOf(members, s.fields)
		if err != nil {
			return err
		}
		switch {
		case !s.exact() && !s.condition.Test(v):
			return nil
		case s.exact() && !query.Match(s.where, v):
			// It counted against the limit and may have displaced a right one.
			return failure.Errorf(failure.Internal, "the server and this program do not agree on the meaning of a condition")
		}
	}
	return out.row(members)
}

// All, Any, Not and Truth make the statement a query.Dialect.
func (s *statement) All(list []bson.D) bson.D { return operator("$and", list) }
func (s *statement) Any(list []bson.D) bson.D { return operator("$or", list) }
func (s *statement) Not(filter bson.D) bson.D { return operator("$nor", []bson.D{filter}) }

func operator(name string, list []bson.D) bson.D {
	docs := make(bson.A, len(list))
	for i, d := range list {
		docs[i] = d
	}
	return bson.D{{Key: name, Value: docs}}
}

func (s *statement) Truth(e query.Expr, _ bson.D) func(query.Value) bool {
	return func(doc query.Value) bool { return query.Match(e, doc) }
}

// Field leaves to the test two kinds of conditions on which servers of MongoDB's
// protocol do not agree: a number in a path, which is an index of an array and a key
// of its elements, and null at a path when only some elements of an array on the way
// have the rest of the path.
func (s *statement) Field(f *query.Field, want bool) (condition, error) {
	parts := strings.Split(f.Key, ".")
	ambiguous := len(parts) > 1 && comparesNull(f)
	for i, part := range parts {
		if part == "" || strings.HasPrefix(part, "$") || strings.Contains(part, "\x00") {
			return condition{}, failure.Errorf(failure.BadCall, "%q: not a path of a document", f.Key)
		}
		if i == 0 && !slices.Contains(s.fields, part) {
			s.fields = append(s.fields, part)
		}
		_, number := value.PlainIndex(part)
		ambiguous = ambiguous || number && i > 0
	}
	holds := func(doc query.Value) bool { return f.Holds(doc, parts) }
	if ambiguous {
		return query.AtLeast[bson.D](want, holds), nil
	}
	c, exact := translate(f, want)
	if !exact {
		c.Test = holds
	}
	return c, nil
}

func comparesNull(f *query.Field) bool {
	isNull := func(x query.Operand) bool { return x.Kind == query.Null }
	return f.Op != query.Exists && f.Op != query.Regex && (isNull(f.Operand) || slices.ContainsFunc(f.Operands, isNull))
}
