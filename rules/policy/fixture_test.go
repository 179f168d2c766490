package policy

import (
	"os"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/token/keys/gocrypto"
	"github.com/rulegate/rulegate/rules/value"
	"go.yaml.in/yaml/v4"
)

const secret = "0123456789abcdef0123456789abcdef"

// ruleNames are the rules that the language has, as a fault lists them.
var ruleNames = func() string {
	_, faults := rules.Compile(value.Obj(value.Member{Key: "rule", Value: value.Str("x")}), "", &rules.Env{})
	_, names, _ := strings.Cut(faults.Error(), "want one of ")
	return names
}()

// testEnv are the variables of the tests.
var testEnv = map[string]string{
	"SECRET": secret, "WEIRD": "two words", "NOTHING": "", "NAME_OF_PATH": "v1", "BYTES": "\xff", "TEXT": "${SECRET}", "HOOK": "http://hooks/" + secret,
}

func getenv(name string) (string, bool) {
	s, ok := testEnv[name]
	return s, ok
}

func readFile(name string) ([]byte, error) {
	if text, ok := strings.CutPrefix(name, "is:"); ok {
		return []byte(text + "\n"), nil
	}
	return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
}

// document reads the YAML that the tests use.
func document(t testing.TB, text string) value.Value {
	t.Helper()
	var root yaml.Node
	if err := yaml.Load([]byte(text), &root); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return fromYAML(root.Content[0])
}

// fromYAML keeps the order of members, which is the order of faults.
func fromYAML(n *yaml.Node) value.Value {
	switch n.Kind {
	case yaml.AliasNode:
		return fromYAML(n.Alias)
	case yaml.SequenceNode:
		var elems []value.Value
		for _, x := range n.Content {
			elems = append(elems, fromYAML(x))
		}
		return value.Arr(elems...)
	case yaml.MappingNode:
		var members []value.Member
		for i := 0; i < len(n.Content); i += 2 {
			members = append(members, value.Member{Key: n.Content[i].Value, Value: fromYAML(n.Content[i+1])})
		}
		return value.Obj(members...)
	}
	switch n.Tag {
	case "!!int", "!!float":
		return value.Num(n.Value)
	case "!!bool":
		return value.Boolean(n.Value == "true")
	case "!!null":
		return value.NullValue
	}
	return value.Str(n.Value)
}

func load(t testing.TB, text string) (*Policy, []Warning, error) {
	t.Helper()
	return Load(document(t, text), Options{Crypto: gocrypto.Crypto(), Getenv: getenv, ReadFile: readFile})
}

func mustLoad(t testing.TB, text string) *Policy {
	t.Helper()
	p, _, err := load(t, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

const (
	own   = "auth: {tokens: [{name: own, alg: HS256, secret: \"${SECRET}\", primary: true}]}\n"
	pages = "routes: [{match: {path: /}, rule: {rule: allow}}]\n"
)
