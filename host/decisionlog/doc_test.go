package decisionlog

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table of DECISIONS.md")

// TestDocumentHasMembers compares the table of members with the comments of the struct.
// -update writes the table.
func TestDocumentHasMembers(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../rules/record/record.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	table := "| member | is |\n|---|---|\n"
	structs := map[string]*ast.StructType{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			if s, ok := spec.Type.(*ast.StructType); ok {
				structs[spec.Name.Name] = s
			}
		}
		return true
	})
	var rows func(prefix string, s *ast.StructType)
	rows = func(prefix string, s *ast.StructType) {
		for _, f := range s.Fields.List {
			name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
			about := strings.TrimSpace(f.Doc.Text() + f.Comment.Text())
			table += "| `" + prefix + name + "` | " + strings.ReplaceAll(about, "\n", " ") + " |\n"
			typ := f.Type
			if star, ok := typ.(*ast.StarExpr); ok {
				typ = star.X
			}
			if list, ok := typ.(*ast.ArrayType); ok {
				typ = list.Elt
			}
			if id, ok := typ.(*ast.Ident); ok && structs[id.Name] != nil && id.Name != "Entry" { // the candidate is one too
				rows(prefix+name+".", structs[id.Name])
			}
		}
	}
	rows("", structs["Entry"])
	data, err := os.ReadFile("DECISIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	const start, end = "<!-- members -->\n", "<!-- end -->"
	before, rest, _ := strings.Cut(string(data), start)
	_, after, _ := strings.Cut(rest, end)
	want := before + start + table + end + after
	switch {
	case *update:
		if err := os.WriteFile("DECISIONS.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case want != string(data):
		t.Error("the table of DECISIONS.md differs from the struct; run go test ./host/decisionlog -update")
	}
}
