package envoyconf

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// Bootstrap is a complete Envoy configuration. Its members are in reading order:
// admin, listeners, clusters, the rest.
type Bootstrap struct{ root object }

// Parts are the names that Part takes.
var Parts = []string{"all", "filter", "clusters", "listener", "stats"}

// Part returns a part of the configuration, below the key that it has in Envoy's:
// filter are the HTTP filters of the first listener that come before the router.
//
// Errors: a name that is not one of Parts.
func (b *Bootstrap) Part(name string) (*Bootstrap, error) {
	static := b.root.get("static_resources").(object)
	switch name {
	case "all":
		return b, nil
	case "filter":
		return &Bootstrap{object{{"http_filters", beforeRouter(static)}}}, nil
	case "clusters":
		return &Bootstrap{object{{"clusters", static.get("clusters")}}}, nil
	case "listener":
		return &Bootstrap{object{{"listeners", static.get("listeners")}}}, nil
	case "stats":
		return &Bootstrap{object{{"stats_config", b.root.get("stats_config")}}}, nil
	}
	return nil, fmt.Errorf("no part %q of the configuration", name)
}

// beforeRouter returns the HTTP filters of the first listener, without the router.
func beforeRouter(static object) list {
	chain := static.get("listeners").(list)[0].(object).get("filter_chains").(list)[0].(object)
	manager := chain.get("filters").(list)[0].(object).get("typed_config").(object)
	filters := manager.get("http_filters").(list)
	return filters[:len(filters)-1]
}

// object is a JSON object with ordered members. Its values are objects, lists,
// strings, numbers and bools.
type object []field

type field struct {
	key   string
	value any
}

type list []any

// get returns the value of a key; nil if there is none.
func (o object) get(key string) any {
	for _, f := range o {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

// YAML returns the configuration as YAML, with each policy as a literal block of
// indented JSON.
func (b *Bootstrap) YAML() ([]byte, error) {
	out, err := yaml.Dump(yamlNode(b.root), yaml.WithV4Defaults(), yaml.WithCompactSeqIndent(false), yaml.WithLineWidth(-1))
	if err != nil {
		return nil, fmt.Errorf("envoy configuration: %w", err)
	}
	return out, nil
}

// JSON returns the configuration as indented JSON.
func (b *Bootstrap) JSON() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(b.root); err != nil {
		return nil, fmt.Errorf("envoy configuration: %w", err)
	}
	return out.Bytes(), nil
}

// MarshalJSON keeps the members' order.
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	out.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := enc.Encode(f.key); err != nil {
			return nil, err
		}
		out.WriteByte(':')
		if err := enc.Encode(f.value); err != nil {
			return nil, fmt.Errorf("%s: %w", f.key, err)
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// yamlNode converts a value of an object; it keeps the members' order.
func yamlNode(v any) *yaml.Node {
	switch v := v.(type) {
	case object:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, f := range v {
			n.Content = append(n.Content, yamlNode(f.key), yamlNode(f.value))
		}
		return n
	case list:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, e := range v {
			n.Content = append(n.Content, yamlNode(e))
		}
		return n
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}
	}
	n := &yaml.Node{}
	n.Dump(v)
	return n
}

// typed is a google.protobuf.Any: a message with the URL of its type.
func typed(name string, fields ...field) object {
	return append(object{{"@type", "type.googleapis.com/" + name}}, fields...)
}
