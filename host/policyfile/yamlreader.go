package policyfile

import (
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/value"
	"go.yaml.in/yaml/v4"
)

// maxAliased bounds the values that aliases repeat.
const maxAliased = 100_000

// yamlReader converts the parser's nodes to a value, and refuses nodes that JSON
// has no equivalent of.
type yamlReader struct {
	f       *File
	faults  []Fault
	starts  []position          // of the nodes outside aliases, in the order of the file
	secrets []*yaml.Node        // scalars to hide in excerpts
	open    map[*yaml.Node]bool // nodes whose content is being read
	inAlias int                 // aliases that are being followed
	aliased int                 // values that aliases have repeated
	stopped bool                // a limit is exceeded
}

func (y *yamlReader) fault(at position, place, format string, args ...any) {
	y.faults = append(y.faults, Fault{Place: place, Message: fmt.Sprintf(format, args...), Line: at.line, Column: at.column})
}

func (y *yamlReader) file(documents []*yaml.Node) {
	switch {
	case len(documents) == 0 || isEmpty(documents[0]):
		y.fault(position{1, 1}, "", "empty; want an object")
		return
	}
	y.f.Doc = y.value(documents[0].Content[0], "", position{}, 0)
	if fault, ok := policy.SpaceCloud(y.f.Doc); ok && !y.f.other {
		y.faults = []Fault{y.f.locate(fault)}
	} else if len(documents) > 1 {
		y.faults = nil
		y.fault(y.f.at(documents[1].Content[0]), "", "a second document; %s has one", y.f.kind())
	}
	for _, n := range y.secrets {
		y.f.hide(n.Value, y.f.at(n), y.end(n))
	}
}

// kind names the file in messages.
func (f *File) kind() string {
	if f.other {
		return "the file"
	}
	return "a policy file"
}

// value converts a node. key is the position of its key.
func (y *yamlReader) value(n *yaml.Node, place string, key position, depth int) value.Value {
	if y.stopped {
		return value.NullValue
	}
	at := y.f.at(n)
	y.f.marks[place] = mark{key: key, value: at}
	if y.inAlias > 0 {
		y.aliased++
	} else {
		y.starts = append(y.starts, at)
	}
	switch {
	case depth > policy.MaxDepth:
		y.fault(at, place, "nested deeper than %d", policy.MaxDepth)
		y.stopped = true
		return value.NullValue
	case y.aliased > maxAliased:
		y.fault(at, place, "aliases repeat more than %d values", maxAliased)
		y.stopped = true
		return value.NullValue
	case tagged(n):
		return y.tag(n, place, at)
	}
	y.open[n] = true
	defer delete(y.open, n)
	switch n.Kind {
	case yaml.MappingNode:
		return y.mapping(n, place, depth)
	case yaml.SequenceNode:
		elems := make([]value.Value, len(n.Content))
		for i, x := range n.Content {
			elems[i] = y.value(x, rules.Elem(place, i), position{}, depth+1)
		}
		return value.Arr(elems...)
	case yaml.AliasNode:
		return y.alias(n, place, key, depth)
	}
	return y.scalar(n, place, at)
}

// tagged reports whether a node has a tag in the file.
func tagged(n *yaml.Node) bool {
	return n.Style&yaml.TaggedStyle != 0 || n.Tag == "!" // `! x` forces a string
}

func (y *yamlReader) tag(n *yaml.Node, place string, at position) value.Value {
	if y.f.isSecret(place) {
		y.secrets = append(y.secrets, n)
	}
	if n.Tag == "!=" {
		y.fault(at, place, "put the operator in quotes: %q", n.Tag)
	} else {
		y.fault(at, place, "tags are not allowed; put a text in quotes")
	}
	return value.NullValue
}

func (y *yamlReader) alias(n *yaml.Node, place string, key position, depth int) value.Value {
	at := y.f.at(n)
	if y.open[n.Alias] {
		y.fault(at, place, "an alias inside its own anchor")
		return value.NullValue
	}
	y.inAlias++
	v := y.value(n.Alias, place, key, depth)
	y.inAlias--
	y.f.marks[place] = mark{key: key, value: at}
	return v
}

func (y *yamlReader) mapping(n *yaml.Node, place string, depth int) value.Value {
	members := make([]value.Member, 0, len(n.Content)/2)
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, x := n.Content[i], n.Content[i+1]
		at := y.f.at(key)
		if y.inAlias == 0 {
			y.starts = append(y.starts, at)
		}
		sub := rules.Join(place, key.Value)
		ok := y.key(n, key, x, place)
		v := y.value(x, sub, at, depth+1)
		switch line := seen[key.Value]; {
		case !ok:
		case line > 0:
			y.fault(at, sub, "the key is there already, on line %d", line)
		default:
			seen[key.Value] = at.line
			members = append(members, value.Member{Key: key.Value, Value: v})
		}
	}
	return value.Obj(members...)
}

// key reports whether a mapping's key is a string, as in JSON.
func (y *yamlReader) key(n, key, x *yaml.Node, place string) bool {
	at := y.f.at(key)
	inBraces := n.Style&yaml.FlowStyle != 0
	switch {
	case inBraces && key.Kind == yaml.SequenceNode && implicitNull(x):
		y.fault(at, place, "a list without a key; the list of a rule goes under `clauses:`")
	case inBraces && key.Kind == yaml.ScalarNode && implicitNull(x) && !strings.Contains(key.Value, ":") && y.withoutColon(key):
		y.fault(at, place, "`%s` has no value here; put the text in quotes if the comma or the braces belong to it", key.Value)
	case key.Style&quoted == 0 && slashes.MatchString(key.Value):
		y.fault(at, place, "a comment begins with #; put the text in quotes if this is none")
	case key.Tag == "!!merge":
		y.fault(at, place, "merge keys (<<) are not allowed; write the keys, or use an alias for a whole value")
	case key.Kind != yaml.ScalarNode || tagged(key) || key.Style&quoted == 0 && !isText(key.Value):
		y.fault(at, place, "want a string as key; put it in quotes")
	case inBraces && key.Style&quoted == 0 && implicitNull(x) && strings.Contains(key.Value, ":"):
		y.fault(at, place, "want a space after the colon")
	default:
		return true
	}
	return false
}

// withoutColon reports whether the key in braces is a text alone, as in `{id}`.
func (y *yamlReader) withoutColon(key *yaml.Node) bool {
	end := y.end(key)
	if end.line != key.Line {
		return false
	}
	rest := strings.TrimLeft(string([]rune(y.f.lines[end.line-1])[end.column-1:]), " ")
	return rest != "" && rest[0] != ':'
}

// quoted are the styles of scalars that are always strings.
const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

func isText(plainText string) bool {
	v, err := plain(plainText)
	return err == nil && v.Kind() == value.String
}

// implicitNull reports whether a value is missing in the file.
func implicitNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value == "" && n.Anchor == ""
}

func (y *yamlReader) scalar(n *yaml.Node, place string, at position) value.Value {
	if y.f.isSecret(place) && !implicitNull(n) {
		y.secrets = append(y.secrets, n)
	}
	switch {
	case n.Style&yaml.FoldedStyle != 0 && n.Value == "": // `eval: >`
		y.fault(at, place, "put the operator in quotes: %q", ">")
		return value.NullValue
	case n.Style&quoted != 0:
		return value.Str(n.Value)
	case slashes.MatchString(n.Value):
		y.fault(at, place, "a comment begins with #; put the text in quotes if this is none")
		return value.NullValue
	}
	v, err := plain(n.Value)
	if err != nil {
		y.fault(at, place, "%v", err)
		return value.NullValue
	}
	return v
}
