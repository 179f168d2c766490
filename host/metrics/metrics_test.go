package metrics

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table of METRICS.md")

// TestDocument compares the table of METRICS.md with the families. -update writes it.
func TestDocument(t *testing.T) {
	table := "| metric | type | labels | meaning |\n|---|---|---|---|\n"
	for _, f := range All() {
		labels := ""
		if len(f.Labels) > 0 {
			labels = "`" + strings.Join(f.Labels, "`, `") + "`"
		}
		table += "| `" + f.Name + "` | " + string(f.Kind) + " | " + labels + " | " + f.Help + " |\n"
	}
	data, err := os.ReadFile("METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	const start, end = "<!-- table -->\n", "<!-- end -->"
	before, rest, _ := strings.Cut(string(data), start)
	_, after, _ := strings.Cut(rest, end)
	want := before + start + table + end + after
	switch {
	case *update:
		if err := os.WriteFile("METRICS.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case want != string(data):
		t.Error("the table of METRICS.md differs from the families; run go test ./host/metrics -update")
	}
}

// TestNames: the names follow Prometheus' conventions.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range All() {
		if seen[f.Name] {
			t.Errorf("%s is there twice", f.Name)
		}
		seen[f.Name] = true
		if (f.Kind == Counter) != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("%s: a counter ends in _total, and nothing else does", f.Name)
		}
		if f.Help == "" || !strings.HasPrefix(f.Name, "rulegate_") || slices.Contains(f.Labels, "le") {
			t.Errorf("%s: want a help text, the prefix rulegate_, and no label le", f.Name)
		}
	}
}

// TestTags: Envoy makes of a module's metric what Split makes of it.
func TestTags(t *testing.T) {
	for i := range Module {
		f := &Module[i]
		values := []string{"first", "second.of it"}[:len(f.Labels)]
		if len(values) == 1 {
			values[0] = "0.005"
			if slices.Contains([]string{"result", "direction", "outcome"}, f.Labels[0]) {
				values[0] = "ok"
			}
		}
		name := strings.Join(append([]string{strings.Replace(f.Name, "_", ".", 1)}, values...), ".")
		got, split, err := Split(name)
		if err != nil || got != f || !slices.Equal(split, values) {
			t.Errorf("%s: %v, %v, %v", name, got, split, err)
			continue
		}
		rest := "wasmcustom." + name
		found := map[string]string{}
		for _, tag := range Tags() {
			if m := regexp.MustCompile(tag.Regex).FindStringSubmatchIndex("wasmcustom." + name); m != nil {
				found[tag.Name] = ("wasmcustom." + name)[m[4]:m[5]]
				rest = strings.Replace(rest, ("wasmcustom." + name)[m[2]:m[3]], "", 1)
			}
		}
		for n, label := range f.Labels {
			if found[label] != values[n] {
				t.Errorf("%s: Envoy has %q for %s, want %q", name, found[label], label, values[n])
			}
		}
		if want := "wasmcustom." + strings.Replace(f.Name, "_", ".", 1); rest != want || len(found) != len(f.Labels) {
			t.Errorf("%s: Envoy has %q with %v, want %q", name, rest, found, want)
		}
	}
	if _, _, err := Split("rulegate.decisions_totals.yes.x"); err == nil {
		t.Error("a metric that nobody knows has a family")
	}
}
