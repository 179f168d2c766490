// Package openapi imports an OpenAPI document: a route for each operation, and clauses
// for the shapes of bodies. It also compares a document with a policy.
package openapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/rules/route"
	"go.yaml.in/yaml/v4"
)

// extension is the key of rules that OpenAPI itself cannot express.
const extension = "x-rulegate"

// Document is an OpenAPI document.
type Document struct {
	file *policyfile.Documents
	root *yaml.Node
	api  *openapi3.T
	base string // of the paths, without a slash at the end
}

// Read reads the document of a file. References to other files are not followed.
//
// Errors: *policyfile.Error for a file that is no OpenAPI 3 document.
func Read(f *policyfile.Documents) (*Document, error) {
	if len(f.Roots) != 1 {
		return nil, fmt.Errorf("%s: want one OpenAPI document, found %d", f.Path, len(f.Roots))
	}
	root := f.Roots[0]
	switch kind := importer.Recognise(root); {
	case importer.Get(root, "swagger") != nil:
		return nil, f.Fault(root, "", "this is a Swagger 2.0 document: convert it to OpenAPI 3")
	case kind != "openapi" && kind != "":
		return nil, f.Fault(root, "", "this is %s", importer.Describe(kind))
	case kind == "":
		return nil, f.Fault(root, "", "not an OpenAPI document: want openapi, info and paths")
	}
	text, err := yaml.Marshal(root)
	if err != nil {
		return nil, f.Fault(root, "", "%v", err)
	}
	loader := openapi3.NewLoader()
	loader.IsExternalRefsAllowed = false
	api, err := load(loader, text)
	if err != nil {
		return nil, f.Fault(root, "", "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
	d := &Document{file: f, root: root, api: api}
	if len(api.Servers) > 0 {
		if u, err := url.Parse(api.Servers[0].URL); err == nil {
			d.base = strings.TrimSuffix(u.Path, "/")
		}
	}
	return d, nil
}

// load turns a panic of the library into an error: a document is a stranger's.
func load(loader *openapi3.Loader, text []byte) (api *openapi3.T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the document cannot be read: %v", r)
		}
	}()
	return loader.LoadFromData(text)
}

// operation is an operation of a document.
type operation struct {
	method, path string // the path with the server's
	at           string
	node         *yaml.Node // nil: its path is a reference
	name         string
	item         *openapi3.PathItem
	*openapi3.Operation
}

// nameOf returns the operationId, if a route may have it as its name and no operation
// before has it.
func nameOf(o *operation, taken map[string]bool) string {
	const longest = 100
	name := o.OperationID
	if name == "" || len(name) > longest || taken[name] || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		name = o.method + " " + o.path
	}
	taken[name] = true
	return name
}

// operations are those of the document, by path and method.
func (d *Document) operations() (out []*operation) {
	if d.api.Paths == nil {
		return nil
	}
	nodes, taken := map[string]*yaml.Node{}, map[string]bool{}
	for _, e := range importer.Entries(importer.Get(d.root, "paths")) {
		nodes[e.Key] = e.Value
	}
	for _, path := range d.api.Paths.InMatchingOrder() {
		item := d.api.Paths.Value(path)
		var methods []string
		for m := range item.Operations() {
			methods = append(methods, m)
		}
		slices.Sort(methods)
		for _, m := range methods {
			node, at := importer.Get(nodes[path], strings.ToLower(m)), d.file.Path
			if node != nil {
				at = fmt.Sprintf("%s:%d", d.file.Path, node.Line)
			}
			o := &operation{method: m, path: d.base + path, at: at, node: node, item: item, Operation: item.Operations()[m]}
			o.name = nameOf(o, taken)
			out = append(out, o)
		}
	}
	return out
}

// Import returns the draft of a document. Validate adds clauses for the shapes of bodies.
func Import(files []*policyfile.Documents, validate bool) ([]*importer.Draft, error) {
	if len(files) != 1 {
		return nil, fmt.Errorf("want one file: a policy has the routes of one document")
	}
	doc, err := Read(files[0])
	if err != nil {
		return nil, err
	}
	name := ""
	if doc.api.Info != nil {
		name = doc.api.Info.Title
	}
	w := &writer{Draft: importer.NewDraft(name), doc: doc, validate: validate, providers: map[string]string{}}
	w.write()
	return []*importer.Draft{w.Draft}, nil
}

// writer writes the draft of a document.
type writer struct {
	*importer.Draft
	doc       *Document
	validate  bool
	providers map[string]string // by the name of a security scheme; "": its tokens are of any
}

func (w *writer) ask(o *operation, reason string) {
	w.Report.Add(importer.Item{Outcome: importer.ToDecide, At: o.at, Part: o.name, Reason: reason})
}

func (w *writer) write() {
	w.Report.Notes = []string{"a request that is no operation of the document is denied."}
	w.sections()
	w.tokens()
	list := importer.List()
	for _, o := range w.doc.operations() {
		if n := w.route(o); n != nil {
			list.Content = append(list.Content, n)
		}
	}
	importer.Set(w.Policy, "routes", list)
}

// sections copies the sections of the policy that the document has in x-rulegate.
func (w *writer) sections() {
	for _, e := range importer.Entries(importer.Get(w.doc.root, extension)) {
		if e.Key != "routes" {
			importer.Set(w.Policy, e.Key, e.Value)
		}
	}
}

// route writes the route of an operation; nil: it is left out, so it is denied.
func (w *writer) route(o *operation) *yaml.Node {
	if _, err := route.ParseTemplate(o.path); err != nil || o.method == "HEAD" || o.method == "CONNECT" {
		reason := "GET decides about HEAD"
		if err != nil {
			reason = fmt.Sprintf("the path %s cannot be said: %v; it is left out", o.path, err)
		}
		w.ask(o, reason)
		return nil
	}
	out := importer.Object(importer.Text("name"), importer.Text(o.name),
		importer.Text("match"), importer.Object(importer.Text("methods"), importer.TextList(o.method), importer.Text("path"), importer.Text(o.path)))
	s := w.security(o)
	importer.Set(out, "auth", s.auth)
	clauses := s.clauses
	for _, e := range importer.Entries(importer.Get(o.node, extension)) {
		if e.Key == "rule" {
			clauses = append(clauses, e.Value)
		} else {
			importer.Set(out, e.Key, e.Value)
		}
	}
	reason := ""
	if w.validate {
		var why string
		var body []*yaml.Node
		if body, why, reason = shape(o); why != "" {
			s.question = why
		}
		clauses = append(clauses, body...)
	}
	rule := and(clauses)
	if s.question != "" {
		rule = ruleOf("deny")
		importer.Ask(out, "denied until you decide: "+s.question)
		w.ask(o, s.question)
	} else {
		w.Report.Add(importer.Item{Outcome: importer.CarriedOver, At: o.at, Part: o.name, Reason: reason})
	}
	importer.Set(out, "rule", rule)
	return out
}

// ruleOf returns a rule with fields: a name and its value, in turns.
func ruleOf(kind string, fields ...any) *yaml.Node {
	n := importer.Object(importer.Text("rule"), importer.Text(kind))
	for i := 0; i+1 < len(fields); i += 2 {
		v, ok := fields[i+1].(*yaml.Node)
		if !ok {
			v = importer.Text(fields[i+1].(string))
		}
		importer.Set(n, fields[i].(string), v)
	}
	return n
}

// and joins clauses; without one, it is yes.
func and(clauses []*yaml.Node) *yaml.Node {
	switch len(clauses) {
	case 0:
		return ruleOf("allow")
	case 1:
		return clauses[0]
	}
	return ruleOf("and", "clauses", importer.List(clauses...))
}
