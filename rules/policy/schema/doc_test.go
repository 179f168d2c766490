//go:build !wasip1

package schema

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/policy/lint"
	"github.com/rulegate/rulegate/rules/value"
	"go.yaml.in/yaml/v4"
)

const document = "../../POLICY.md"

// POLICY.md has a table for each object of the model. -update writes the tables.
func TestPolicyReference(t *testing.T) {
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]*shape{}
	seen := map[*shape]bool{}
	eachObject(model, "the file", func(place string, s *shape) {
		// The keys of response are those of rules.
		if !seen[s] && !strings.HasSuffix(place, ".response") {
			objects[place] = s
			seen[s] = true
		}
	})
	const start, end = "<!-- keys: ", "<!-- end -->"
	var b strings.Builder
	rest := string(data)
	for {
		before, after, ok := strings.Cut(rest, start)
		b.WriteString(before)
		if !ok {
			break
		}
		place, after, _ := strings.Cut(after, " -->")
		_, after, closed := strings.Cut(after, end)
		s := objects[place]
		if s == nil || !closed {
			t.Fatalf("%s%s --> has no object in the model, or no %s", start, place, end)
		}
		delete(objects, place)
		b.WriteString(start + place + " -->\n" + table(s) + end)
		rest = after
	}
	for place := range objects {
		t.Errorf("POLICY.md has no table for %s", place)
	}
	if *update {
		if err := os.WriteFile(document, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if b.String() != string(data) {
		t.Error("a table of POLICY.md differs from the model; run go test ./rules/policy/schema -update")
	}
}

// eachObject calls f for the objects of the model, with the place of each.
func eachObject(s *shape, place string, f func(place string, s *shape)) {
	if s == nil {
		return
	}
	below := func(key string) string {
		if place == "the file" {
			return key
		}
		return place + "." + key
	}
	switch {
	case s.kind == object && len(s.keys) > 0 && s != authShape.or:
		f(place, s)
		for _, k := range s.keys {
			eachObject(k.shape, below(k.name), f)
		}
	case s.kind == mapping:
		eachObject(s.elem, below("*"), f)
	case s.kind == list:
		eachObject(s.elem, place+"[]", f)
	case s == oidcShape:
		eachObject(s.or, place, f)
	}
}

// Each key of the model stands in an example of POLICY.md.
func TestPolicyReferenceHasExamples(t *testing.T) {
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	used := map[*key]bool{}
	for _, block := range regexp.MustCompile("```yaml policy.*\n").Split(string(data), -1)[1:] {
		text, _, _ := strings.Cut(block, "```")
		var tree any
		if err := yaml.Load([]byte(text), &tree); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := value.Parse(string(data), 100)
		if err != nil {
			t.Fatal(err)
		}
		use(model, doc, used)
	}
	for _, code := range lint.Codes() {
		if !strings.Contains(string(data), "`"+code+"`") {
			t.Errorf("POLICY.md does not name the warning %s", code)
		}
	}
	eachObject(model, "the file", func(place string, s *shape) {
		for i := range s.keys {
			if !used[&s.keys[i]] && s.keys[i].shape != lintShape {
				t.Errorf("no example has %s: %s", place, s.keys[i].name)
			}
		}
	})
}

// use notes the keys of the model that a document has.
func use(s *shape, v value.Value, used map[*key]bool) {
	if s == nil {
		return
	}
	if s.or != nil && !s.fits(v) {
		s = s.or
	}
	v.Each(func(name string, x value.Value) bool {
		if s.kind != object {
			use(s.elem, x, used)
		} else if i := slices.IndexFunc(s.keys, func(k key) bool { return k.name == name }); i >= 0 {
			used[&s.keys[i]] = true
			use(s.keys[i].shape, x, used)
		}
		return true
	})
}

// table returns the Markdown table of an object's keys.
func table(s *shape) string {
	var b strings.Builder
	b.WriteString("| key | type | default | meaning |\n|---|---|---|---|\n")
	for _, k := range s.keys {
		absent := k.shape.absent
		switch {
		case k.need:
			absent = "required"
		case absent != "":
			absent = "`" + absent + "`"
		}
		about := k.shape.about
		if text, more, ok := strings.Cut(about, " Default: "); ok {
			about, absent = text, strings.TrimSuffix(more, ".")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.name, typeOf(k.shape), absent, about)
	}
	return b.String()
}

// typeOf names the values that a shape allows, with their limits.
func typeOf(s *shape) string {
	one := *s
	one.or = nil
	switch {
	case s.or != nil:
		return typeOf(&one) + ", or " + typeOf(s.or)
	case len(s.words) > 0:
		return "`" + strings.Join(s.words, "`, `") + "`"
	}
	switch s.kind {
	case object:
		if len(s.keys) == 1 {
			return "object with `" + s.keys[0].name + "`"
		}
		return "object"
	case mapping:
		if s.elem == nil {
			return "object"
		}
		return "map of " + plural(s.elem)
	case list:
		switch {
		case s.most > 0:
			return fmt.Sprintf("list of %d to %d %s", s.least, s.most, plural(s.elem))
		case s.least > 0:
			return "list of " + plural(s.elem) + ", not empty"
		}
		return "list of " + plural(s.elem)
	case text:
		if s.orEmpty {
			return "text, perhaps empty"
		}
		return "text"
	case boolean:
		return "`true`, `false`"
	case integer:
		return fmt.Sprintf("integer, %d to %d", s.least, s.most)
	case fraction:
		return "number from 0 to 1"
	case size:
		return fmt.Sprintf("size, %s to %s", FormatSize(s.least), FormatSize(s.most))
	case duration:
		return "duration"
	case rule:
		return "rule"
	}
	return "any value"
}

func plural(s *shape) string {
	switch s.kind {
	case mapping:
		return "objects"
	case text, object, rule:
		return wordOf[s.kind] + "s"
	}
	return typeOf(s)
}

var wordOf = map[kind]string{text: "text", object: "object", rule: "rule"}
