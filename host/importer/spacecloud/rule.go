package spacecloud

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/rules"
	"go.yaml.in/yaml/v4"
)

// translator translates the rule of one resource.
type translator struct {
	w       *writer
	at      string // of the resource
	what    string
	ingress bool // its args have the members of ingress routes
}

// rule translates a rule; nil: there is none. A rule that cannot be said is left as it
// is: the policy does not load with it, and Draft.Settle denies it.
func (w *writer) rule(n *yaml.Node, at, what string, ingress bool) *yaml.Node {
	if importer.IsEmpty(n) || n.Kind == yaml.MappingNode && importer.TextOf(n, "rule") == "" && len(importer.Texts(importer.Get(n, "clauses"))) == 0 && importer.Get(n, "clauses") == nil {
		return nil
	}
	t := &translator{w, at, what, ingress}
	n = clone(n)
	unquote(n)
	return t.rule(n)
}

func (t *translator) rule(n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return n
	}
	if n.LineComment != "" { // its line may be another one
		above := &yaml.Node{HeadComment: n.LineComment}
		n.LineComment = ""
		comment(n, above)
	}
	kind := importer.TextOf(n, "rule")
	t.fields(n, kind)
	for _, e := range importer.Entries(n) {
		switch e.Key {
		case "clauses":
			for i, clause := range e.Value.Content {
				e.Value.Content[i] = t.rule(clause)
			}
		case "clause":
			importer.Set(n, "clause", t.rule(e.Value))
		case "cache":
			t.cache(n, e.Value)
		case "claims":
			t.template(n, "claims", e.Value)
		case "requestTemplate":
			t.template(n, "body", e.Value)
			importer.Remove(n, e.Value)
		case "eval":
			if strings.ContainsAny(e.Value.Value, "=<>") {
				e.Value.Style = yaml.DoubleQuotedStyle // as the documents write it
			}
		case "f1", "f2", "value", "field", "fields", "find", "url", "store":
			t.operand(e.Value)
		}
	}
	switch kind {
	case "match":
		t.match(n)
	case "webhook":
		t.webhook(n)
	case "query":
		t.query(n)
	case "encrypt", "decrypt":
		t.w.rewrote(t.at, t.what, kind, "the same, by aes-cfb", "existing data has it; it shows which values are equal and does not notice changes, so give new data algorithm: aes-gcm")
	}
	return n
}

// withoutFields are rules that have no fields: the console of Space Cloud leaves those
// of another rule in them.
var withoutFields = []string{"allow", "deny", "authenticated"}

// fields renames and drops fields that a rule does not have.
func (t *translator) fields(n *yaml.Node, kind string) {
	allowed, known := rules.Fields(kind)
	if !known {
		return
	}
	for _, e := range importer.Entries(n) {
		switch {
		case e.Key == "id" && !importer.IsEmpty(e.Value):
			e.Name.Value = "name"
			t.w.rewrote(t.at, t.what, "id", "name", "")
		case e.Key == "template" || e.Key == "outputFormat" || e.Key == "opFormat":
			importer.Remove(n, e.Value)
			t.w.dropped(t.at, t.what+": "+e.Key, "values are written as objects")
		case e.Key == "requestTemplate" && !importer.IsEmpty(e.Value):
		case e.Key == "clause" && e.Value.Kind == yaml.MappingNode && importer.TextOf(e.Value, "rule") == "":
			// There too, a clause without a rule is none.
			importer.Remove(n, e.Value)
		case importer.IsEmpty(e.Value) && e.Key != "value" && e.Key != "f1" && e.Key != "f2" && e.Key != "clauses":
			importer.Remove(n, e.Value)
		case !slices.Contains(allowed, e.Key) && (importer.IsEmpty(e.Value) || contains(withoutFields, kind) || (kind == "and" || kind == "or") && e.Key != "clause"):
			importer.Remove(n, e.Value)
			t.w.dropped(t.at, fmt.Sprintf("%s: %s of %s", t.what, e.Key, kind), "the rule has no such field; it was ignored")
		}
	}
	// Entries passes over nulls.
	for i := 0; i+1 < len(n.Content); {
		if importer.IsNull(n.Content[i+1]) {
			n.Content = append(n.Content[:i], n.Content[i+2:]...)
		} else {
			i += 2
		}
	}
}

func (t *translator) cache(n, cache *yaml.Node) {
	if cache.Kind != yaml.MappingNode {
		return
	}
	ttl := size(importer.TextOf(cache, "ttl"), 24*60*60)
	if ttl == 0 {
		importer.Remove(n, cache)
		return
	}
	importer.Set(n, "cache", importer.Text(strconv.Itoa(ttl)+"s"))
	t.w.rewrote(t.at, t.what, "cache: {ttl: "+strconv.Itoa(ttl)+"}", "cache: "+strconv.Itoa(ttl)+"s", "a change in the database shows after that time")
}

// bare finds a call of a function without utils.
var bare = regexp.MustCompile(`^(exists|length|now|addDuration|roundUpDate|stringToObjectId|objectIdToString)\(`)

// element finds the first value of a header or parameter, which is the value here.
var element = regexp.MustCompile(`^(args\.request\.(?:headers|query)\.[^.\[]+)\.0$`)

// operand rewrites the references in a value.
func (t *translator) operand(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		for i, x := range n.Content {
			if n.Kind == yaml.SequenceNode || i%2 == 1 {
				t.operand(x)
			}
		}
		return
	}
	before := n.Value
	n.Value = t.reference(n.Value)
	if before != n.Value {
		t.w.rewrote(t.at, t.what, before, n.Value, "")
	}
}

func (t *translator) reference(s string) string {
	if bare.MatchString(s) {
		s = "utils." + s
	}
	if !strings.HasPrefix(s, "args.") && !strings.HasPrefix(s, "utils.") {
		return s
	}
	// The operators of an update stand below args.update here.
	s = strings.ReplaceAll(s, "args.$", "args.update.$")
	if !t.ingress {
		return s
	}
	for _, r := range []struct{ from, to string }{
		{"args.query.params.", "args.request.query."},
		{"args.query.headers.", "args.request.headers."},
		{"args.query.path", "args.request.path"},
		{"args.headers.", "args.request.headers."},
	} {
		if s == r.from || strings.HasPrefix(s, r.from) && (strings.HasSuffix(r.from, ".") || !strings.HasPrefix(s, "args.query.pathArray")) {
			s = r.to + strings.TrimPrefix(s, r.from)
		}
	}
	if strings.HasPrefix(s, "args.request.headers.") {
		s = strings.ToLower(s)
	}
	if m := element.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	return s
}

func (t *translator) match(n *yaml.Node) {
	f1, f2 := importer.Get(n, "f1"), importer.Get(n, "f2")
	switch importer.TextOf(n, "type") {
	case "number":
		literal(f1, "!!float")
		literal(f2, "!!float")
	case "bool":
		literal(f1, "!!bool")
		literal(f2, "!!bool")
		if isText(f1) || isText(f2) {
			importer.Set(n, "type", importer.Text("string"))
			t.w.rewrote(t.at, t.what, "type: bool", "type: string", "it compares texts")
		}
	}
	if eval := importer.TextOf(n, "eval"); eval == "!=" || eval == "notIn" {
		t.w.rewrote(t.at, t.what, fmt.Sprintf("%s %s %s", shown(f1), eval, shown(f2)), "the same", "a value that is missing was a yes; it denies now")
	}
}

func shown(n *yaml.Node) string {
	if n == nil {
		return "nothing"
	}
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return "a list"
}

// number is a JSON number.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// literal makes a number or a boolean of a text that is written as one, such as "10".
func literal(n *yaml.Node, tag string) {
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		return
	}
	if tag == "!!bool" && (n.Value == "true" || n.Value == "false") || tag == "!!float" && number.MatchString(n.Value) {
		n.Tag, n.Style = tag, 0
		if tag == "!!float" && !strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!int"
		}
	}
}

// isText reports whether an operand is a text and no reference.
func isText(n *yaml.Node) bool {
	return n != nil && n.Kind == yaml.ScalarNode && n.Tag == "!!str" && !rules.IsReference(n.Value, false)
}

func (t *translator) webhook(n *yaml.Node) {
	t.w.calls = true
	u, err := url.Parse(importer.TextOf(n, "url"))
	if err != nil || u.Host == "" || strings.ContainsAny(u.Host, "{}$") {
		return // the rule does not load, and the report says why
	}
	if !contains(t.w.hosts, u.Host) {
		t.w.hosts = append(t.w.hosts, u.Host)
	}
}

func (t *translator) query(n *yaml.Node) {
	t.w.calls = true
	if importer.Get(n, "clause") == nil {
		t.w.ask(t.at, t.what, "a query without clause is yes here if it finds a row")
	}
}
