package envoy

import (
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"go.yaml.in/yaml/v4"
)

// field returns a field of a message, by its name in snake case. Envoy reads the names
// in camel case too.
func field(n *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		next := importer.Get(n, name)
		if next == nil {
			next = importer.Get(n, camel(name))
		}
		n = next
	}
	return n
}

func camel(name string) string {
	var b strings.Builder
	up := false
	for _, r := range name {
		switch {
		case r == '_':
			up = true
		case up:
			b.WriteString(strings.ToUpper(string(r)))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func text(n *yaml.Node, names ...string) string {
	if n = field(n, names...); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

func texts(n *yaml.Node, names ...string) []string { return importer.Texts(field(n, names...)) }

func isTrue(n *yaml.Node, names ...string) bool { return text(n, names...) == "true" }

func number(n *yaml.Node, absent int, names ...string) int {
	v, err := strconv.Atoi(text(n, names...))
	if err != nil {
		return absent
	}
	return v
}

// other returns a field that is not among the names and is not at its default, "" for
// none. What is not known must not be passed over: it may restrict.
func other(n *yaml.Node, names ...string) string {
	for _, e := range importer.Entries(n) {
		name := snake(e.Key)
		known := name == "@type"
		for _, x := range names {
			known = known || x == name
		}
		if !known && !importer.IsEmpty(e.Value) && e.Value.Value != "false" {
			return name
		}
	}
	return ""
}

// typeOf is the name of the message in an Any, such as
// envoy.extensions.filters.http.rbac.v3.RBAC.
func typeOf(n *yaml.Node) string {
	t := importer.TextOf(n, "@type")
	return t[strings.LastIndexByte(t, '/')+1:]
}

// unwrapped is the content of an Any, also of one in a TypedStruct. ok is false for a
// message that Envoy takes from elsewhere.
func unwrapped(n *yaml.Node) (kind string, content *yaml.Node) {
	kind = typeOf(n)
	if strings.HasSuffix(kind, ".TypedStruct") {
		url := text(n, "type_url")
		return url[strings.LastIndexByte(url, '/')+1:], field(n, "value")
	}
	return kind, n
}
