package envoyconf

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml"
)

// Bootstrap is a complete Envoy configuration. Its members keep the order in
// which a reader looks for them: admin, listeners, clusters, the rest.
type Bootstrap struct{ root object }

// object is a JSON object with ordered members; its values are objects, lists,
// strings, numbers and bools.
type object []field

type field struct {
	key   string
	value any
}

type list []any

// YAML is the configuration as YAML; a policy stands in it as a literal block
// of indented JSON.
func (b *Bootstrap) YAML() ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out, yaml.UseLiteralStyleIfMultiline(true), yaml.IndentSequence(true))
	if err := enc.Encode(b.root.yaml()); err != nil {
		return nil, fmt.Errorf("envoy configuration: %w", err)
	}
	return out.Bytes(), nil
}

// JSON is the configuration as indented JSON.
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

func (o object) yaml() yaml.MapSlice {
	m := make(yaml.MapSlice, len(o))
	for i, f := range o {
		m[i] = yaml.MapItem{Key: f.key, Value: yamlValue(f.value)}
	}
	return m
}

func yamlValue(v any) any {
	switch v := v.(type) {
	case object:
		return v.yaml()
	case list:
		all := make([]any, len(v))
		for i, e := range v {
			all[i] = yamlValue(e)
		}
		return all
	}
	return v
}

// typed is a google.protobuf.Any: a message with its type's URL.
func typed(name string, fields ...field) object {
	return append(object{{"@type", "type.googleapis.com/" + name}}, fields...)
}
