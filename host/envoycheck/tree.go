package envoycheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Bounds of what is read: a text may have more nodes than bytes by aliases only.
const (
	maxDepth     = 256
	nodesPerByte = 4
)

// node is a value with its place. A nil node is a missing value: its methods return
// zero values.
type node struct {
	file string
	line int
	path string // static_resources.listeners[0].name

	text   string // of a scalar
	scalar any    // of a scalar: a string, a json.Number, a bool or nil
	keys   []string
	values []*node // of an object, by keys; or of a list
	object bool
	list   bool
}

// parse reads YAML or JSON.
func parse(file string, data []byte) (*node, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if t := bytes.TrimLeft(data, " \t\r\n"); len(t) > 0 && t[0] == '{' && json.Valid(data) {
		return parseJSON(file, data)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, fmt.Errorf("%s: want a configuration of Envoy, found none", file)
	}
	r := reader{file: file, left: nodesPerByte * len(data)}
	n, err := r.yaml(doc.Content[0], "", 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}

type reader struct {
	file string
	left int

	json *json.Decoder
	data []byte
	seen int // bytes of data whose line breaks are counted
	line int
}

var errSize = errors.New("the configuration is nested too deep or too large")

func (r *reader) node(path string, line, depth int) (*node, error) {
	r.left--
	if depth > maxDepth || r.left < 0 {
		return nil, errSize
	}
	return &node{file: r.file, line: line, path: path}, nil
}

func (r *reader) yaml(y *yaml.Node, path string, depth int) (*node, error) {
	n, err := r.node(path, y.Line, depth)
	if err != nil {
		return nil, err
	}
	switch y.Kind {
	case yaml.AliasNode:
		return r.yaml(y.Alias, path, depth+1)
	case yaml.MappingNode:
		n.object = true
		for i := 0; i+1 < len(y.Content); i += 2 {
			key := y.Content[i].Value
			v, err := r.yaml(y.Content[i+1], join(path, key), depth+1)
			if err != nil {
				return nil, err
			}
			v.line = y.Content[i].Line
			n.keys, n.values = append(n.keys, key), append(n.values, v)
		}
	case yaml.SequenceNode:
		n.list = true
		for i, e := range y.Content {
			v, err := r.yaml(e, fmt.Sprintf("%s[%d]", path, i), depth+1)
			if err != nil {
				return nil, err
			}
			n.values = append(n.values, v)
		}
	default:
		switch n.text, n.scalar = y.Value, y.Value; y.ShortTag() {
		case "!!null":
			n.text, n.scalar = "", nil
		case "!!int", "!!float":
			n.scalar = json.Number(y.Value)
		case "!!bool":
			n.scalar = n.isTrue()
		}
	}
	return n, nil
}

func parseJSON(file string, data []byte) (*node, error) {
	r := reader{file: file, left: nodesPerByte * len(data), json: json.NewDecoder(bytes.NewReader(data)), data: data, line: 1}
	r.json.UseNumber()
	n, err := r.value("", 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}

// token returns the next token and its line.
func (r *reader) token() (json.Token, int, error) {
	t, err := r.json.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	end := int(r.json.InputOffset())
	r.line += bytes.Count(r.data[r.seen:end], []byte("\n"))
	r.seen = end
	return t, r.line, err
}

func (r *reader) value(path string, depth int) (*node, error) {
	t, line, err := r.token()
	if err != nil {
		return nil, err
	}
	n, err := r.node(path, line, depth)
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		n.object, n.list = t == '{', t == '['
	case nil:
	default:
		n.text, n.scalar = fmt.Sprint(t), t
	}
	for i := 0; (n.object || n.list) && r.json.More(); i++ {
		at := fmt.Sprintf("%s[%d]", path, i)
		if n.object {
			key, _, err := r.token()
			if err != nil {
				return nil, err
			}
			n.keys = append(n.keys, key.(string))
			at = join(path, key.(string))
		}
		line := r.line
		v, err := r.value(at, depth+1)
		if err != nil {
			return nil, err
		}
		if n.object {
			v.line = line
		}
		n.values = append(n.values, v)
	}
	if n.object || n.list {
		_, _, err = r.token()
	}
	return n, err
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// get follows keys. Envoy takes a field by its name and by its JSON name:
// stat_prefix and statPrefix.
func (n *node) get(keys ...string) *node {
	for _, key := range keys {
		if n == nil {
			return nil
		}
		var found *node
		for i, k := range n.keys {
			if k == key || k == camel(key) {
				found = n.values[i]
			}
		}
		n = found
	}
	return n
}

func camel(key string) string {
	words := strings.Split(key, "_")
	for i, w := range words[1:] {
		if w != "" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}

// all returns the elements of a list.
func (n *node) all() []*node {
	if n == nil || !n.list {
		return nil
	}
	return n.values
}

func (n *node) string() string {
	if n == nil {
		return ""
	}
	return n.text
}

func (n *node) isTrue() bool { return n.string() == "true" }

// number returns the number of a node, or missing if there is none.
func (n *node) number(missing int) int {
	f, err := strconv.ParseFloat(n.string(), 64)
	if err != nil || f < 0 || f > math.MaxInt32 {
		return missing
	}
	return int(f)
}

// duration returns a google.protobuf.Duration, or missing if there is none.
func (n *node) duration(missing time.Duration) time.Duration {
	seconds, ok := strings.CutSuffix(n.string(), "s")
	f, err := strconv.ParseFloat(seconds, 64)
	if !ok || err != nil || f < 0 || f > math.MaxInt32 {
		return missing
	}
	return time.Duration(f * float64(time.Second))
}

// walk calls f for the node and each node below it.
func (n *node) walk(f func(*node)) {
	if n == nil {
		return
	}
	f(n)
	for _, v := range n.values {
		v.walk(f)
	}
}

// plain returns the node as values of encoding/json: a policy may be given as a
// google.protobuf.Struct.
func (n *node) plain() any {
	switch {
	case n == nil:
		return nil
	case n.list:
		out := make([]any, len(n.values))
		for i, v := range n.values {
			out[i] = v.plain()
		}
		return out
	case n.object:
		out := map[string]any{}
		for i, k := range n.keys {
			out[k] = n.values[i].plain()
		}
		return out
	}
	return n.scalar
}

// typed returns the message in a google.protobuf.Any and the name of its type. Istio
// puts messages into a TypedStruct.
func typed(n *node) (message *node, name string) {
	for range 4 {
		name = n.get("@type").string()
		if url := n.get("type_url"); url != nil && strings.HasSuffix(name, ".TypedStruct") {
			name, n = url.string(), n.get("value")
		}
		name = name[strings.LastIndexByte(name, '/')+1:]
		if !strings.HasSuffix(name, ".TypedStruct") {
			break
		}
	}
	return n, name
}
