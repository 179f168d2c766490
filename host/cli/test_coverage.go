package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/rulegate/rulegate/host/policytest"
)

// report prints and writes the coverage. enough is false if one is below --min.
func (c *runners) report(out io.Writer) (enough bool, err error) {
	f := c.flags
	enough = true
	for _, one := range c.coverages {
		if f.coverage {
			one.WriteText(out, f.verbose)
		}
		if p := one.Totals().Percent(); p < f.min {
			fmt.Fprintf(out, "coverage: %s: %.1f%% is below --min %v\n", one.Path, p, f.min)
			enough = false
		}
	}
	for _, file := range []struct {
		flag, path string
		write      func(io.Writer, []*policytest.Coverage) error
	}{{"--lcov", f.lcov, policytest.WriteLCOV}, {"--html", f.html, policytest.WriteHTML}} {
		if file.path == "" {
			continue
		}
		var text bytes.Buffer
		if err := file.write(&text, c.coverages); err != nil {
			return enough, err
		}
		if err := os.WriteFile(file.path, text.Bytes(), 0o644); err != nil {
			return enough, fmt.Errorf("%s: %w", file.flag, err)
		}
	}
	return enough, nil
}

// mutate runs the tests against mutants of their policies. noticed is false if a mutant
// passes the tests.
func mutate(ctx context.Context, f *testFlags, suites []*policytest.Suite, results map[*policytest.Suite][]policytest.Result,
	sum policytest.Summary, out, stderr io.Writer) (noticed bool, err error) {
	if !sum.OK() {
		fmt.Fprintln(out, "mutants: none are made, because a test fails")
		return false, nil
	}
	var order []string
	byPath := map[string][]*policytest.Suite{}
	for _, s := range suites {
		if byPath[s.PolicyPath] == nil {
			order = append(order, s.PolicyPath)
		}
		byPath[s.PolicyPath] = append(byPath[s.PolicyPath], s)
	}
	noticed = true
	for _, path := range order {
		bar := newBar(underBar(stderr), "mutant")
		m, err := policytest.Mutate(ctx, byPath[path], results, f.mutants, f.seed, bar.set)
		bar.end()
		if err != nil {
			return false, fmt.Errorf("interrupted")
		}
		for _, s := range m.Survivors {
			fmt.Fprintln(out, m.Show(s))
		}
		fmt.Fprintln(out, m.Describe())
		noticed = noticed && len(m.Survivors) == 0
	}
	return noticed, nil
}

// underBar returns the writer that is below a bar.
func underBar(w io.Writer) io.Writer {
	if a, ok := w.(aboveBar); ok {
		return a.w
	}
	return w
}
