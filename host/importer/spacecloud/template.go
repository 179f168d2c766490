package spacecloud

import (
	"regexp"
	"strings"

	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/rules/value"
	"go.yaml.in/yaml/v4"
)

// quoted finds a placeholder that is a whole text, bare one that is a whole value.
var (
	quoted = regexp.MustCompile(`"\{\{\s*\.(args\.[A-Za-z0-9_.]+)\s*\}\}"`)
	plain  = regexp.MustCompile(`\{\{\s*(?:marshalJSON\s+)?\.(args\.[A-Za-z0-9_.]+)\s*\}\}`)
)

// template makes an object of a Go template for JSON, if each of its placeholders is
// a whole value. Any other stays as it is, and the rule does not load with it.
func (t *translator) template(n *yaml.Node, field string, source *yaml.Node) {
	if source.Kind != yaml.ScalarNode {
		if field == "claims" {
			t.operand(source)
		}
		return
	}
	text := quoted.ReplaceAllString(source.Value, `"$1"`)
	text = plain.ReplaceAllStringFunc(text, func(s string) string {
		return `"` + plain.FindStringSubmatch(s)[1] + `"`
	})
	v, err := value.Parse(text, 64)
	if err != nil || v.Kind() != value.Object || strings.Contains(text, "{{") {
		importer.Set(n, field, source)
		return
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) == 0 {
		return
	}
	object := doc.Content[0]
	unquote(object)
	t.operand(object)
	importer.Set(n, field, object)
	t.w.rewrote(t.at, t.what, field+": a Go template", field+": an object of references", "")
}

// unquote leaves the quotes of texts to the writer of the policy.
func unquote(n *yaml.Node) {
	n.Style &^= yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle
	for _, x := range n.Content {
		unquote(x)
	}
}
