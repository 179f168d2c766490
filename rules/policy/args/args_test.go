package args

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table of args in LANGUAGE.md")

const document = "../../LANGUAGE.md"

// The table of args in LANGUAGE.md is made from the description.
func TestLanguageTable(t *testing.T) {
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	const start, end = "<!-- args -->\n", "<!-- end -->"
	before, rest, ok := strings.Cut(string(data), start)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("LANGUAGE.md has no %q … %q", start, end)
	}
	want := before + start + table() + end + after
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(data) {
		t.Error("the table of args in LANGUAGE.md differs from package args; run go test ./rules/policy/args -update")
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| key | for | is |\n|---|---|---|\n")
	names := map[Resource]string{Route: "routes", Service: "services", Database: "databases", File: "files", Query: "queries", Event: "events"}
	for _, r := range roots {
		of := "all"
		switch {
		case r.response:
			of = "a rule on the response"
		case len(r.kinds) > 0:
			of = ""
			for i, kind := range r.kinds {
				of += map[bool]string{true: ", "}[i > 0] + names[kind]
			}
		}
		b.WriteString("| `args." + r.Name + "` | " + of + " | " + r.About)
		for i, m := range r.Members {
			b.WriteString(map[bool]string{true: ": ", false: "; "}[i == 0] + "`" + m.Name + "`, " + m.About)
		}
		b.WriteString(" |\n")
	}
	b.WriteString("| `args.result` | after a query or a webhook | the reply, unless `store` names another place |\n")
	return b.String()
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		kind     Resource
		response bool
		want     string
	}{
		{Route, false, "auth token params request peer"},
		{Service, false, "auth token params request peer"},
		{File, true, "auth token params request peer res response"},
		{Query, false, "auth token params request peer"},
		{Event, true, "auth token params request peer res response"},
		{Database, false, "auth token request peer op find doc update pipeline opts"},
	} {
		if got := strings.Join(Of(c.kind, c.response).Names(), " "); got != c.want {
			t.Errorf("%v, %v: got %s, want %s", c.kind, c.response, got, c.want)
		}
	}
}
