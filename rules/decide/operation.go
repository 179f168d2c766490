package decide

import (
	"strconv"

	"github.com/rulegate/rulegate/rules/value"
)

// maxDocuments bounds what one create may hold: the rule runs once for each, and
// a worker serves nobody else meanwhile.
const maxDocuments = 10_000

// readOperation brings the parts of a database operation into args.
func (s *Stream) readOperation() *Refusal {
	if s.body.Kind() != value.Object {
		return malformed("body: want an object, found " + s.body.Kind().String())
	}
	if fault := s.operationFault(s.body.Key("op"), s.body.Key("doc")); fault != "" {
		return malformed("body: " + fault)
	}
	for _, root := range databaseRoots {
		if s.uses(root[0]) {
			s.args = s.args.With(root[0], s.body.Key(root[1]))
		}
	}
	op, _ := s.body.Key("op").Text()
	if each := s.resource.Rule.Uses("doc") || s.carries(); each && s.resource.Op == "create" && op == "all" {
		if s.body.Key("doc").Len() > maxDocuments {
			return tooLarge("more documents than " + strconv.Itoa(maxDocuments))
		}
		s.docs = make([]value.Value, 0, 8)
		s.body.Key("doc").Each(func(_ string, doc value.Value) bool {
			s.docs = append(s.docs, doc)
			return true
		})
	}
	return nil
}

// operationFault says what makes an operation one that the rule would have to
// guess at, "" when nothing does.
func (s *Stream) operationFault(op, doc value.Value) string {
	name, _ := op.Text()
	switch name {
	case "one", "all", "count", "distinct":
	default:
		return "op: want one, all, count or distinct"
	}
	if s.resource.Op != "create" {
		return ""
	}
	switch {
	case name == "one" && doc.Kind() != value.Object:
		return "doc: create with op one wants an object, found " + doc.Kind().String()
	case name == "all" && !isObjects(doc):
		return "doc: create with op all wants an array of objects that is not empty"
	case name != "one" && name != "all":
		return "op: create wants one or all"
	}
	return ""
}

func isObjects(v value.Value) bool {
	n, objects := 0, v.Kind() == value.Array
	v.Each(func(_ string, x value.Value) bool {
		n++
		objects = objects && x.Kind() == value.Object
		return objects
	})
	return objects && n > 0
}
