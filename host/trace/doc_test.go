package trace

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const document = "../EXPLAIN.md"

// EXPLAIN.md has a table for each struct of a Trace and of Located, made of the comments beside its
// fields. -update writes the tables. So the document of the contract is complete.
func TestDocument(t *testing.T) {
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	structs := map[string]*ast.StructType{}
	for _, file := range []string{"trace.go", "evaluation.go", "../explain/record.go", "../explain/located.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					structs[spec.Name.Name] = s
				}
			}
			return true
		})
	}
	tables := regexp.MustCompile(`(?s)<!-- fields: (\w+) -->\n.*?<!-- end -->`)
	got := tables.ReplaceAllStringFunc(string(data), func(old string) string {
		name := tables.FindStringSubmatch(old)[1]
		s := structs[name]
		if s == nil {
			t.Errorf("no struct %s", name)
			return old
		}
		delete(structs, name)
		return "<!-- fields: " + name + " -->\n" + table(t, name, s) + "<!-- end -->"
	})
	for name := range structs {
		t.Errorf("EXPLAIN.md has no table for %s", name)
	}
	if *update {
		if err := os.WriteFile(document, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != string(data) {
		t.Error("a table of EXPLAIN.md differs from the structs; run go test ./host/trace -update")
	}
}

func table(t *testing.T, name string, s *ast.StructType) string {
	var b strings.Builder
	b.WriteString("| member | is | meaning |\n|---|---|---|\n")
	for _, f := range s.Fields.List {
		if !f.Names[0].IsExported() {
			continue
		}
		tag, options, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
		text := strings.TrimSpace(strings.ReplaceAll(f.Doc.Text()+" "+f.Comment.Text(), "\n", " "))
		kind := kindOf(f.Type)
		if options == "omitempty" || options == "omitzero" {
			kind += ", may be absent"
		}
		if tag == "" {
			t.Errorf("%s has a field without a name in JSON", name)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", tag, kind, strings.ReplaceAll(text, "|", `\|`))
	}
	return b.String()
}

// kindOf names the JSON of a type.
func kindOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return kindOf(e.X)
	case *ast.ArrayType:
		return "list of " + kindOf(e.Elt)
	case *ast.SelectorExpr:
		if e.Sel.Name == "RawMessage" {
			return "any JSON"
		}
		return "string"
	case *ast.Ident:
		switch e.Name {
		case "string", "bool":
			return e.Name
		case "int":
			return "integer"
		case "Outcome":
			return "string"
		}
		return "[" + e.Name + "](#" + strings.ToLower(e.Name) + ")"
	}
	return "?"
}
