//go:build !wasip1

package schema

import (
	"fmt"
	"go/format"
	"os"
	"slices"
	"strings"
	"testing"
)

const dataFile = "model_wasip1.go"

// TestModuleData: the model of the module is the model, without the texts for people.
// As data it takes no code, of which Envoy compiles every byte before it is ready; the
// calls that make the model would be 65 KB. After a change of the model:
// go test ./rules/policy/schema -update.
func TestModuleData(t *testing.T) {
	d := data{names: map[string]string{}}
	var vars strings.Builder
	for i, name := range []string{"model", "included", "includedDatabase", "databaseShape"} {
		fmt.Fprintf(&vars, "%s = &%s\n", name, d.of(compared[i]))
	}
	text, err := format.Source([]byte("// go test ./rules/policy/schema -update writes this file.\n\npackage schema\n\nvar (\n" + d.text.String() + ")\n\nvar (\n" + vars.String() + ")\n"))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(dataFile, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if now, err := os.ReadFile(dataFile); err != nil || string(now) != string(text) {
		t.Errorf("%s is not that of the model (%v): go test ./rules/policy/schema -update", dataFile, err)
	}
}

// compared are the shapes that Check knows.
var compared = []*shape{model, included, includedDatabase, databaseShape}

// data writes shapes as variables.
type data struct {
	text  strings.Builder
	names map[string]string // of variables, by their content: equal shapes share one
}

// of returns the variable of a shape.
func (d *data) of(s *shape) string {
	var b strings.Builder
	fmt.Fprintf(&b, "shape{kind: %s", kindNames[s.kind])
	if len(s.keys) > 0 {
		b.WriteString(", keys: []key{\n")
		for _, k := range s.keys {
			fmt.Fprintf(&b, "{name: %q, shape: &%s", k.name, d.of(k.shape))
			if k.need {
				b.WriteString(", need: true")
			}
			b.WriteString("},\n")
		}
		b.WriteString("}")
	}
	if s.elem != nil {
		fmt.Fprintf(&b, ", elem: &%s", d.of(s.elem))
	}
	if s.or != nil {
		fmt.Fprintf(&b, ", or: &%s", d.of(s.or))
	}
	if s.least != 0 {
		fmt.Fprintf(&b, ", least: %d", s.least)
	}
	if s.most != 0 {
		fmt.Fprintf(&b, ", most: %d", s.most)
	}
	if len(s.words) > 0 {
		fmt.Fprintf(&b, ", words: %#v", s.words)
	}
	if s.orEmpty {
		b.WriteString(", orEmpty: true")
	}
	b.WriteString("}")
	content := b.String()
	if i := slices.Index(compared, s); i >= 0 {
		content += fmt.Sprint(" // ", i) // Check compares its address, so nothing shares it
	}
	name := d.names[content]
	if name == "" {
		name = fmt.Sprint("s", len(d.names))
		d.names[content] = name
		fmt.Fprintf(&d.text, "%s = %s\n", name, b.String())
	}
	return name
}

var kindNames = [...]string{
	anything: "anything", object: "object", mapping: "mapping", list: "list", text: "text", boolean: "boolean",
	integer: "integer", fraction: "fraction", size: "size", duration: "duration", rule: "rule",
}
