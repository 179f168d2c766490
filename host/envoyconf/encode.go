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

// object is a JSON object with ordered members. Its values are objects, lists,
// strings, numbers and bools.
type object []field

type field struct {
	key   string
	value any
}

type list []any

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
	}
	n := &yaml.Node{}
	n.Dump(v)
	return n
}

// typed is a google.protobuf.Any: a message with the URL of its type.
func typed(name string, fields ...field) object {
	return append(object{{"@type", "type.googleapis.com/" + name}}, fields...)
}
