package main

import (
	"encoding/xml"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// sampleReport has a row of each work that targets, fleet and chart read.
func sampleReport() *report {
	r := &report{Machine: machine{Date: "2026-11-30", Rounds: 5, Turn: 1, Generator: "wrk"}}
	add := func(name string, bases []string, rows ...row) {
		r.Works = append(r.Works, result{Name: name, Title: name, Bases: bases, Rows: rows})
	}
	one := func(contender, at string, cpu, helper, rate float64, to map[string]float64) row {
		return row{Contender: contender, At: at, CPUTo: to, RateTo: to, sample: sample{Requests: 100, CPU: cpu, Helper: helper, Rate: rate, P50: time.Millisecond, P99: 3 * time.Millisecond}}
	}
	add("warm", []string{none, empty, cached},
		one(none, "", 10, 0, 40000, map[string]float64{none: 1}),
		one(ours, "", 20, 0, 20000, map[string]float64{none: 2, empty: 1.25, cached: 1.1}),
		one(opaName, "", 110, 0, 1000, nil))
	for _, name := range []string{"cold", "verify", "clauses", "routes", "claims", "force", "mask", "rows", "connections", "workers"} {
		add(name, nil)
	}
	add("query", []string{authzGo},
		one(ours+" and companion", "8", 100, 50, 5000, map[string]float64{authzGo: 1.5}),
		one(ours+" and companion", "100", 100, 50, 5000, map[string]float64{authzGo: 0.7}),
		one(ours+", cache: 1m", "100", 25, 0, 20000, nil))
	r.Starts = []startup{{none, 1, .1, .1, 60, 60}, {ours, 1, 4, 7, 200, 210}, {none, 2, .1, .1, 60, 60}, {ours, 2, 4, 7, 200, 210}, {ours, 8, 4, 7, 240, 280}}
	r.Sizes = []size{{ours, 8_000_000, 4_000_000}}
	r.Targets, r.Fleet = r.targets(), newFleet(r)
	return r
}

// The document must have a section for each table of a whole run, and no other.
func TestDocumentHasAllSections(t *testing.T) {
	text, err := os.ReadFile("../BENCHMARKS.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := sampleReport().sections()
	if len(sections) != len(all)+len([]string{"machine", "targets", "fleet", "sizes"}) {
		t.Errorf("%d sections", len(sections))
	}
	once, err := replaced(string(text), sections)
	if err != nil {
		t.Fatal(err)
	}
	again, err := replaced(once, sections)
	if err != nil || again != once {
		t.Errorf("a second run changes the document: %v", err)
	}
}

func TestReplaced(t *testing.T) {
	const document = "a\n<!-- bench: warm -->\nold\n<!-- bench: end -->\nb\n"
	got, err := replaced(document, map[string]string{"warm": "new\n"})
	if want := "a\n<!-- bench: warm -->\n\nnew\n\n<!-- bench: end -->\nb\n"; err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	for name, c := range map[string]struct {
		document string
		sections map[string]string
		want     string
	}{
		"a section without a mark": {document, map[string]string{"warm": "", "cold": ""}, "no section for cold"},
		"a mark without a section": {document, map[string]string{}, "there is no such table"},
		"a mark twice":             {document + document, map[string]string{"warm": ""}, "there twice"},
		"no end":                   {"<!-- bench: warm -->\nold\n", map[string]string{"warm": ""}, "after it"},
	} {
		if _, err := replaced(c.document, c.sections); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A ratio is that of rounds, so that a slow round of all contenders does not change it.
func TestRatiosAreOfRounds(t *testing.T) {
	w := &work{name: "w", bases: []string{"a"}, contenders: []contender{{name: "a"}, {name: "b"}, {name: "b", at: "2"}}}
	round := func(cpu ...float64) (out []sample) {
		for _, c := range cpu {
			out = append(out, sample{Requests: 1, CPU: c, Rate: 1000 / c})
		}
		return out
	}
	r := newResult(w, [][]sample{round(10, 30, 20), round(20, 63, 40), round(1, 1, 1)})
	b := r.Rows[1]
	if b.CPU != 40 || b.CPUTo["a"] != 2 || b.RateTo["a"] != 0.5 || b.Requests != 3 {
		t.Errorf("%+v", b)
	}
	if len(r.Rows[2].CPUTo) != 0 {
		t.Errorf("a ratio without a base: %+v", r.Rows[2])
	}
	// A round without an answer counts for nothing.
	drowned := newResult(w, [][]sample{round(10, 30, 20), {{Refused: 5}, {Requests: 1, CPU: 60, Rate: 1}, {}}, {{}, {}, {}}})
	if b := drowned.Rows[1]; b.CPU != 60 || b.CPUTo["a"] != 2 || b.Refused != 5 {
		t.Errorf("%+v", b)
	}
	if last := drowned.table().rows[2]; !slices.Contains(last, "no answer") {
		t.Errorf("%q", last)
	}
	if m := median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Errorf("median %v", m)
	}
	if m := median(nil); m != 0 {
		t.Errorf("median of nothing %v", m)
	}
}

func TestVersionOfEnvoy(t *testing.T) {
	for text, want := range map[string]string{
		"\n/opt/envoy-1.39/bin/envoy  version: 0123abc/1.40.0/Clean/RELEASE/BoringSSL\n": "1.40.0",
		"envoy: not found": "of an unknown version",
	} {
		if got := versionIn(text); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestTargets(t *testing.T) {
	r := sampleReport()
	text := r.targetTable().String()
	for _, line := range []string{
		"| a known token and one match: CPU to " + cached + " | ≤ 1.15 | 1.10 | yes |",
		"| the same: requests a second to " + opaName + " | ≥ 10 | 20.00 | yes |",
		"| one query, 100 clients: requests a second to a " + authzGo + " | ≥ 0.8 | 0.70 | no |",
		"| memory of each further worker after load, MB | ≤ 12 | 10.00 | yes |",
		"| code section of the module, MB | ≤ 3.9 | 4.00 | no |",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("want %s in\n%s", line, text)
		}
	}
}

func TestFleet(t *testing.T) {
	f := sampleReport().Fleet
	text := f.String()
	for _, line := range []string{
		// 100,000 × 20 µs are 2 cores, which are 2.86 at 70 %.
		"| Envoy's workers, decided in the module | 20.0 µs | 1 | 3 | 35,000 requests/s | `-works warm` |",
		"| Envoy's workers, one query each | 100 µs | 1 | 15 | 7,000 requests/s | `-works query` |",
		"| calls in flight, of 1,024 in one companion | 1.00 ms | 1 | 100 | 1,024,000 requests/s | `-works query` |",
		"| 210 MB | 230 MB |",
		"At 1,000 requests a second, decisions in the module need 0.03 workers. With a query for each request it is 0.14 workers and 0.07 companions; the first to be full is Envoy's worker, which reaches its share at 7,000 requests a second",
		"At 100,000 requests a second", "of which this takes 15.",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("want %s in\n%s", line, text)
		}
	}
	for _, drowned := range []string{"8", "100"} {
		r := sampleReport()
		*r.find("query", ours+" and companion", drowned) = row{Contender: ours + " and companion", At: drowned}
		if newFleet(r) != nil {
			t.Errorf("a model without the answers to %s clients", drowned)
		}
		r.Fleet = nil
		if err := r.write(t.TempDir()); err != nil {
			t.Error(err)
		}
	}
	r := sampleReport()
	r.Starts = nil
	if newFleet(r) != nil {
		t.Error("a model without the memory")
	}
}

func TestChartIsXML(t *testing.T) {
	chart := sampleReport().chart()
	d := xml.NewDecoder(strings.NewReader(chart))
	bars := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, chart)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			bars++
		}
	}
	if bars != 1+3+2+1 { // the background, warm, two of query and one helper
		t.Errorf("%d bars in %s", bars, chart)
	}
	if (&report{}).chart() != "" {
		t.Error("a chart of nothing")
	}
}

func TestTablesHaveNoEmptyColumn(t *testing.T) {
	r := sampleReport()
	for i := range r.Works {
		table := r.Works[i].table()
		for _, row := range table.rows {
			if len(row) != len(table.head) {
				t.Errorf("%s: %d cells under %d heads", r.Works[i].Name, len(row), len(table.head))
			}
		}
	}
	if text := number(math.Pi * 1e6); text != "3,141,593" {
		t.Error(text)
	}
}
