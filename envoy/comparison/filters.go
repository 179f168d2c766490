package comparison

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Values replace the marks {{NAME}} in the files.
type Values struct {
	Keys string // the key set of the tokens, as JSON on one line
}

// EnvoyFilters returns the HTTP filters of a form of a policy, but for rulegate's.
func (c *Comparison) EnvoyFilters(p *Policy, f Form, v Values) ([]any, error) {
	var all string
	switch f.Name {
	case Envoy:
		all = c.join(p, f) + p.Texts[Envoy]
	case Lua:
		var script strings.Builder
		for _, file := range p.parts(Lua) {
			if file == "envoy.yaml" {
				all = c.Shared[file]
			} else if file == "json.lua" {
				script.WriteString(c.Shared[file] + "\n")
			}
		}
		script.WriteString(p.Texts[Lua] + "\n" + c.Shared["filter.lua"])
		list, err := filters(all, v, p, f)
		if err != nil {
			return nil, err
		}
		list = append(list, map[string]any{"name": "envoy.filters.http.lua", "typed_config": map[string]any{
			"@type":               "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
			"default_source_code": map[string]any{"inline_string": script.String()},
		}})
		return c.extend(list, p, f, v)
	default:
		all = c.Shared["ext_authz.yaml"]
	}
	list, err := filters(all, v, p, f)
	if err != nil || f.Name == Envoy {
		return list, err
	}
	return c.extend(list, p, f, v)
}

func (c *Comparison) join(p *Policy, f Form) (text string) {
	for _, file := range p.parts(f.Name) {
		text += c.Shared[file]
	}
	return text
}

func (c *Comparison) extend(list []any, p *Policy, f Form, v Values) ([]any, error) {
	more, err := c.More(p, v)
	return append(list, more...), err
}

// More returns the filters of Envoy behind those of a form.
func (c *Comparison) More(p *Policy, v Values) ([]any, error) {
	return filters(p.Filters, v, p, Form{})
}

func filters(text string, v Values, p *Policy, f Form) (list []any, err error) {
	text = strings.NewReplacer("{{keys}}", v.Keys, "{{server}}", f.Server, "{{policy}}", p.Name).Replace(text)
	if err := yaml.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("%s, %s: %w", p.Name, f.Name, err)
	}
	return list, nil
}

// RulegatePolicy returns the policy of rulegate, whole.
func (c *Comparison) RulegatePolicy(p *Policy, v Values) string {
	return strings.ReplaceAll(c.join(p, Form{Name: Rulegate})+p.Texts[Rulegate], "{{keys}}", v.Keys)
}
