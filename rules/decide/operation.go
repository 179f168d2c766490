package decide

import (
	"errors"
	"strconv"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// maxDocuments bounds the documents of a create: the rule runs for each, and
// until it is done the worker serves no other request.
const maxDocuments = 10_000

// readOperation adds the parts of a database operation to args.
func (r *Request) readOperation() *Refusal {
	if r.body.Kind() != value.Object {
		return malformed("body: want an object, found " + r.body.Kind().String())
	}
	if err := r.checkOperation(r.body.Key("op"), r.body.Key("doc")); err != nil {
		return malformed("body: " + err.Error())
	}
	if err := checkEnvelope(r.body, "op", "find", "doc", "update", "pipe", "options"); err != nil {
		return malformed("body: " + err.Error())
	}
	for _, o := range operationRoots {
		part := r.body.Key(o.key)
		if r.otherCaseInPart(o.root, part) {
			return malformed("body: " + errOtherCase.Error())
		}
		if r.uses(o.root) {
			r.args = r.args.With(o.root, r.body.Key(o.key))
		}
	}
	op, _ := r.body.Key("op").Text()
	forEach := r.resource.Op == "create" && op == "all" && (r.resource.Rule.Uses(rules.RootDoc) || r.carries())
	if !forEach {
		return nil
	}
	if r.body.Key("doc").Len() > maxDocuments {
		return tooLarge("more documents than " + strconv.Itoa(maxDocuments))
	}
	r.docs = make([]value.Value, 0, 8)
	r.body.Key("doc").Each(func(_ string, doc value.Value) bool {
		r.docs = append(r.docs, doc)
		return true
	})
	return nil
}

// otherCaseInPart is otherCase for a part of an operation; doc may be several
// documents.
func (r *Request) otherCaseInPart(root string, doc value.Value) bool {
	if root != rules.RootDoc || doc.Kind() != value.Array {
		return r.otherCase(root, doc)
	}
	found := false
	doc.Each(func(_ string, one value.Value) bool {
		found = r.otherCase(rules.RootDoc, one)
		return !found
	})
	return found
}

// checkOperation fails if op and doc leave open which documents the operation
// is about.
func (r *Request) checkOperation(op, doc value.Value) error {
	name, _ := op.Text()
	switch name {
	case "one", "all", "count", "distinct":
	default:
		return errors.New("op: want one, all, count or distinct")
	}
	if r.resource.Op != "create" {
		return nil
	}
	switch {
	case name == "one" && doc.Kind() != value.Object:
		return errors.New("doc: create with op one wants an object, found " + doc.Kind().String())
	case name == "all" && !isObjects(doc):
		return errors.New("doc: create with op all wants an array of objects that is not empty")
	case name != "one" && name != "all":
		return errors.New("op: create wants one or all")
	}
	return nil
}

// isObjects reports whether v is an array of objects, of one at least.
func isObjects(v value.Value) bool {
	n, objects := 0, v.Kind() == value.Array
	v.Each(func(_ string, x value.Value) bool {
		n++
		objects = objects && x.Kind() == value.Object
		return objects
	})
	return objects && n > 0
}
