package assist

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFormat(t *testing.T) {
	text := `# a policy
routes:
    # who may read
    - match:
          path: /a   # the path
      rule:
            rule: and
            clauses:
            - rule: match
              type: string
              eval: "=="
              f1: args.auth.id
              f2: args.auth.sub
            - {rule: match, type: string,
               eval: "==", f1: a, f2: b}
      name: >
            two
            lines
`
	want := `# a policy
routes:
  # who may read
  - match:
      path: /a   # the path
    rule:
      rule: and
      clauses:
        - rule: match
          type: string
          eval: "=="
          f1: args.auth.id
          f2: args.auth.sub
        - {rule: match, type: string,
           eval: "==", f1: a, f2: b}
    name: >
          two
          lines
`
	d := Document{"policy.yaml", text}
	if got := d.Format(); got != want {
		t.Errorf("got\n%s", got)
	}
	for _, broken := range []string{"a: [", "\ta: b", "a: b\n c: d"} {
		if got := (Document{"policy.yaml", broken}).Format(); got != broken {
			t.Errorf("%q became %q", broken, got)
		}
	}
}

// The examples are formatted already.
func TestExamplesAreFormatted(t *testing.T) {
	files, err := filepath.Glob("../../envoy/*/policy*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("no examples: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := (Document{name, string(data)}).Format(); got != string(data) {
			t.Errorf("%s is formatted as\n%s", name, got)
		}
	}
}
