package policytest

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rulegate/rulegate/host/simulate"
)

// Reporter is told of a run, in the order of the tests.
type Reporter interface {
	Begin(s *Suite)
	Test(s *Suite, r *Result)
	// Failed tells that a file could not be read.
	Failed(path string, err error)
	End(s *Suite, passed bool, elapsed time.Duration)
	Close(sum Summary) error
}

// Summary counts the tests of a run.
type Summary struct {
	Files    int    `json:"files"`
	Passed   int    `json:"passed"`
	Failed   int    `json:"failed"`
	Skipped  int    `json:"skipped"`
	Recorded int    `json:"recorded,omitempty"`
	Broken   int    `json:"broken,omitempty"` // files that could not be read
	Seed     uint64 `json:"seed"`
}

// OK reports whether nothing failed.
func (s Summary) OK() bool { return s.Failed == 0 && s.Broken == 0 }

// Add counts a result.
func (s *Summary) Add(r *Result) {
	switch r.Outcome {
	case Pass:
		s.Passed++
	case Skip:
		s.Skipped++
	case Recorded:
		s.Recorded++
	default:
		s.Failed++
	}
}

// Text reports as `go test` does.
type Text struct {
	Out     io.Writer
	Errors  io.Writer // of files that could not be read
	Verbose bool
	Seeded  bool // print what the run depends on

	tests int
}

// Begin implements Reporter.
func (t *Text) Begin(s *Suite) {
	t.tests = 0
	if t.Seeded {
		fmt.Fprintf(t.Out, "=== TIME  %s: %s\n", s.Path, s.Now.Format(time.RFC3339Nano))
	}
}

// Test implements Reporter.
func (t *Text) Test(s *Suite, r *Result) {
	t.tests++
	if t.Verbose {
		fmt.Fprintf(t.Out, "=== RUN   %s\n", r.Case.Name)
	}
	if !t.Verbose && (r.Outcome == Pass || r.Outcome == Recorded || r.Outcome == Skip) {
		return
	}
	word := map[Outcome]string{Pass: "PASS", Skip: "SKIP", Recorded: "RECORDED"}[r.Outcome]
	if word == "" {
		word = "FAIL"
	}
	fmt.Fprintf(t.Out, "--- %s: %s (%.2fs)\n", word, r.Case.Name, r.Elapsed.Seconds())
	if detail := t.Detail(s, r); detail != "" {
		fmt.Fprintln(t.Out, indent(detail, "    "))
	}
}

// Detail is the text about a result that is no pass.
func (t *Text) Detail(s *Suite, r *Result) string {
	switch r.Outcome {
	case Pass:
		return ""
	case Skip:
		return s.Position(r.Case) + ": " + r.Err.Error()
	case Recorded:
		return s.Position(r.Case) + ": want: " + recordText(r.Case, r.Got)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", s.Position(r.Case), requestLine(r.Case))
	if r.Err != nil {
		fmt.Fprintf(&b, "\n%v", r.Err)
		return b.String()
	}
	for _, d := range r.Differences {
		b.WriteString("\n" + d.String())
	}
	b.WriteString("\n" + decisionLine(r.Got))
	if text := s.explanation(r); text != "" {
		b.WriteString("\n" + text)
	}
	return b.String()
}

// requestLine names the request of a case and its user.
func requestLine(c *Case) string {
	return fmt.Sprintf("%s %s as %s", c.request.Method, c.request.Target, c.As)
}

// decisionLine is the decision and its reason.
func decisionLine(r *simulate.Result) string {
	line := "decided: " + statusOf(r)
	if r.Resource != nil {
		line += " by " + r.Resource.Name
	}
	if r.Place != "" {
		line += ", clause " + r.Place
		if r.Name != "" {
			line += " (" + r.Name + ")"
		}
	}
	if r.Reason != "" {
		line += ": " + r.Reason
	}
	return line
}

// String writes a difference in one line, or as a comparison of lines.
func (d Difference) String() string {
	if !strings.Contains(d.Want, "\n") && !strings.Contains(d.Got, "\n") {
		return fmt.Sprintf("%s: want %s, got %s", d.What, d.Want, d.Got)
	}
	lines := diff.Diff("want", []byte(d.Want+"\n"), "got", []byte(d.Got+"\n"))
	_, body, _ := strings.Cut(string(lines), "\n") // without the line "diff want got"
	return d.What + ":\n" + indent(strings.TrimRight(body, "\n"), "  ")
}

func indent(text, by string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = by + l
		}
	}
	return strings.Join(lines, "\n")
}

// Failed implements Reporter.
func (t *Text) Failed(path string, err error) {
	fmt.Fprintln(t.Errors, err)
	fmt.Fprintf(t.Out, "FAIL\t%s [not read]\n", path)
}

// End implements Reporter.
func (t *Text) End(s *Suite, passed bool, elapsed time.Duration) {
	word := "ok  "
	if !passed {
		word = "FAIL"
	}
	note := ""
	if t.tests == 0 {
		note = " [no tests to run]"
	}
	fmt.Fprintf(t.Out, "%s\t%s\t%.3fs\t%s%s\n", word, s.Path, elapsed.Seconds(), counted(t.tests, "test"), note)
}

// Close implements Reporter.
func (t *Text) Close(sum Summary) error {
	if t.Seeded {
		fmt.Fprintf(t.Out, "seed %d\n", sum.Seed)
	}
	if !sum.OK() {
		fmt.Fprintln(t.Out, "FAIL")
	}
	return nil
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
